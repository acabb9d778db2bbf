"""Every rule raises on a planted curve and is silent on a healthy one."""

from collections.abc import Sequence
from typing import Any

import pytest

from cim.params import Alarms, Divergence
from cim.tuning.alarms import Alarm, History, rules

ON = Alarms(every=2)  # other limits: the defaults


def history(validations: Sequence[tuple[int, float]] = (), **curves: Sequence[float | None]) -> History:
    """Steps 1, 2, ... with the values of each curve; validations as (step, self-retrieval)."""
    names = {
        "zero": "frac_reward_zero_std", "clipped": "completions/clipped_ratio", "length": "completions/mean_length",
        "repeated": "repetition_share", "reward": "reward",
    }  # fmt: skip
    steps = max(map(len, curves.values()))
    records: list[dict[str, Any]] = [{"step": step + 1} for step in range(steps)]
    for name, values in curves.items():
        for record, value in zip(records, values, strict=True):
            record[names[name]] = value
    return History(records, [{"step": step, "self_retrieval": score} for step, score in validations])


def raised(past: History, params: Alarms = ON) -> dict[str, Alarm]:
    return {rule.name: alarm for rule in rules(params) if (alarm := rule.judge(rule.measure(past))) is not None}


HEALTHY = history(
    [(0, 0.6), (2, 0.8), (4, 0.9), (6, 0.88)],
    zero=[0.1, 0.0, 0.2, 0.1, 0.0, 0.3],
    clipped=[0.0, 0.0, 0.1, 0.0, 0.0, 0.1],
    length=[10, 11, 12, 14, 15, 16],
    repeated=[0.01, 0.02, 0.0, 0.02, 0.03, 0.01],
    reward=[1.0, 1.1, 1.2, 1.3, 1.4, 1.5],
)


def test_a_healthy_run_raises_none() -> None:
    assert raised(HEALTHY) == {}


@pytest.mark.parametrize(
    ("name", "curve", "value"),
    [
        ("zero_variance", {"zero": [0.0, 0.0, 0.4, 0.8]}, 0.6),  # (0.4 + 0.8) / 2 above 0.5
        ("clipped", {"clipped": [0.0, 0.0, 0.2, 0.3]}, 0.25),  # above 0.2
        ("length_drift", {"length": [9, 11, 20, 24]}, 2.2),  # 22 / 10 above 2
        ("length_drift", {"length": [20, 24, 11, 9]}, 2.2),  # shorter counts as well
        ("repetition", {"repeated": [0.0, 0.0, 0.3, 0.2]}, 0.25),  # above 0.2
    ],
)
def test_a_planted_curve_raises(name: str, curve: dict[str, list[float]], value: float) -> None:
    (alarm,) = raised(history(**curve)).values()
    assert (alarm.alarm, alarm.value) == (name, pytest.approx(value))
    assert alarm.found.endswith(f" {value:.3g}")
    assert "tune." in alarm.remedy or "guard" in alarm.remedy
    off = ON.model_copy(update={name: None})
    assert raised(history(**curve), off) == {}


def test_the_limit_itself_is_allowed() -> None:
    assert raised(history(clipped=[0.2, 0.2], zero=[0.5, 0.5], repeated=[0.2, 0.2], length=[10, 10])) == {}


def test_only_the_last_steps_count() -> None:
    assert raised(history(clipped=[1.0, 1.0, 0.0, 0.0])) == {}


def test_a_step_without_a_value_is_left_out() -> None:
    """As on the later steps of a rollout with several updates, or where no caption was scored."""
    assert raised(history(clipped=[0.0, 0.0, None, 0.3]))["clipped"].value == pytest.approx(0.3)
    assert raised(history(clipped=[0.0, 0.0, float("nan"), None])) == {}
    assert raised(history(reward=[1.0])) == {}  # nothing known but a reward


# The best validation is that of step 2; the two after it have the mean 0.75, 0.15 below.
FALLING = [(0, 0.6), (2, 0.9), (4, 0.8), (6, 0.7)]


class TestDivergence:
    def test_reward_up_retrieval_down(self) -> None:
        (alarm,) = raised(history(FALLING, reward=[1.0, 1.0, 1.1, 1.2, 1.3, 1.4])).values()
        assert (alarm.alarm, alarm.value, alarm.limit) == ("divergence", pytest.approx(0.15), 0.05)

    def test_both_down_is_no_divergence(self) -> None:
        # Mean reward of steps 1 and 2: 1.0; of steps 5 and 6: 0.9.
        assert raised(history(FALLING, reward=[1.0, 1.0, 1.1, 1.2, 0.9, 0.9])) == {}

    def test_both_up_is_none(self) -> None:
        assert raised(history([(0, 0.5), (2, 0.6), (4, 0.7), (6, 0.8)], reward=[1, 1, 2, 2, 3, 3])) == {}

    def test_one_bad_validation_is_not_enough(self) -> None:
        assert raised(history(FALLING[:3], reward=[1, 1, 2, 2])) == {}
        one = ON.model_copy(update={"divergence": Divergence(validations=1)})
        assert raised(history(FALLING[:3], reward=[1, 1, 2, 2]), one)["divergence"].value == pytest.approx(0.1)

    def test_a_small_fall_is_noise(self) -> None:
        assert raised(history([(0, 0.5), (2, 0.9), (4, 0.86), (6, 0.86)], reward=[1, 1, 2, 2, 3, 3])) == {}

    def test_a_base_model_that_was_best_is_compared_with_the_first_steps(self) -> None:
        (alarm,) = raised(history([(0, 0.9), (2, 0.6), (4, 0.5)], reward=[1.0, 1.2, 1.3, 1.5])).values()
        assert alarm.value == pytest.approx(0.35)  # 0.9 - (0.6 + 0.5) / 2
