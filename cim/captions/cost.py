"""What captions cost beside their making: how long the engine waited, what was read, what was asked again."""

from dataclasses import astuple, dataclass
from typing import Self


@dataclass(frozen=True)
class Cost:
    """Of some shards. busy, waited: seconds that engines had work, and had none while more was to come.

    nbytes: of images read for captions. retries: captions, or requests, that were asked for again.
    """

    busy: float = 0.0
    waited: float = 0.0
    nbytes: int = 0
    retries: int = 0

    def __add__(self, other: Self) -> "Cost":
        return Cost(*(one + two for one, two in zip(astuple(self), astuple(other), strict=True)))

    def __sub__(self, other: Self) -> "Cost":
        return Cost(*(one - two for one, two in zip(astuple(self), astuple(other), strict=True)))

    @property
    def share(self) -> float:
        """Of the engines' time, what they waited."""
        return self.waited / (self.busy + self.waited) if self.waited else 0.0

    def values(self) -> dict[str, float]:
        """For a line of the log."""
        times = {"engine_busy_seconds": round(self.busy, 3), "engine_waited_seconds": round(self.waited, 3)}
        return times | {"bytes_read": self.nbytes, "retries": self.retries}


NO_COST = Cost()
