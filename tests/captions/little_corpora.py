"""A folder and a tar of three images, written long ago, and their shard."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from answering import Says
from captioned_shards import LINEAGE, png, shade_engine, write_shard

from cim.captions.job import ShardJob
from cim.captions.shard import Outcome, finish_shard
from cim.params.recaption import Recaption
from cim.readers.base import Part
from cim.readers.open import numbered, open_source
from cim.readers.webdataset import TarPart

LONG_AGO = 1_600_000_000


def folder(root: Path) -> Part:
    """Three images, one with a caption beside it, not written just now."""
    (root / "in").mkdir()
    for number in range(3):
        (root / f"in/{number}.png").write_bytes(png(10 * number))
    (root / "in/1.txt").write_text("old")
    settle(root / "in")
    return planned(root)


def planned(root: Path) -> Part:
    """The one part of the folder, as it is now."""
    corpus = {"corpus": {"kind": "folder", "path": str(root / "in")}, "output": "out"}
    section = Recaption.model_validate(corpus)
    (part,) = numbered(open_source(section.corpus, section.samples_per_shard)).values()
    return part


def tar(root: Path) -> Part:
    write_shard(root / "in/in.tar", [png(10 * number) for number in range(3)])
    settle(root / "in")
    return TarPart(root / "in/in.tar")


def settle(place: Path) -> None:
    for path in place.iterdir():
        os.utime(path, (LONG_AGO, LONG_AGO))


def job(part: Part, root: Path) -> ShardJob:
    return ShardJob(part, root / "out", "00000", 0, LINEAGE, True, hash_caches=root / "out.hashes")


def finish(job: ShardJob, engine: Callable[[], Any] = lambda: Says(shade_engine)) -> Outcome:
    outcome = finish_shard(job, engine)
    assert outcome is not None
    return outcome


def nobody() -> Any:
    pytest.fail("captioned again")
