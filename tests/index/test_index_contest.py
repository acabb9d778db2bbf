"""The best rows by codes, found shelf by shelf by two contests, against all scores sorted."""

import numpy as np
import pytest
import torch

from cim.index.contest import Contest, Floor, joined
from cim.index.shelves import SHELF


@pytest.mark.parametrize("kind", [torch.int32, torch.float32, torch.bfloat16])
def test_all_within_the_slack_of_the_kth_best_are_kept(kind):
    rng, slack, k = np.random.default_rng(0), 40, 3
    wholes = rng.integers(-120, 120, size=(5, 20 * SHELF + 7))  # bfloat16 has all of them
    units = rng.choice([0.5, 1, 2], size=21).astype(np.float32)
    scores = wholes * np.repeat(units, SHELF)[: wholes.shape[1]]
    floor = Floor(np.full(5, slack, dtype=np.float32))
    contests = [Contest(floor, k, 400) for _ in range(2)]
    for number, start in enumerate(range(0, wholes.shape[1], 3 * SHELF)):  # the last of them is no whole shelf
        rows = np.arange(start, min(start + 3 * SHELF, wholes.shape[1]))
        some = torch.from_numpy(wholes[:, rows].copy()).to(kind)
        contests[number % 2].enter(some, units[start // SHELF :][: -(-len(rows) // SHELF)], rows)
    codes, rows = joined([one.near for one in contests], slice(0, 5))
    for query in range(5):
        kept = rows[query][rows[query] >= 0]
        needed = np.flatnonzero(scores[query] >= np.sort(scores[query])[-k] - slack)
        assert len(set(kept)) == len(kept)
        assert set(needed) <= set(kept.tolist())
        np.testing.assert_array_equal(codes[query][rows[query] >= 0], scores[query][kept])


def test_a_full_heap_keeps_the_best():
    scores = np.random.default_rng(0).permutation(4 * SHELF).astype(np.int32)[None]
    contest, rows = Contest(Floor(np.full(1, 1e9, dtype=np.float32)), 2, 10), np.arange(4 * SHELF)
    for part in (slice(0, 2 * SHELF), slice(2 * SHELF, None)):
        contest.enter(torch.from_numpy(scores[:, part].copy()), np.ones(2, dtype=np.float32), rows[part])
    assert sorted(contest.near.D[0].tolist()) == list(range(4 * SHELF - 10, 4 * SHELF))
    assert contest.near.D[0, 0] == 4 * SHELF - 10  # the lowest comes first: what others have to reach
