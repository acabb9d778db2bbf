"""A thousand malformed inputs among good ones: each quarantined for its own reason, every good one captioned."""

import pickle
import random
import tarfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import malformed_cells
import malformed_files
import pytest
from answering import Says
from malformed import KINDS, Planned, Trap, tars
from malformed_cells import tables
from malformed_files import folders
from PIL import Image

from cim.captioners.decoding import Decoding, Generated
from cim.captions.job import ShardJob
from cim.captions.lineage import Lineage
from cim.captions.read import read_captions, read_rejects
from cim.captions.shard import finish_shard
from cim.images.ids import content_id
from cim.params.images import ImageLimits

Corpus = Callable[[Path, int, random.Random, bytes], list[Planned]]
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # about broken EXIF


def sees(images: list[Image.Image], keys: list[str]) -> list[Generated]:
    """Says which image it was given."""
    assert all(image.mode == "RGB" for image in images)
    return [Generated(f"sees {key}", "stop", 2) for key in keys]


def differences(folder: Path, planned: list[Planned]) -> list[str]:
    """Caption the parts, and say where rejects, captions or bytes are not what they must be."""
    for number, (part, _) in enumerate(planned):
        lineage = Lineage("model", "Describe it.", Decoding(8))
        job = ShardJob(part, folder / "out", f"{number:05d}", number, lineage, True, 64, ImageLimits())
        assert finish_shard(job, lambda: Says(sees)) is not None
    found = Counter(read_rejects(folder / "out").select("shard", "id", "reason").iter_rows())
    every = [(part.name, one) for part, known in planned for one in known]
    wanted = Counter((shard, one.name, one.reason) for shard, one in every if one.reason)
    wrong = [f"{row} {count} too many" for row, count in (found - wanted).items()]
    wrong += [f"{row} missing" for row in wanted - found]
    captioned = {row["source_key"]: row for row in read_captions(folder / "out").iter_rows(named=True)}
    fine = {one.name: one.image for _, one in every if not one.reason}
    wrong += [f"{name} must not be captioned" for name in captioned.keys() - fine.keys()]
    written = contents(folder / "out")
    for name, image in fine.items():
        row = captioned.get(name)
        if row is None or row["caption"] != f"sees {content_id(image)}" or written.get(row["key"]) != image:
            wrong.append(f"{name}: {row}")
    return wrong + [f"{key} written" for key in written.keys() - {row["key"] for row in captioned.values()}]


def contents(folder: Path) -> dict[str, bytes]:
    """Image bytes by key over all re-captioned shards."""
    images = {}
    for path in folder.glob("*.tar"):
        with tarfile.open(path) as tar:
            for member in tar:
                key, _, suffix = member.name.partition(".")
                if suffix not in ("txt", "json"):
                    handle = tar.extractfile(member)
                    assert handle is not None
                    images[key] = handle.read()
    return images


@pytest.mark.parametrize("corpus", [tars, tables, folders])
def test_a_thousand_are_quarantined_with_their_reasons_and_their_neighbours_captioned(
    tmp_path: Path, corpus: Corpus
) -> None:
    sprung = tmp_path / "sprung"
    planned = corpus(tmp_path / "in", 1000, random.Random(5), pickle.dumps(Trap(sprung)))
    assert sum(bool(one.reason) for _, known in planned for one in known) == 1000
    assert differences(tmp_path, planned) == []
    assert read_rejects(tmp_path / "out").height == 1000
    assert read_captions(tmp_path / "out").height == 500
    assert not sprung.exists()  # no pickle was loaded


def test_of_many_kinds() -> None:
    """Of tars, of tables by the form of their cells, and of folders."""
    assert len(KINDS) >= 50
    assert {form: len(kinds) for form, kinds in malformed_cells.KINDS.items()} == {
        "bytes": 31, "paths": 40, "structs": 46,
    }  # fmt: skip
    assert len(malformed_files.KINDS) >= 40


def test_the_trap_works(tmp_path: Path) -> None:
    pickle.loads(pickle.dumps(Trap(tmp_path / "sprung")))
    assert (tmp_path / "sprung").is_dir()


@pytest.mark.parametrize(
    ("corpus", "where", "hole"),
    [
        (tars, "cim.readers.webdataset.problem_of", lambda member: None),
        (tars, "cim.readers.webdataset.sample_captions", lambda text, facts: ((), ())),
        (tars, "cim.readers.webdataset.read_facts", lambda content: ({}, None)),
        (tars, "cim.images.checks._check_size", lambda *size: None),
        (tars, "cim.images.checks.is_decodable", lambda content: True),
        (tars, "cim.images.checks.other_format", lambda content: ""),
        (tables, "cim.readers.table._stays", lambda place, inside: True),
        (tables, "cim.readers.table.read_captions", lambda values: ((), ())),
        (tables, "cim.readers.table.read_file", lambda path: (None, "")),
        (folders, "cim.readers.file_chunk.sample_captions", lambda text, facts: ((), ())),
        (folders, "cim.readers.file_chunk.read_facts", lambda content: ({}, None)),
    ],
)
def test_a_planted_hole_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, corpus: Corpus, where: str, hole: Callable[..., Any]
) -> None:
    count = {tars: len(KINDS), tables: 120, folders: len(malformed_files.KINDS)}[corpus]
    planned = corpus(tmp_path / "in", count, random.Random(6), pickle.dumps(Trap(tmp_path / "sprung")))
    assert differences(tmp_path / "without", planned) == []
    monkeypatch.setattr(where, hole)
    assert differences(tmp_path / "with", planned) != []
