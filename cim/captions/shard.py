"""One shard captioned: locked, read in windows, each batch journalled, committed, marked done last."""

import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import Any

from tqdm import tqdm

from cim.captioners.decoding import Generated
from cim.captions.commit import commit
from cim.captions.job import ShardJob
from cim.captions.journal import begun_from, open_journal
from cim.captions.output import check_ours
from cim.captions.part_identity import PartIdentity
from cim.captions.progress import ShardProgress
from cim.captions.windows import WINDOW_BYTES, Picture, Window, windows
from cim.engines.spec import Engine
from cim.errors import FatalError
from cim.images.checks import first_line
from cim.lock import file_lock
from cim.readers.base import Item, Reading
from cim.records import Caption, Reject

REFUSED, NO_CAPTION = "refused by the captioner", "no caption"


@dataclass(frozen=True)
class Outcome:
    """A shard that is done. facts: its counts, see `caption_shard`. seconds: it took this run.

    before: images whose captions earlier runs had made, all of them where the shard was done already.
    """

    shard: str
    facts: dict[str, Any]
    seconds: float
    before: int


def finish_shard(job: ShardJob, engine: Callable[[], Engine], patience: float = 0.0) -> Outcome | None:
    """Do what is left of a shard; None when another worker kept it for `patience` seconds.

    engine: called only when there is something to caption. Raises CimError when a run with another plan has the folder.
    """
    start = time.perf_counter()
    with file_lock(job.lock, patience) as mine:
        if mine is None:
            return None
        if mine.stale:
            job.sweep()
        identity = PartIdentity(job)
        if job.marked() and (facts := job.done(job.fingerprint(identity.identity()))) is not None:
            job.discard()  # stopped between the marker and the last of it
            return Outcome(job.stem, facts, time.perf_counter() - start, facts["images"])
        check_ours(job.folder, job.plan)
        ready, start = engine(), time.perf_counter()  # the first shard is no slower for loading the model
        facts, before = caption_shard(job, ready, identity)
        return Outcome(job.stem, facts, time.perf_counter() - start, before)


def caption_shard(job: ShardJob, engine: Engine, identity: PartIdentity) -> tuple[dict[str, Any], int]:
    """Caption every sample of a locked shard; its facts, and how many images a killed run had done.

    facts: images = captions + rejects, tokens (out), tokens_in, finish_reasons and reject_reasons with counts,
    tar_bytes. An image that can't be decoded is recorded with its reason and the run goes on. Facts hold no times,
    so that a repeated run gives the same bytes.
    """
    begun = identity.journal_key()
    if begun_from(job.journal) != begun:
        job.discard()
    with open_journal(job.journal, f"{begun} {job.window} {WINDOW_BYTES}") as journal:
        part = job.part.here(job.copy(begun))
        progress, reading = ShardProgress.of(journal), Reading(part)
        before = len(progress)
        try:
            _caption_rest(job, reading, engine, progress)
        except FatalError:
            journal.take_back()  # its rejects are the set-up's, not the images'
            raise
    check_ours(job.folder, job.plan)  # whoever has it now waits for this shard, to make it anew
    sha256 = reading.sha256()
    identity.check(part, sha256)
    made_from = job.fingerprint(sha256 if identity.known is None else identity.known)
    facts = commit(job, part, made_from, sha256, *progress.sorted())
    if part is job.part:
        identity.cache(sha256)
    job.discard()
    return facts, before


def _caption_rest(job: ShardJob, items: Iterable[Item], engine: Engine, progress: ShardProgress) -> None:
    """Caption what is not journalled yet, the windows and batches being those of an undisturbed run."""
    rest = islice(enumerate(items), progress.read, None)
    tokens = 0
    with tqdm(
        total=job.part.images, initial=len(progress), desc=f"caption {job.stem}", unit="caption", leave=False
    ) as bar:
        for window in windows(rest, job.window, job.limits, WINDOW_BYTES):
            for captions in _captioned(job, engine, window, progress):
                tokens += sum(caption.tokens for caption in captions)
                bar.set_postfix(rejects=len(progress.rejects), tokens=tokens, refresh=False)
                bar.update(len(progress) - bar.n)
            progress.end_window(progress.read + window.read, window.rejects)
            bar.update(len(progress) - bar.n)
            del window  # before the next one is decoded


def _captioned(job: ShardJob, engine: Engine, window: Window, progress: ShardProgress) -> Iterator[Collection[Caption]]:
    """The captions of each batch of a window that an earlier run has not finished, when they are journalled."""
    pictures = window.pictures
    plan = engine.plan([picture.pixels.size for picture in pictures])
    # A batch of which a part is there is made again as a whole: in another batch its captions may round otherwise.
    wanted = [rows for rows in plan if any(pictures[row].at not in progress for row in rows)]
    for batch, found in _caption_batches(engine, [[pictures[row] for row in rows] for rows in wanted]):
        captions, rejects = _records(job, batch, found)
        progress.add(captions, rejects)
        yield captions.values()


def _caption_batches(
    engine: Engine, batches: Sequence[Sequence[Picture]]
) -> Iterator[tuple[Sequence[Picture], list[Generated] | ValueError]]:
    """Every batch with its captions, as soon as they are there.

    One that holds a picture which the model's processor refuses (1 x 300, say) is halved until that one is alone:
    it must not cost its neighbours their captions.
    """
    waiting = deque(batches)
    while waiting:
        try:
            asked = [([one.pixels for one in batch], [one.id for one in batch]) for batch in waiting]
            with closing(engine(asked)) as answers:
                for found in answers:
                    yield waiting.popleft(), found
        except ValueError as error:
            batch = waiting.popleft()
            half = len(batch) // 2
            if half:
                waiting.extendleft([batch[half:], batch[:half]])
            else:
                yield batch, error
        else:
            assert not waiting, "an engine answers every batch"


def _records(
    job: ShardJob, batch: Sequence[Picture], found: list[Generated] | ValueError
) -> tuple[dict[int, Caption], dict[int, Reject]]:
    """Captions of a batch, and its pictures that got none."""
    if isinstance(found, ValueError):
        return {}, {picture.at: Reject(picture.name, REFUSED, first_line(found)) for picture in batch}
    captions, rejects = dict[int, Caption](), dict[int, Reject]()
    for picture, one in zip(batch, found, strict=True):
        if one.finish_reason == "error" or len(one.text.strip()) < job.shortest:
            detail = one.text.strip()[:200] or "the captioner wrote nothing"
            rejects[picture.at] = Reject(picture.name, NO_CAPTION, detail)
        else:
            captions[picture.at] = _row(picture, one)
    return captions, rejects


def _row(picture: Picture, one: Generated) -> Caption:
    width, height = picture.pixels.size
    return Caption(
        id=picture.id, caption=one.text, finish_reason=one.finish_reason, tokens=one.tokens, tokens_in=one.tokens_in,
        candidates=tuple(one.candidates), scores=tuple(one.scores), cut=one.cut, at=picture.at,
        source_key=picture.name, alt_text=picture.text, suffix=picture.suffix, width=width, height=height,
    )  # fmt: skip
