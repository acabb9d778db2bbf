"""R@k among so many others: every draw by hand, look-alikes by another encoder, both ways round."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError
from test_metrics_heldout import EVAL, embed, encode

from cim.layout import Layout
from cim.metrics.evalset import EvalSet
from cim.metrics.heldout import judge_held_out
from cim.metrics.negatives import at_random, look_alikes, ranks_among
from cim.metrics.pool import Pool
from cim.params import Evaluate, Negatives


@pytest.mark.parametrize(("rank", "count", "k"), [(1, 3, 1), (3, 2, 1), (3, 2, 2), (5, 4, 3), (6, 3, 1)])
def test_the_chance_is_the_share_of_draws(rank: int, count: int, k: int) -> None:
    """Of five others, rank - 1 are closer: every draw of `count` of them, looked at one by one."""
    draws = list(combinations(range(5), count))
    right = sum(sum(one < rank - 1 for one in draw) < k for draw in draws)
    assert at_random(k, np.array([float(rank)]), 6, count)[0] == pytest.approx(right / len(draws))


def test_too_few_others_have_no_chance() -> None:
    assert np.isnan(at_random(1, np.array([1.0, 2.0]), 4, 4)).all()


def judged(layout: Layout, captions: list[str], *negatives: Negatives) -> dict[str, list[float]]:
    ids = [f"e{i}" for i in range(len(captions))]
    evaluated = EvalSet(ids, [[]] * 4, [None] * 4, {"base": captions}, {"base": [False] * 4}, {})
    found = judge_held_out(evaluated, Pool.open(layout), encode, negatives=negatives)["base"].values
    return {name: rows[:, 0].tolist() for name, rows in found.items() if "alike" in name or "random" in name}


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """Images at 0, 10, 90, 100 degrees to the judge; the reward has others."""
    made = Layout(tmp_path)
    embed(made, "heldout", "eval", EVAL)
    embed(made, "image", "eval", {"e0": 0.0, "e1": 40.0, "e2": 4.0, "e3": 30.0})
    return made


def test_look_alikes_are_the_other_encoders(layout: Layout) -> None:
    assert look_alikes(["e0", "e1", "e2", "e3"], Pool.open(layout).miner, 2).tolist() == [
        [2, 3],
        [3, 2],
        [0, 3],
        [1, 2],
    ]
    assert look_alikes(["e0", "other", "e1"], Pool.open(layout).miner, 2).tolist() == [[2, -1], [-1, -1], [0, -1]]


def test_both_ways_by_hand(layout: Layout) -> None:
    """e0's caption at 6 is nearer to e1, which is not among its look-alikes: first among 1 (e2) and 2 (e2, e3). e1's
    at 96: e3 is nearer. e2's at 90 and e3's at 100 are exact. By the images: e0 at 0 has its own at 6; e1 at 10 has its
    own 86 off, and of e3's (90 off) and e2's (80) the latter is nearer: first of one, second of two; e2 at 90 and e3
    at 100 have exact ones."""
    found = judged(layout, ["6", "96", "90", "100"], *(Negatives(kind="alike", count=n) for n in (1, 2)))
    assert found["r1_alike_1"] == [1, 0, 1, 1]
    assert found["text_r1_alike_1"] == [1, 1, 1, 1]
    assert found["text_r1_alike_2"] == [1, 0, 1, 1]
    among = judged(layout, ["6", "96", "90", "100"], Negatives(kind="random", count=1, at=[1]))
    # e0: one of three others (e1) is nearer. e1 at 96: e2, e3 are; a blank caption finds nothing
    assert among["r1_random_1"] == pytest.approx([2 / 3, 1 / 3, 1, 1])
    blank = judged(
        layout, [" ", "10", "90", "100"], Negatives(kind="random", count=3), Negatives(kind="alike", count=2)
    )
    assert {name: row[0] for name, row in blank.items()} == dict.fromkeys(blank, 0)
    assert all(row[1:] == [1, 1, 1] for row in blank.values())


def test_ties_count_against_and_a_missing_other_is_no_rank() -> None:
    same = np.array([[1, 0], [1, 0], [0, 1]], dtype=np.float32)
    others = np.array([[1, 2], [0, 2], [0, -1]])
    assert ranks_among(same, same, others)[:2].tolist() == [2, 2]
    assert np.isnan(ranks_among(same, same, others)[2])


def test_parameters() -> None:
    assert Evaluate().negatives == []
    with pytest.raises(ValidationError, match="can't miss"):
        Negatives(kind="random", count=4, at=[1, 5])
    with pytest.raises(ValidationError, match="twice"):
        Negatives(kind="random", count=4, at=[1, 1])
