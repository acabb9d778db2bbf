"""One shard captioned: read in windows, generated, committed, marked done last."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from PIL.Image import Image
from tqdm import tqdm

from cim.atomic import done_facts, mark_done, unmark
from cim.captioners.decoding import Generated
from cim.captions.lineage import Lineage
from cim.captions.recaption import write_recaptioned
from cim.captions.write import captions_path, rejects_path, write_captions, write_rejects
from cim.fingerprint import code_of, fingerprint
from cim.records import Caption, Reject
from cim.shards.images import decode_rgb
from cim.shards.quarantine import Reason, first_line
from cim.shards.read import read_samples

CODE = ("cim.captioners", "cim.captions", "cim.engines", "cim.shards.images", "cim.shards.read", "cim.shards.tar")
WINDOW_BYTES = 512 * 2**20  # decoded pixels held at once, whatever the size of the shard


class Engine(Protocol):
    """What turns n images into n captions, in the same order; keys are the samples' ids."""

    def __call__(self, images: list[Image], keys: list[str]) -> list[Generated]: ...


@dataclass(frozen=True)
class ShardJob:
    """One shard to caption into `folder`.

    tar: also write a re-captioned shard `<stem>.tar` there. window: images handed to the engine at once, several
    batches so that sorting by length pays. images: samples in the shard, where known, for the progress bar.
    """

    shard: Path
    folder: Path
    lineage: Lineage
    tar: bool = False
    window: int = 512
    images: int | None = None

    def __str__(self) -> str:
        return self.shard.name

    @property
    def table(self) -> Path:
        """The captions table; its done marker stands for all files of the shard."""
        return captions_path(self.folder, self.shard)

    def fingerprint(self) -> str:
        """Of what decides the output: code, shard bytes, model, prompt, decoding, whether a tar is wanted."""
        return fingerprint("caption", code_of(*CODE), self.shard, self.lineage.values(), self.tar)

    def done(self) -> dict[str, Any] | None:
        """The facts of an earlier run if all files are there and made from exactly this, else None."""
        if self.tar and not (self.folder / self.shard.name).exists():
            return None
        return done_facts(self.table, self.fingerprint())


def caption_shard(job: ShardJob, engine: Engine) -> dict[str, Any]:
    """Caption every sample of a shard; facts {images, captions, rejects, tokens, stop, length}.

    images = captions + rejects: an image that can't be decoded is recorded with its reason and the run goes on.
    Writes rejects, tar (where wanted), captions, each atomically, then the done marker. Facts hold no times,
    so that a repeated run gives the same bytes.
    """
    made_from = job.fingerprint()  # before reading: a shard that changes meanwhile is redone next time
    captions: list[Caption] = []
    rejects: list[Reject] = []
    with tqdm(total=job.images, desc=f"caption {job.shard.stem}", unit="caption", leave=False) as bar:
        for ids, images in _windows(job, rejects):
            captions += _caption(engine, ids, images, rejects)
            bar.set_postfix(rejects=len(rejects), tokens=sum(c.tokens for c in captions), refresh=False)
            bar.update(len(ids))
    # The old marker goes before the first file changes: killed from here on, a rerun with the old model must not
    # take these files for its own.
    unmark(job.table)
    write_rejects(rejects_path(job.folder, job.shard), job.shard.name, rejects)
    if job.tar:
        write_recaptioned(job.folder / job.shard.name, job.shard, captions, job.lineage)
    write_captions(job.table, captions, job.lineage)
    reasons = Counter(caption.finish_reason for caption in captions)
    facts = {
        "images": len(captions) + len(rejects),
        "captions": len(captions),
        "rejects": len(rejects),
        "tokens": sum(caption.tokens for caption in captions),
        "stop": reasons["stop"],
        "length": reasons["length"],
    }
    mark_done(job.table, made_from, **facts)
    return facts


def _caption(engine: Engine, ids: list[str], images: list[Image], rejects: list[Reject]) -> list[Caption]:
    """Captions of one window; images that the model's processor refuses (1 x 300, say) go to `rejects`."""
    try:
        found = engine(images, ids)
    except ValueError as error:
        if len(ids) == 1:
            rejects.append(Reject(ids[0], "refused by the captioner", first_line(error)))
            return []
        half = len(ids) // 2  # one bad image must not cost its neighbours their captions
        first = _caption(engine, ids[:half], images[:half], rejects)
        return first + _caption(engine, ids[half:], images[half:], rejects)
    return [Caption(i, one.text, one.finish_reason, one.tokens) for i, one in zip(ids, found, strict=True)]


def _windows(job: ShardJob, rejects: list[Reject]) -> Iterator[tuple[list[str], list[Image]]]:
    """Decoded images with their ids, `window` at most and about WINDOW_BYTES; undecodable ones go to `rejects`."""
    ids: list[str] = []
    images: list[Image] = []
    held = 0
    for sample in read_samples(job.shard):
        try:
            image = decode_rgb(sample.image)
        except MemoryError:
            raise
        except Exception as error:  # Pillow's decoders raise many kinds on broken bytes, all meaning this
            reason = Reason.CORRUPT if sample.image else Reason.EMPTY
            rejects.append(Reject(sample.id, reason.value, first_line(error)))
            continue
        ids.append(sample.id)
        images.append(image)
        held += 3 * image.width * image.height
        if len(ids) >= job.window or held >= WINDOW_BYTES:
            yield ids, images
            ids, images, held = [], [], 0
    if ids:
        yield ids, images
