"""One shard captioned: claimed, read in windows, each journalled, committed, marked done last."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

from tqdm import tqdm

from cim.captioners.decoding import Generated
from cim.captions.claim import claim
from cim.captions.commit import commit
from cim.captions.job import ShardJob
from cim.captions.journal import Journal, opened
from cim.captions.windows import WINDOW_BYTES, Picture, Window, windows
from cim.corpus.part import LocalPart
from cim.engines.spec import Engine
from cim.records import Caption, Reject
from cim.shards.quarantine import first_line

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

    engine: called only when there is something to caption.
    """
    start = time.perf_counter()
    with claim(job.lock, patience) as mine:
        if not mine:
            return None
        made_from = job.fingerprint()  # before reading: a shard that changes meanwhile is redone next time
        if (facts := job.done(made_from)) is not None:
            job.sweep()  # killed between the marker and the last of it
            return Outcome(job.stem, facts, time.perf_counter() - start, facts["images"])
        ready, start = engine(), time.perf_counter()  # the first shard is no slower for loading the model
        facts, before = caption_shard(job, ready, made_from)
        return Outcome(job.stem, facts, time.perf_counter() - start, before)


def caption_shard(job: ShardJob, engine: Engine, made_from: str) -> tuple[dict[str, Any], int]:
    """Caption every sample of a claimed shard; its facts, and how many images a killed run had done.

    facts: images = captions + rejects, tokens (out), tokens_in, finish_reasons and reject_reasons with counts,
    tar_bytes. An image that can't be decoded is recorded with its reason and the run goes on. Facts hold no times,
    so that a repeated run gives the same bytes.
    """
    copy = job.copy(made_from)
    job.sweep(job.journal, copy)
    part = job.part.here(copy)
    with opened(job.journal, f"{made_from} {job.window} {WINDOW_BYTES}") as journal:
        before = _read(journal)
        _caption_rest(job, part, engine, journal)
        captions = [Caption(**row) for record in journal.records for row in record["captions"]]
        rejects = [Reject(*row) for record in journal.records for row in record["rejects"]]
    facts = commit(job, part, made_from, captions, rejects)
    job.sweep()
    return facts, before


def _read(journal: Journal) -> int:
    return sum(record["read"] for record in journal.records)


def _caption_rest(job: ShardJob, part: LocalPart, engine: Engine, journal: Journal) -> None:
    """Journal every window behind those that are there."""
    done = _read(journal)
    rest = islice(enumerate(part.items()), done, None)
    rejects, tokens = 0, 0
    with tqdm(total=part.images, initial=done, desc=f"caption {job.stem}", unit="caption", leave=False) as bar:
        for window in windows(rest, job.window, job.limits, WINDOW_BYTES):
            captions = _caption(job, engine, window, window.pictures)
            order = [asdict(caption) for caption in captions]
            refused = [[r.source, r.reason, r.detail] for r in window.rejects]
            journal.append({"read": window.read, "captions": order, "rejects": refused})
            rejects, tokens = rejects + len(refused), tokens + sum(caption.tokens for caption in captions)
            bar.set_postfix(rejects=rejects, tokens=tokens, refresh=False)
            bar.update(window.read)


def _caption(job: ShardJob, engine: Engine, window: Window, pictures: list[Picture]) -> list[Caption]:
    """Captions of some pictures of one window; those that got none go to its rejects."""
    if not pictures:
        return []
    try:
        found = engine([picture.pixels for picture in pictures], [picture.id for picture in pictures])
    except ValueError as error:  # the model's processor refuses (1 x 300, say)
        if len(pictures) == 1:
            window.rejects.append(Reject(pictures[0].name, REFUSED, first_line(error)))
            return []
        half = len(pictures) // 2  # one bad image must not cost its neighbours their captions
        return _caption(job, engine, window, pictures[:half]) + _caption(job, engine, window, pictures[half:])
    captions = []
    for picture, one in zip(pictures, found, strict=True):
        if one.finish_reason == "error" or len(one.text.strip()) < job.shortest:
            detail = one.text.strip()[:200] or "the captioner wrote nothing"
            window.rejects.append(Reject(picture.name, NO_CAPTION, detail))
        else:
            captions.append(_row(picture, one))
    return captions


def _row(picture: Picture, one: Generated) -> Caption:
    width, height = picture.pixels.size
    return Caption(
        id=picture.id, caption=one.text, finish_reason=one.finish_reason, tokens=one.tokens, tokens_in=one.tokens_in,
        candidates=tuple(one.candidates), scores=tuple(one.scores), cut=one.cut, at=picture.at,
        source_key=picture.name, alt_text=picture.text, suffix=picture.suffix, width=width, height=height,
    )  # fmt: skip
