"""A thousand malformed inputs among good ones: each quarantined for its own reason, every good one captioned."""

import pickle
import random
import tarfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from answering import Says
from malformed import KINDS, Case, Trap, good, malformed, write_tar
from malformed_images import ODD
from PIL import Image

from cim.captioners.decoding import Decoding, Generated
from cim.captions.job import ShardJob
from cim.captions.lineage import Lineage
from cim.captions.read import read_captions, read_rejects
from cim.captions.shard import finish_shard
from cim.corpus.tar import TarPart
from cim.params.recaption import SizeLimits
from cim.shards.ids import content_id

SHARDS = 8
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # about broken EXIF


def sees(images: list[Image.Image], keys: list[str]) -> list[Generated]:
    """Says which image it was given."""
    assert all(image.mode == "RGB" for image in images)
    return [Generated(f"sees {key}", "stop", 2) for key in keys]


def mixed(count: int, rng: random.Random, trap: bytes) -> list[list[Case]]:
    """`count` malformed inputs of all kinds in turn and half as many good ones, shuffled over SHARDS tars."""
    cases = [malformed(KINDS[number % len(KINDS)], number, rng, trap) for number in range(count)]
    cases += [good(list(ODD)[number % len(ODD)], number, rng, trap) for number in range(count // 2)]
    rng.shuffle(cases)
    return [cases[at::SHARDS] for at in range(SHARDS)]


def differences(folder: Path, shards: list[list[Case]]) -> list[str]:
    """Caption the cases, and say where rejects, captions or bytes are not what they must be."""
    for number, cases in enumerate(shards):
        write_tar(folder / f"in-{number}.tar", cases)
        part, lineage = TarPart(folder / f"in-{number}.tar"), Lineage("model", "Describe it.", Decoding(8))
        job = ShardJob(part, folder / "out", f"{number:05d}", number, lineage, True, 64, SizeLimits())
        assert finish_shard(job, lambda: Says(sees)) is not None
    found = Counter(read_rejects(folder / "out").select("shard", "id", "reason").iter_rows())
    named = [(f"in-{number}.tar", case) for number, cases in enumerate(shards) for case in cases]
    wanted = Counter((shard, case.name, case.reason) for shard, case in named if case.reason)
    wrong = [f"{row} {count} too many" for row, count in (found - wanted).items()]
    wrong += [f"{row} missing" for row in wanted - found]
    captioned = {row["source_key"]: row for row in read_captions(folder / "out").iter_rows(named=True)}
    fine = {case.name: case.members[0].content for _, case in named if not case.reason}
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


def test_a_thousand_are_quarantined_with_their_reasons_and_their_neighbours_captioned(tmp_path: Path) -> None:
    assert len(KINDS) >= 50
    sprung = tmp_path / "sprung"
    shards = mixed(1000, random.Random(5), pickle.dumps(Trap(sprung)))
    assert sum(bool(case.reason) for cases in shards for case in cases) == 1000
    assert differences(tmp_path, shards) == []
    assert read_rejects(tmp_path / "out").height == 1000
    assert read_captions(tmp_path / "out").height == 500
    assert not sprung.exists()  # no pickle was loaded


def test_the_trap_works(tmp_path: Path) -> None:
    pickle.loads(pickle.dumps(Trap(tmp_path / "sprung")))
    assert (tmp_path / "sprung").is_dir()


@pytest.mark.parametrize(
    ("where", "hole"),
    [
        ("cim.corpus.tar.problem_of", lambda member: None),
        ("cim.corpus.tar.read_text", lambda content: (content.decode("latin-1"), None)),
        ("cim.corpus.tar.read_facts", lambda content: ({}, None)),
        ("cim.shards.quarantine._check_size", lambda *size: None),
        ("cim.shards.quarantine.is_decodable", lambda content: True),
        ("cim.shards.quarantine.other_format", lambda content: ""),
    ],
)
def test_a_planted_hole_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, hole: Callable[..., Any]
) -> None:
    shards = mixed(len(KINDS), random.Random(6), pickle.dumps(Trap(tmp_path / "sprung")))
    for folder in ("without", "with"):
        (tmp_path / folder).mkdir()
    assert differences(tmp_path / "without", shards) == []
    monkeypatch.setattr(where, hole)
    assert differences(tmp_path / "with", shards) != []
