"""A continuous engine's shards: journalled sample by sample, resumed at the sample, several shards at once."""

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from captioned_shards import LINEAGE, contents, job_for, png, write_shard

from benchmarks.feed.engine import FixedLatency, colour_of
from cim.captioners.decoding import Decoding, Generated
from cim.captions.feed import Feed, Turns
from cim.captions.job import ShardJob
from cim.captions.shard import finish_shard
from cim.engines.breaker import ContinuousCircuitBreaker
from cim.engines.continuous import ContinuousCaptioning
from cim.engines.spec import Request
from cim.errors import FatalError

SHADES = range(0, 240, 10)  # 24 pictures


@pytest.fixture
def jobs(tmp_path: Path) -> list[ShardJob]:
    """Three shards of 8 pictures each, one more of them broken."""
    for number in range(3):
        some = [png(shade) for shade in SHADES[8 * number : 8 * number + 8]]
        write_shard(tmp_path / f"in/{number:05d}.tar", [*some, b"broken %d" % number])
    return [
        ShardJob(job_for(tar, tmp_path / "out").part, tmp_path / "out", tar.stem, number, LINEAGE, True)
        for number, tar in enumerate(sorted((tmp_path / "in").iterdir()))
    ]


def engine(answers: Callable[[Request], Any] | None = None, at_once: int = 4) -> ContinuousCaptioning:
    backend = FixedLatency(at_once, 0.0)
    return ContinuousCaptioning(FixedLatency(at_once, 0.0, answers=answers or backend.answers), Decoding(8))


class Dies:
    """KeyboardInterrupt, as Ctrl-C is, in place of the answer to request number `after`; notes the keys asked."""

    def __init__(self, after: int = -1) -> None:
        self.after, self.keys = after, list[str]()

    def __call__(self, request: Request) -> Generated:
        if len(self.keys) == self.after:
            raise KeyboardInterrupt
        self.keys.append(request.key)
        return Generated(colour_of(request.prepared), "stop", 5, 20)


def undisturbed(jobs: list[ShardJob]) -> dict[str, bytes]:
    folder = jobs[0].folder.with_name("undisturbed")
    for job in jobs:
        finish_shard(ShardJob(job.part, folder, job.stem, job.number, LINEAGE, True), engine)
    return contents(folder)


@pytest.mark.parametrize("after", [0, 1, 5, 7])
def test_a_killed_run_asks_for_nothing_that_is_journalled(jobs: list[ShardJob], after: int) -> None:
    """Four requests at once: of those before the kill, up to four were in flight."""
    first, second = Dies(after), Dies()
    with pytest.raises(KeyboardInterrupt):
        finish_shard(jobs[0], lambda: engine(first))
    lines = jobs[0].journal.read_bytes().splitlines()[1:]
    there = [record["caption"]["id"] for line in lines if "caption" in (record := json.loads(line.split(b" ", 1)[1]))]
    outcome = finish_shard(jobs[0], lambda: engine(second))
    assert outcome
    assert outcome.before == len(lines)
    asked = pl.read_parquet(jobs[0].table)["id"].to_list()
    assert sorted([*there, *second.keys]) == sorted(asked)  # each once
    assert len(first.keys) == after
    assert len(set(first.keys) - set(there)) <= 4


def test_shards_at_once_share_the_engine_and_give_the_same_bytes(jobs: list[ShardJob]) -> None:
    whole, turns, opened = undisturbed(jobs), Turns(), list[int]()
    with closing(Feed(engine(), 2, turns)) as feed, ThreadPoolExecutor(3) as pool:

        def finish(job: ShardJob) -> None:
            with turns.shard():
                opened.append(1)
                assert finish_shard(job, lambda: feed) is not None

        list(pool.map(finish, jobs))
    assert contents(jobs[0].folder) == whole
    assert feed.held.peak > 0
    with closing(Feed(engine())) as again:
        assert again.since().nbytes == 0


def test_a_refused_picture_costs_no_other(jobs: list[ShardJob]) -> None:
    def picky(request: Request) -> Generated | ValueError:
        shade = request.prepared.getpixel((0, 0))[0]
        return ValueError("too gray") if shade == 30 else Generated(f"shade {shade}", "stop", 2)

    outcome = finish_shard(jobs[0], lambda: engine(picky))
    assert outcome
    assert outcome.facts["reject_reasons"] == {"not an image": 1, "refused by the captioner": 1}
    assert sorted(pl.read_parquet(jobs[0].table)["caption"]) == sorted(
        f"shade {one}" for one in SHADES[:8] if one != 30
    )


def test_a_broken_engine_stops_all_that_share_it_and_leaves_no_trace(jobs: list[ShardJob]) -> None:
    """Nothing accepted of 10, while three shards of 8 are at it: none is finished, none has a journal of rejects."""
    turns, broken = Turns(), ContinuousCircuitBreaker(engine(lambda _: ValueError("no such tensor")), 10)
    errors, barrier = list[BaseException](), threading.Barrier(3)

    def finish(job: ShardJob) -> None:
        barrier.wait()
        try:
            with turns.shard():
                finish_shard(job, lambda: feed)
        except FatalError as error:
            errors.append(error)

    with closing(Feed(broken, 1, turns)) as feed, ThreadPoolExecutor(3) as pool:
        list(pool.map(finish, jobs))
    assert errors
    made = sorted(path.name for path in jobs[0].folder.glob("0*"))
    assert len(made) <= 3  # a shard of 8 refusals may have been through before the tenth
    turns.check()  # another run is told anew
