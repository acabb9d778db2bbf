"""Requests without an answer: the items' own fault, or is the server gone?"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from cim.errors import CimError, EngineLost

FAILED = 8  # requests in a row without an answer, from a server that is there: no longer the items' fault
Held = TypeVar("Held")


@dataclass
class HeldBack(Generic[Held]):
    """A request that stays without an answer is its item's fault only if the server answers one that begins after it:
    until then it is held back, so that a server that is gone makes no rejects.

    parallel: requests under way at once. identity: asks the server who it is, as `ChatClient.identity` does. setting:
    what names the server in the params.
    """

    parallel: int
    identity: Callable[[], object]
    setting: str
    _held: list[tuple[float, str, Held]] = field(default_factory=list)  # when it ended, what was said, the item
    _failed: int = 0  # in a row

    def fail(self, ended: float, found: str, item: Held) -> None:
        """A request without an answer, over at `ended` seconds on the monotonic clock. found: in words."""
        self._failed += 1
        self._held.append((ended, found, item))

    def answered(self, began: float) -> list[Held]:
        """The server answered a request that began then: the items for whose failure it is not to blame."""
        self._failed = 0
        sure = [item for ended, _, item in self._held if ended <= began]
        self._held = [one for one in self._held if one[0] > began]
        return sure

    def settle(self) -> list[Held]:
        """All that are held back, when no other request can tell. Raises EngineLost where the server is gone, or has
        left too many in a row without an answer."""
        if not self._held:
            return []
        held, self._held = self._held, []
        failed, self._failed = self._failed, 0
        try:
            self.identity()
        except CimError as error:
            raise EngineLost(f"a server that is gone ({error.found})", error.expected, error.remedy) from error
        if failed >= max(FAILED, self.parallel):
            raise EngineLost(
                f"{failed} requests in a row without an answer ({held[-1][1]})",
                "a server that has time for them",
                f"look after it, or lower {self.setting}.parallel, or raise timeout; then run again",
            )
        self._failed = failed
        return [item for _, _, item in held]

    def forget(self) -> None:
        """Nothing is held back any more."""
        self._held, self._failed = [], 0
