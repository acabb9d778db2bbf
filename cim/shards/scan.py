"""Every candidate of every source checked once; usable ones become rows, the others rejects."""

import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import astuple, dataclass, field
from typing import TypeVar

import polars as pl
from tqdm import tqdm

from cim.errors import CimError
from cim.images.checks import Checked, Reason, Unusable, check_caption, check_image
from cim.images.ids import content_id
from cim.params.shard import Shard
from cim.records import Candidate, Reject
from cim.shards.table import Rows
from cim.sources.base import ImageSource

In = TypeVar("In")
Out = TypeVar("Out")

# order: place in the scan, over all sources. at: position of the source in shard.sources.
FOUND = {
    "order": pl.Int64, "at": pl.Int32, "locator": pl.String, "id": pl.String, "suffix": pl.String,
    "width": pl.Int32, "height": pl.Int32, "captions": pl.List(pl.String), "extra": pl.String,
}  # fmt: skip
REJECTS = {"source": pl.String, "reason": pl.String, "detail": pl.String}


@dataclass
class Arrived:
    """What one source yielded, counted as it came."""

    images: int = 0
    captions: int = 0
    captions_of_rejects: int = 0


@dataclass(frozen=True)
class Scanned:
    """found: a row a usable image, columns FOUND, duplicates included. rejects: columns REJECTS."""

    found: pl.DataFrame
    rejects: pl.DataFrame
    arrived: list[Arrived] = field(default_factory=list)


@dataclass(frozen=True)
class _Verdict:
    """One candidate's outcome; id and facts are None for a rejected one."""

    candidate: Candidate
    id: str | None
    facts: Checked | None
    captions: list[str]
    rejects: list[tuple[Reason, str]]  # not the exceptions: their tracebacks would hold on to the image


def scan_sources(sources: Sequence[ImageSource], limits: Shard, workers: int) -> Scanned:
    """Check all candidates of `sources`, in order; `workers` threads decode.

    In memory at any time: a few images a worker, and the columns. Raises CimError for a source without images.
    """
    found, rejects, arrived = Rows(FOUND), Rows(REJECTS), [Arrived() for _ in sources]
    order = 0
    for at, source in enumerate(sources):
        verdicts = _ahead(lambda candidate: _judge(candidate, limits), source.scan(), workers)
        for verdict in tqdm(verdicts, desc=f"checking {source.name}", total=source.expected(), unit="image"):
            candidate, count = verdict.candidate, arrived[at]
            count.images += 1
            count.captions += len(candidate.captions)
            for reason, found_there in verdict.rejects:
                detail = f"{candidate.locator}: {found_there}".removesuffix(": ")
                rejects.add(*astuple(Reject(source.name, reason, detail)))
            if verdict.facts is None:
                count.captions_of_rejects += len(candidate.captions)
                continue
            extra = json.dumps(candidate.extra, sort_keys=True)
            found.add(order, at, candidate.locator, verdict.id, *astuple(verdict.facts), verdict.captions, extra)
            order += 1
        if arrived[at].images == 0:
            raise CimError(f"source {source.name} is empty", "at least one image", "mend its path in shard.sources")
    return Scanned(found.frame(), rejects.frame(), arrived)


def _judge(candidate: Candidate, limits: Shard) -> _Verdict:
    seen = Candidate(None, candidate.captions, candidate.locator, candidate.extra)  # lets go of the image's bytes
    try:
        facts = check_image(candidate, limits)
    except Unusable as problem:
        return _Verdict(seen, None, None, [], [(problem.reason, problem.detail)])
    assert candidate.image is not None
    captions, rejects = [], []
    for caption in candidate.captions:
        try:
            captions.append(check_caption(caption))
        except Unusable as problem:
            rejects.append((problem.reason, problem.detail))
    return _Verdict(seen, content_id(candidate.image), facts, captions, rejects)


def _ahead(work: Callable[[In], Out], items: Iterable[In], workers: int) -> Iterator[Out]:
    """`map` by threads, in order, at most four items a worker ahead of the consumer."""
    waiting: deque[Future[Out]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) >= 4 * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
