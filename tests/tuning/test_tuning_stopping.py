from typing import Any

import pytest

from cim.params import Alarms, Reward, StopEarly, Tune
from cim.tuning.stopping import stalled, stop_reason


@pytest.mark.parametrize(
    ("scores", "patience", "delta", "expected"),
    [
        ([0.1, 0.2, 0.2], 1, 0.0, True),  # the last is no better than the best before
        ([0.1, 0.2, 0.3], 1, 0.0, False),
        ([0.1, 0.3, 0.2, 0.31], 2, 0.0, False),  # one of the last two is
        ([0.1, 0.3, 0.2, 0.31], 2, 0.05, True),  # but not by more than 0.05
        ([0.5], 1, 0.0, False),  # nothing to compare with yet
    ],
)
def test_stalled(scores: list[float], patience: int, delta: float, expected: bool) -> None:
    assert stalled(scores, StopEarly(patience=patience, min_delta=delta)) is expected


PARAMS = Tune(
    reward=Reward(), steps=10, prompts_per_step=1, max_new_tokens=1, learning_rate=1.0, validate_every=2,
    stop_early=StopEarly(patience=2), alarms=Alarms(every=2), stop_on=["clipped"],
)  # fmt: skip


@pytest.mark.parametrize(
    ("scores", "alarms", "expected"),
    [
        ([(0, 0.1), (2, 0.2), (4, 0.3)], [], None),
        ([(0, 0.1), (10, 0.2)], [], "all steps"),
        ([(0, 0.3), (2, 0.2), (4, 0.3)], [], "stop_early"),
        ([(0, 0.1), (4, 0.2)], [("clipped", 4)], "alarm clipped"),
        ([(0, 0.1), (4, 0.2)], [("repetition", 4)], None),  # not named in stop_on
        ([(0, 0.1), (2, 0.2)], [("clipped", 4)], None),  # the validation at its step is still to come
        ([(0, 0.1), (10, 0.2)], [("clipped", 10)], "all steps"),  # nothing was left to stop
        ([], [], None),
    ],
)
def test_a_run_says_why_it_ended(
    scores: list[tuple[int, float]], alarms: list[tuple[str, int]], expected: str | None
) -> None:
    validations = [{"step": step, "self_retrieval": score} for step, score in scores]
    raised: list[dict[str, Any]] = [{"alarm": name, "step": step} for name, step in alarms]
    assert stop_reason(PARAMS, validations, raised) == expected
