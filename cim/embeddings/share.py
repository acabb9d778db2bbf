"""Shards embedded one after the other without a pause between them, shared with other processes by locks."""

import time
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from math import ceil
from typing import Any

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from cim.embeddings.pieces import IMAGES, Piece, Prepare, Prepared, Rows, pieces_of
from cim.embeddings.plan import TEXT, EmbedJob, sweep
from cim.embeddings.write import ShardVectors
from cim.engines.workers import Workers
from cim.errors import CimError, TransientError
from cim.lock import file_lock
from cim.prefetch import prefetch, taken_ahead
from cim.trouble import reason_of

BATCHES_AHEAD = 2  # prepared while the encoder is busy with one
PIECES_AHEAD = 8  # at least: a piece of large photos takes several times as long as the one before
PIECES_READ = 4  # places or captions taken ahead of their preparation
WRITES = 2  # shards that are written while the next one is encoded
POLL = 0.5  # seconds between two looks at shards that others are at


@dataclass(frozen=True)
class Feed:
    """How an encoder is fed. prefetch: threads that prepare pieces ahead, 0 for none; workers do, where given."""

    batch_size: int
    prefetch: int = 1
    workers: Workers[Piece, Prepared] | None = None

    @property
    def waiting(self) -> int:
        """Pieces of images that may lie prepared."""
        return max(PIECES_AHEAD, BATCHES_AHEAD * ceil(self.batch_size / min(IMAGES, self.batch_size)))


@dataclass
class Share:
    """What became of some shards. left: others are at them. done: counts those that were done before.

    rows: vectors and rejects made here. encoding, seconds: in the encoder, and from its first call's begin to the
    last one's end.
    """

    done: int = 0
    rows: int = 0
    encoding: float = 0.0
    seconds: float = 0.0
    failed: dict[str, Exception] = field(default_factory=dict)
    left: list[EmbedJob] = field(default_factory=list)

    @property
    def waited(self) -> float:
        """The share of the time that the encoder had nothing to do, once it had begun."""
        return 1 - self.encoding / self.seconds if self.seconds else 0.0


def embed_shards(jobs: Sequence[EmbedJob], encoder: Any, feed: Feed, patience: float = 0.0) -> Share:
    """Embed `jobs`, all of one role and split, but for those that others are at; what became of them.

    encoder: a TextEncoder for the role text, else an ImageEncoder. patience: seconds to wait, without any shard
    getting free or done, for others at the rest; math.inf takes over from those who die, and waits for the living.
    Raises CimError, once all others are done, when shards failed: TransientError where trying again may help.
    """
    share, until = Share(left=list(jobs)), time.monotonic() + patience
    with tqdm(total=len(jobs), desc=f"embed {jobs[0].folder.name}", unit="shard", leave=False) as bar:
        while share.left:
            before = len(share.left)
            _Pass(share, encoder, feed, bar).run()
            if share.left and time.monotonic() >= until:
                break
            if len(share.left) < before:
                until = time.monotonic() + patience
            elif share.left:
                time.sleep(POLL)
    if share.failed:
        raise _failure(share.failed, len(jobs))
    return share


@dataclass
class _Claimed:
    """A shard that this process has locked: what is made of it, and what waits for its batch to be full."""

    job: EmbedJob
    lock: ExitStack
    vectors: ShardVectors
    waiting: deque[tuple[Rows, npt.NDArray[Any]]] = field(default_factory=deque)
    error: Exception | None = None

    def batches(self, size: int, last: bool) -> Iterator[tuple[Rows, npt.NDArray[Any]]]:
        """Full batches of what waits, and with `last` the rest."""
        while (count := sum(len(inputs) for _, inputs in self.waiting)) >= size or (last and count):
            taken, room = [], size
            while self.waiting and room:
                rows, inputs = self.waiting.popleft()
                taken.append(({name: column[:room] for name, column in rows.items()}, inputs[:room]))
                if len(inputs) > room:
                    self.waiting.appendleft(({name: c[room:] for name, c in rows.items()}, inputs[room:]))
                room -= len(taken[-1][1])
            rows = {name: [value for some, _ in taken for value in some[name]] for name in taken[0][0]}
            yield rows, np.concatenate([inputs for _, inputs in taken])


