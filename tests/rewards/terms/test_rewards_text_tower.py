"""The reward and its terms share an open text tower, and with it the vectors of a step's captions."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from term_stubs import WordVectors

from cim.index.depth import CLIP, PARTS
from cim.layout import Layout
from cim.rewards.spaces import EncodedSpace, FusedSpace, text_tower_of
from cim.rewards.terms.workspace import Workspace


def space_of(parts: tuple[str, ...]) -> Any:
    encoded = tuple(
        EncodedSpace(f"tower of {name}", SimpleNamespace(meta=SimpleNamespace(part=name)))  # type: ignore[arg-type]
        for name in parts
    )
    return encoded[0] if len(encoded) == 1 else FusedSpace(encoded)


@pytest.mark.parametrize("name", PARTS)
def test_of_a_space_that_searches_pictures(name: str) -> None:
    assert text_tower_of(space_of(PARTS[name])) == (f"tower of {CLIP}" if CLIP in PARTS[name] else None)


def test_terms_take_the_one_that_is_open(tmp_path: Any) -> None:
    encoder: Any = WordVectors()
    workspace = Workspace(Layout(tmp_path), text_tower=encoder)  # an empty folder: no other can be opened
    np.testing.assert_allclose(workspace.encode(["0.6 0.8", "@"]), [[0.6, 0.8], [np.nan, np.nan]], rtol=1e-6)
