"""The best rows by codes, found group by group by two by_thread, against all scores sorted."""

import numpy as np
import pytest
import torch

from cim.index.candidates import Candidates, Floor, joined
from cim.index.grouped_rows import GROUP


@pytest.mark.parametrize("kind", [torch.int32, torch.float32, torch.bfloat16])
def test_all_within_the_slack_of_the_kth_best_are_kept(kind):
    rng, slack, k = np.random.default_rng(0), 40, 3
    wholes = rng.integers(-120, 120, size=(5, 20 * GROUP + 7))  # bfloat16 has all of them
    scales = rng.choice([0.5, 1, 2], size=21).astype(np.float32)
    scores = wholes * np.repeat(scales, GROUP)[: wholes.shape[1]]
    floor = Floor(np.full(5, slack, dtype=np.float32))
    by_thread = [Candidates(floor, k, 400) for _ in range(2)]
    for number, start in enumerate(range(0, wholes.shape[1], 3 * GROUP)):  # the last of them is no whole group
        rows = np.arange(start, min(start + 3 * GROUP, wholes.shape[1]))
        some = torch.from_numpy(wholes[:, rows].copy()).to(kind)
        by_thread[number % 2].enter(some, scales[start // GROUP :][: -(-len(rows) // GROUP)], rows)
    codes, rows = joined([one.near for one in by_thread], slice(0, 5))
    for query in range(5):
        kept = rows[query][rows[query] >= 0]
        needed = np.flatnonzero(scores[query] >= np.sort(scores[query])[-k] - slack)
        assert len(set(kept)) == len(kept)
        assert set(needed) <= set(kept.tolist())
        np.testing.assert_array_equal(codes[query][rows[query] >= 0], scores[query][kept])


def test_a_full_heap_keeps_the_best():
    scores = np.random.default_rng(0).permutation(4 * GROUP).astype(np.int32)[None]
    candidates, rows = Candidates(Floor(np.full(1, 1e9, dtype=np.float32)), 2, 10), np.arange(4 * GROUP)
    for part in (slice(0, 2 * GROUP), slice(2 * GROUP, None)):
        candidates.enter(torch.from_numpy(scores[:, part].copy()), np.ones(2, dtype=np.float32), rows[part])
    assert sorted(candidates.near.D[0].tolist()) == list(range(4 * GROUP - 10, 4 * GROUP))
    assert candidates.near.D[0, 0] == 4 * GROUP - 10  # the lowest comes first: what others have to reach
