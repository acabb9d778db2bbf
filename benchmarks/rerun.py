"""What a rerun costs that finds every shard done: `python -m benchmarks.rerun [--shards 2000 4000] [--images 10]`.

Folder chunks of small images with done markers and hash_caches, as a finished run leaves them (the tables are empty: no
caption is made). Planning, preparing the output and one look at each shard are timed; corpus bytes read are counted.
"""

import argparse
import io
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn
from unittest import mock

from benchmarks.common.timing import seconds_for_additions
from cim.atomic import mark_done
from cim.captioners.decoding import Decoding
from cim.captions.job import ShardJob
from cim.captions.lineage import Lineage
from cim.captions.output import prepare
from cim.captions.part_identity import PartIdentity
from cim.captions.shard import finish_shard
from cim.params.recaption import Recaption
from cim.readers.open import numbered, open_source

LONG_AGO = 1_600_000_000
COUNTS = ("images", "captions", "rejects", "tokens", "tokens_in")


@dataclass(frozen=True)
class Cost:
    """Of one rerun. read: bytes of the corpus."""

    shards: int
    planning: float
    shards_seconds: float
    read: int

    def row(self) -> str:
        """Of the table."""
        each = 1e3 * self.shards_seconds / self.shards
        return f"| {self.shards:,} | {self.planning:.2f} | {self.shards_seconds:.2f} | {each:.2f} | {self.read:,} |"


def planned(root: Path, images: int) -> list[ShardJob]:
    """As the flow plans and prepares them."""
    corpus = {"kind": "folder", "path": str(root / "in")}
    params = {"corpus": corpus, "output": str(root / "out"), "samples_per_shard": images}
    section = Recaption.model_validate(params)
    lineage = Lineage("model", "Say.", Decoding(8))
    section = Recaption.model_validate(params)
    jobs = [
        ShardJob(part, root / "out", stem, int(stem), lineage, hash_caches=root / "out.hashes")
        for stem, part in numbered(open_source(section.corpus, section.samples_per_shard)).items()
    ]
    prepare(root / "out", jobs)
    return jobs


def make(root: Path, shards: int, images: int) -> None:
    """A corpus, and an output in which every shard of it is done."""
    (root / "in").mkdir(parents=True)
    for number in range(shards * images):
        path = root / f"in/{number:07d}.png"
        path.write_bytes(b"\x89PNG%d" % number)  # nobody decodes it
        os.utime(path, (LONG_AGO, LONG_AGO))
    jobs = planned(root, images)
    jobs[0].rejects.parent.mkdir(parents=True)
    for job in jobs:
        job.rejects.touch()
        job.table.touch()
        facts = dict.fromkeys(COUNTS, 1) | {"reject_reasons": {}}
        mark_done(job.table, job.fingerprint(PartIdentity(job).identity()), **facts)


def rerun(root: Path, images: int) -> Cost:
    """Time a run over what `make` made."""
    with reading(root / "in") as read:
        start = time.perf_counter()
        jobs = planned(root, images)
        ready = time.perf_counter()
        for job in jobs:
            assert finish_shard(job, nobody) is not None
        return Cost(len(jobs), ready - start, time.perf_counter() - ready, sum(read))


def nobody() -> NoReturn:
    raise AssertionError("a shard was not done")


@contextmanager
def reading(folder: Path) -> Iterator[list[int]]:
    """Sizes of the files below `folder` that are opened while it is open."""
    found, real = list[int](), io.open

    def noted(path: Any, *given: Any, **named: Any) -> Any:
        if isinstance(path, Path) and folder in path.parents:
            found.append(path.stat().st_size)
        return real(path, *given, **named)

    with mock.patch("io.open", noted):
        yield found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shards", type=int, nargs="+", default=[2000, 4000])
    parser.add_argument("--images", type=int, default=10, help="in each")
    options = parser.parse_args()
    print(f"calibration: {seconds_for_additions():.2f} s")
    print("| shards done | planning, s | looking at each, s | ms a shard | bytes of the corpus read |")
    print("|---|---|---|---|---|")
    for shards in options.shards:
        with tempfile.TemporaryDirectory() as name:
            make(Path(name), shards, options.images)
            print(min((rerun(Path(name), options.images) for _ in range(3)), key=lambda c: c.shards_seconds).row())


if __name__ == "__main__":
    main()