class _Pass:
    """One look at every shard that is left. Pieces are read in a thread, prepared in others, encoded in this one."""

    def __init__(self, share: Share, encoder: Any, feed: Feed, bar: Any) -> None:
        self._share, self._encoder, self._feed, self._bar = share, encoder, feed, bar
        self._jobs, share.left = share.left, []
        self._role = self._jobs[0].role
        self._claimed: dict[int, _Claimed] = {}
        self._before, self._first = share.seconds, 0.0  # seconds of earlier looks; when the encoder began in this one

    def run(self) -> None:
        """Claim what is free, embed it, write it."""
        try:
            with ThreadPoolExecutor(1, "write") as writer, closing(self._prepared()) as prepared:
                writing: deque[Future[None]] = deque()
                for piece in prepared:
                    claimed = self._claimed[piece.number]
                    self._encode(claimed, piece)
                    if piece.last:
                        writing.append(writer.submit(self._finish, piece.number))
                    while len(writing) > WRITES:
                        writing.popleft().result()
                for future in writing:
                    future.result()
        finally:
            for claimed in self._claimed.values():
                claimed.lock.close()

    def _prepared(self) -> Generator[Prepared, None, None]:
        """Pieces as the encoder takes them, of one shard after the other, made ahead as `feed` says."""
        feed, pieces = self._feed, self._pieces()
        work = Prepare(None if self._role == TEXT else self._encoder.prepare)
        if not feed.prefetch:
            yield from map(work, pieces)
            return
        with closing(taken_ahead(pieces, PIECES_READ)) as read:
            if feed.workers is not None and self._role != TEXT:
                with feed.workers.ahead(read) as made, closing(taken_ahead(made, feed.waiting)) as ready:
                    yield from ready
            else:
                with closing(prefetch(work, read, feed.prefetch, feed.waiting)) as ready:
                    yield from ready

    def _pieces(self) -> Iterator[Piece]:
        for number, job in enumerate(self._jobs):
            if self._claim(number, job):
                yield from pieces_of(job, number, self._feed.batch_size)

    def _claim(self, number: int, job: EmbedJob) -> bool:
        """Lock a shard; whether there is something to do."""
        with ExitStack() as stack:
            mine = stack.enter_context(file_lock(job.lock))
            if mine is None:
                self._share.left.append(job)
                return False
            if mine.stale:
                sweep(job.folder, job.shard.stem)
            if job.done() is not None:
                self._count()
                return False
            self._claimed[number] = _Claimed(job, stack.pop_all(), ShardVectors(job))
            return True

    def _encode(self, claimed: _Claimed, piece: Prepared) -> None:
        claimed.error = claimed.error or piece.error
        claimed.vectors.rejects += piece.rejects
        if piece.inputs is not None:
            claimed.waiting.append((piece.rows, piece.inputs))
        if claimed.error is not None:
            return
        try:
            for rows, inputs in claimed.batches(self._feed.batch_size, piece.last):
                claimed.vectors.add(rows, self._timed(inputs))
                self._share.rows += len(inputs)
        except Exception as error:  # of whatever kind, it is this shard's: the others go on
            claimed.error = error

    def _timed(self, inputs: npt.NDArray[Any]) -> Any:
        share, begun = self._share, time.perf_counter()
        self._first = self._first or begun
        texts = self._role == TEXT
        vectors = self._encoder.encode_texts(list(inputs)) if texts else self._encoder.encode_pixels(inputs)
        now = time.perf_counter()
        share.encoding += now - begun
        share.seconds = self._before + now - self._first
        return vectors

    def _finish(self, number: int) -> None:
        """Write a shard whose last piece is encoded, and let go of it; in a thread of its own."""
        claimed = self._claimed[number]
        with claimed.lock:
            try:
                if claimed.error is not None:
                    raise claimed.error
                claimed.vectors.write(self._encoder.dim)
            except Exception as error:
                self._share.failed[str(claimed.job)] = error
            else:
                self._count()
        del self._claimed[number]

    def _count(self) -> None:
        self._share.done += 1
        self._bar.set_postfix(waited=f"{self._share.waited:.0%}", refresh=False)
        self._bar.update()


def _failure(failed: dict[str, Exception], total: int) -> CimError:
    """One error for the shards that failed, each reason once, with the first of those it stopped."""
    reasons: dict[str, list[str]] = {}
    for name, error in failed.items():
        reasons.setdefault(reason_of(error), []).append(name)
    lines = [f"{', '.join(names[:5])}{' and others' if names[5:] else ''}: {why}" for why, names in reasons.items()]
    passing = any(not isinstance(error, CimError) or isinstance(error, TransientError) for error in failed.values())
    return (TransientError if passing else CimError)(
        f"{len(failed)} of {total} shards that failed:\n    " + "\n    ".join(lines[:5]) + "\n",
        "every shard embedded",
        "mend the causes named and run again; what was finished is kept",
    )
