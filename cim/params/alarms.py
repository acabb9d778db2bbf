"""tune.alarms: what a run is watched for."""

from typing import Literal

from pydantic import Field

from cim.params.base import Section

AlarmName = Literal["zero_variance", "clipped", "length_drift", "repetition", "divergence"]


class Divergence(Section):
    """Self-retrieval has fallen since its best while the training reward has risen: the reward is being gamed."""

    validations: int = Field(2, ge=1, description="validations after the best, whose mean is compared with it")
    drop: float = Field(0.05, ge=0, lt=1, description="how far that mean may lie below the best")


class Alarms(Section):
    """What a run is watched for. Each may be null: off. None of them stops a run unless tune.stop_on names it."""

    every: int = Field(10, ge=1, description="steps between checks; each looks at the steps since the one before")
    zero_variance: float | None = Field(
        0.5, ge=0, le=1, description="share of groups whose captions all have the same reward, so nothing is learned"
    )
    clipped: float | None = Field(0.2, ge=0, le=1, description="share of captions cut at max_new_tokens")
    length_drift: float | None = Field(
        2.0, gt=1, description="mean length over that of the first `every` steps, or the other way round"
    )
    repetition: float | None = Field(0.2, ge=0, le=1, description="share of 4-grams that repeat an earlier one")
    divergence: Divergence | None = Divergence()
