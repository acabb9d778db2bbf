"""Which weights a run leaves, and why it ended."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cim.params import StopEarly, Tune

Validations = Sequence[Mapping[str, float]]
"""One record a validation: step, self_retrieval and the other fields of Validation."""

ALL_STEPS = "all steps"


def best_of(history: Validations) -> dict[str, float]:
    """The best validation by self-retrieval, the first among equals."""
    return dict(max(history, key=lambda record: (record["self_retrieval"], -record["step"])))


def best_folder(history: Validations, folder: Path) -> Path:
    """Where KeepBest keeps the weights of the best validation."""
    return folder / f"best-{int(best_of(history)['step']):06d}"


def stalled(scores: Sequence[float], rule: StopEarly) -> bool:
    """No score of the last `patience` validations is above the best before them by more than min_delta."""
    if len(scores) <= rule.patience:
        return False
    before, recent = scores[: -rule.patience], scores[-rule.patience :]
    return max(recent) <= max(before) + rule.min_delta


def stop_reason(params: Tune, validations: Validations, alarms: Sequence[Mapping[str, Any]]) -> str | None:
    """Why a run that has come to its last validation needs no further step: "all steps", "stop_early" or
    "alarm <name>"; None while it has to go on.

    A run is validated where it ends, so these records tell the same after a kill. alarms: records of AlarmCallback.
    """
    step = validations[-1]["step"] if validations else 0
    if step >= params.steps:
        return ALL_STEPS
    if raised := [alarm["alarm"] for alarm in alarms if alarm["alarm"] in params.stop_on and alarm["step"] == step]:
        return f"alarm {raised[0]}"
    if params.stop_early and stalled([one["self_retrieval"] for one in validations], params.stop_early):
        return "stop_early"
    return None
