"""What contradicts itself among alarms and what they may stop."""

from typing import Any

import pytest
from test_params_load import DEFAULT, changed, message_for

from cim.params import parse_params

STEPS, VALIDATE = DEFAULT["tune"]["steps"], DEFAULT["tune"]["validate_every"]


def test_alarms_are_on_and_stop_nothing_unless_asked() -> None:
    tune = parse_params(changed()).tune
    assert tune.stop_on == []
    assert None not in tune.alarms.model_dump().values()


def test_all_of_them_may_stop_a_run() -> None:
    names = ["zero_variance", "clipped", "length_drift", "repetition", "divergence"]
    assert parse_params(changed(("tune.stop_on", names))).tune.stop_on == names


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ([("tune.stop_on", ["cliped"])], "tune.stop_on.0"),
        ([("tune.stop_on", ["clipped", "clipped"])], "stop_on names ['clipped'] more than once"),
        ([("tune.alarms", {"clipped": None}), ("tune.stop_on", ["clipped"])], "['clipped'], which tune.alarms turns"),
        ([("tune.alarms", {"every": STEPS}), ("tune.stop_on", ["clipped"])], f"every {STEPS} leaves no check"),
        # Validations at 0 and, before the last step, none.
        ([("tune.validate_every", STEPS), ("tune.stop_on", ["divergence"])], "takes 2 validations after the best"),
        ([("tune.alarms", {"length_drift": 1.0})], "tune.alarms.length_drift"),
        ([("tune.alarms", {"clipped": 1.5})], "tune.alarms.clipped"),
        ([("tune.alarms", {"every": 0})], "tune.alarms.every"),
        ([("tune.alarms", {"cliped": 0.5})], "did you mean 'clipped'?"),
    ],
)
def test_is_refused(changes: list[tuple[str, Any]], part: str) -> None:
    message = message_for(*changes)
    assert "1 problem(s)" in message
    assert part in message


def test_all_at_once() -> None:
    message = message_for(
        ("tune.alarms", {"every": STEPS, "clipped": None}),
        ("tune.stop_on", ["clipped", "clipped", "divergence"]),
        ("tune.validate_every", STEPS),
        ("tune.reward.k", 0),
    )
    assert "5 problem(s)" in message
    for part in ("turns off", "more than once", "leaves no check", "stop_on divergence has no effect", "tune.reward.k"):
        assert part in message
