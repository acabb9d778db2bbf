"""The order of four captions: who claims to hold it does, who does not says so, and a planted liar is seen."""

from collections.abc import Mapping
from itertools import pairwise

from benchmarks.order import FAITHFUL, LEAST, OTHERS, Steps, four, held, report

SEED, SCENES = 5, 200


def broken(yardsticks: Mapping[str, Steps]) -> list[str]:
    return [name for name, steps in yardsticks.items() if min(held(steps, SEED, SCENES)) < LEAST]


def test_who_claims_fidelity_holds_each_step() -> None:
    assert broken(FAITHFUL) == []


def test_the_others_do_not_hold_it_and_claim_nothing() -> None:
    assert broken(OTHERS) == list(OTHERS)


def test_a_yardstick_that_likes_length_is_caught() -> None:
    def longer(_: object, captions: tuple[str, ...]) -> list[bool]:
        return [len(one) > len(other) for one, other in pairwise(captions)]

    assert broken({"length": longer, "anything": lambda *_: [True] * 3}) == ["length"]


def test_the_four_captions() -> None:
    """Read by hand: seed 5's first scene."""
    scene, (truth, wrong, vague, other) = four(5, 0)
    assert {truth, wrong, vague, other} == set(four(5, 0)[1])
    assert all(thing.color in truth for thing in scene.things)
    assert len(vague) < len(truth)


def test_the_table() -> None:
    lines = report([5], 2).splitlines()
    assert lines[0].startswith("| yardstick | claims fidelity | truth above one wrong fact |")
    assert [line.split(" | ")[1] for line in lines[2:]] == ["yes", "yes", *["no"] * 5]
