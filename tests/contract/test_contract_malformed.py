"""Hundreds of malformed inputs among good ones: each refused for its reason by both commands, every good one used."""

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import malformed_cells
import malformed_files
import pytest
from contract_case import differences, to_recaptions, to_shards
from contract_malformed import SETS
from contract_runs import recaptioned, sharded
from malformed import KINDS, Trap

# Each kind twice, of tables in each form.
COUNTS = {
    "tars": 2 * len(KINDS),
    "folders": 2 * len(malformed_files.KINDS),
    "tables": 2 * sum(map(len, malformed_cells.KINDS.values())),
}
each_set = pytest.mark.parametrize("name", SETS)
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # about broken EXIF


@each_set
def test_sharding_refuses_each_for_its_reason(name: str, tmp_path: Path) -> None:
    sprung = tmp_path / "sprung"
    written = SETS[name](tmp_path / "in", COUNTS[name], pickle.dumps(Trap(sprung)))
    wrong = []
    for number, one in enumerate(written):
        wrong += differences(to_shards(one.wanted), sharded(tmp_path / f"run{number}", one.params))
    assert not wrong, "\n".join(wrong)
    assert not sprung.exists()  # no pickle was loaded
    assert sum(bool(one.problem or one.lost) for source in written for one in source.wanted) == COUNTS[name]


@each_set
def test_recaptioning_refuses_each_for_its_reason(name: str, tmp_path: Path) -> None:
    sprung = tmp_path / "sprung"
    written = SETS[name](tmp_path / "in", COUNTS[name], pickle.dumps(Trap(sprung)))
    wrong = []
    for number, one in enumerate(written):
        wrong += differences(to_recaptions(one.wanted), recaptioned(tmp_path / f"run{number}", one.params))
    assert not wrong, "\n".join(wrong)
    assert not sprung.exists()


@pytest.mark.parametrize(
    ("where", "hole"),
    [
        ("cim.images.checks._check_size", lambda *size: None),
        ("cim.images.checks.is_decodable", lambda content: True),
        ("cim.images.checks.other_format", lambda content: ""),
    ],
)
def test_a_planted_hole_is_noticed_of_both(
    where: str, hole: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (one,) = SETS["folders"](tmp_path / "in", COUNTS["folders"] // 2, b"no trap")
    before = differences(to_shards(one.wanted), sharded(tmp_path / "before", one.params))
    monkeypatch.setattr(where, hole)
    assert differences(to_shards(one.wanted), sharded(tmp_path / "shards", one.params)) != before
    assert differences(to_recaptions(one.wanted), recaptioned(tmp_path / "captions", one.params)) != []
