"""An approximate index on a full disk: refused, wherever it ends, and whole otherwise."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from full_disk import full_beyond

from cim.index.approximate import Draft
from cim.index.library import faiss


@pytest.mark.parametrize("rows", [100, 10_000])
def test_no_half_of_an_index(tmp_path: Path, rows: int) -> None:
    """100 rows of 8 are 3,245 bytes, which FAISS itself would lose in silence; of 10,000 rows it would say so."""
    index = faiss.IndexFlatIP(8)
    index.add(np.random.default_rng(0).random((rows, 8), dtype=np.float32))
    draft = Draft(index, cast(Any, None), cast(Any, None), cast(Any, SimpleNamespace(knobs={})))
    with full_beyond(3000), pytest.raises(OSError, match="File too large"):
        draft.write(tmp_path / "index.faiss")
    assert list(tmp_path.iterdir()) == []
    draft.write(tmp_path / "index.faiss")
    faiss.write_index(index, str(tmp_path / "own.faiss"))
    assert (tmp_path / "index.faiss").read_bytes() == (tmp_path / "own.faiss").read_bytes()
