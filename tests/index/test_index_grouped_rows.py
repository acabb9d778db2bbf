"""Rows in the order of their largest coordinates, block by block, with what their codes lose."""

import numpy as np
import torch

from cim.index.codes import Int8
from cim.index.grouped_rows import BLOCK, GROUP, GroupedRows
from cim.index.rows import UnitRows


def test_every_row_once_with_a_scale_that_fits_its_group():
    vectors = np.random.default_rng(0).normal(size=(BLOCK + 75, 8)).astype(np.float16)
    lengths = np.linalg.norm(vectors.astype(np.float32), axis=1)
    unit = vectors.astype(np.float32) / lengths[:, None]
    grouped = GroupedRows(Int8, UnitRows(vectors, lengths))
    assert grouped.blocks == 2
    seen = []
    for block, sizes in ((0, [96] * 21 + [32]), (1, [75])):
        found = list(grouped.read(block, 96))
        assert [len(one.rows) for one in found] == sizes
        for one in found:
            each = np.repeat(one.scales, GROUP)[: len(one.rows)]
            assert one.codes.dtype == torch.int8
            off = unit[one.rows] - one.codes.numpy() * each[:, None]
            assert np.abs(off).max() <= 0.501 * each.max()  # rounded, not cut off: every coordinate fits its unit
            np.testing.assert_allclose(grouped.lost[one.rows], np.linalg.norm(off, axis=1), rtol=1e-3)
            peaks = np.abs(unit[one.rows]).max(axis=1)
            assert (np.diff(peaks) >= 0).all()
            seen += one.rows.tolist()
    assert sorted(seen) == list(range(BLOCK + 75))
