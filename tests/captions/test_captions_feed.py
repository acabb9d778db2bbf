"""What shards share: decoders that go on behind a slow picture and over a shard's end, and what is counted as held."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest
from captioned_shards import LINEAGE, job_for, png, write_shard
from PIL.Image import Image

from benchmarks.feed.engine import FixedLatency
from cim.captions.feed import Feed, GivenUp, Held, Ticket, Turns
from cim.captions.job import ShardJob
from cim.captions.shard import finish_shard
from cim.captions.windows import Picture, Unused
from cim.engines.continuous import ContinuousCaptioning
from cim.readers.base import Item
from cim.records import Reject

LONG = 30.0  # seconds: nobody waits so long unless what is awaited never comes
SIZE = 400


def picture(at: int) -> Picture:
    return Picture(at, f"{at}", None, f"{at}", "png", (10, 10), at, SIZE)


def items(count: int) -> Iterator[tuple[int, Item]]:
    return ((at, Item(f"{at}", b"")) for at in range(count))


@pytest.fixture
def feed() -> Iterator[Feed]:
    with closing(Feed(ContinuousCaptioning(FixedLatency(2, 0.0), LINEAGE.decoding), 2)) as found:
        yield found


def test_a_slow_picture_holds_up_none_behind_it(feed: Feed) -> None:
    """One of two decoders is at number 0; 7 more may be held, of which the other one does all; then order is kept."""
    slow, done = threading.Event(), SimpleQueue[int]()

    def work(at: int, item: Item) -> Picture | Unused:
        if at == 0:
            assert slow.wait(LONG)
        done.put(at)
        return picture(at)

    with ThreadPoolExecutor(1) as reader:
        found = reader.submit(lambda: list(feed.decoded(Ticket(), items(8), work, 8)))
        assert [done.get(timeout=LONG) for _ in range(7)] == [1, 2, 3, 4, 5, 6, 7]
        slow.set()
        assert found.result(LONG) == [picture(at) for at in range(8)]


def test_no_more_is_decoded_than_may_be_held(feed: Feed) -> None:
    begun, some = list[int](), Ticket()

    def work(at: int, item: Item) -> Picture | Unused:
        begun.append(at)
        return Unused(at, Reject("", "")) if at == 1 else picture(at)

    made = feed.decoded(some, items(9), work, 3)
    assert [one.at for one in (next(made), next(made), next(made), next(made))] == [
        0,
        1,
        2,
        3,
    ]  # the reject is not held
    assert begun == [0, 1, 2, 3]
    feed.held.release(some, SIZE)
    assert next(made) == picture(4)
    some.given_up = True
    with pytest.raises(GivenUp):
        next(made)


def test_bytes_bound_it_too() -> None:
    held, one = Held(most_bytes=2 * SIZE), Ticket()
    for _ in range(2):
        assert held.room(one, 99, 1)
        held.begin(one)
        assert not held.room(one, 99, 1)  # one at once
        held.end(one, SIZE)
    assert not held.room(one, 99, 1)
    held.release(one, SIZE)
    assert held.room(one, 99, 1)


def test_what_is_given_up_is_held_no_more_though_it_is_decoded_later() -> None:
    held, one, other = Held(), Ticket(), Ticket()
    for _ in range(3):
        held.begin(one)
    held.end(one, SIZE)
    assert not held.room(other, 3, 9)  # one held, two begun
    held.close(one)
    held.end(one, SIZE)
    held.release(one, SIZE)
    held.begin(other)
    held.begin(other)
    assert held.room(other, 3, 9)  # one more than what the other has begun
    assert not held.room(other, 2, 9)


def test_the_next_shard_is_decoded_while_the_last_of_this_one_is(tmp_path: Path) -> None:
    """Shades 10 and 20, then 30 and 40: 20, whether it is the first or the last, is made ready only after 30 was."""
    jobs, next_shard = list[ShardJob](), threading.Event()
    for number, shades in enumerate([(10, 20), (30, 40)]):
        tar = tmp_path / f"in/{number:05d}.tar"
        write_shard(tar, [png(shade) for shade in shades])
        jobs.append(job_for(tar, tmp_path / "out"))

    def prepare(pixels: Image, encoded: bytes) -> Any:
        shade = pixels.getpixel((0, 0))
        if shade == (20, 20, 20):
            assert next_shard.wait(LONG)
        if shade == (30, 30, 30):
            next_shard.set()
        return pixels

    turns = Turns()
    engine = ContinuousCaptioning(FixedLatency(2, 0.0, prepare), LINEAGE.decoding)

    def finish(job: ShardJob) -> int:
        with turns.shard():
            outcome = finish_shard(job, lambda: feed)
            assert outcome
            return int(outcome.facts["captions"])

    with closing(Feed(engine, 2, turns)) as feed, ThreadPoolExecutor(2) as pool:
        assert list(pool.map(finish, jobs)) == [2, 2]
