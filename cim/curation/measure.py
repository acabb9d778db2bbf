"""One part of a corpus measured: a row a pair of image and caption, what is wrong with it, and their vectors."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from PIL.Image import Image

from cim.atomic import done_facts, mark_done, replacing, write_parquet
from cim.batches import batched
from cim.curation.encoders import Encoders, Seen
from cim.curation.identity import known_identity
from cim.curation.phash import perceptual_hash
from cim.fingerprint import code_of, fingerprint
from cim.images.checks import Limits, Reason, Unusable, decode
from cim.images.ids import content_id
from cim.params.provenance import PROVENANCE, ProvenanceColumns
from cim.prefetch import prefetch
from cim.provenance import provenance_of
from cim.readers.base import Item, Part, Reading

LOST = frozenset({Reason.CAPTION_NOT_UTF8, Reason.CAPTION_EMPTY, Reason.CAPTION_TOO_LONG, Reason.NOT_TEXT})
"""What is wrong with captions: each of them is a row."""

MEASURED = pl.Schema(
    {
        "at": pl.Int64,
        "key": pl.String,
        "id": pl.String,
        "number": pl.Int64,
        "caption": pl.String,
        "source": pl.String,
        "reason": pl.String,
        "suffix": pl.String,
        "pixels": pl.Int64,
        "hash": pl.UInt64,
        "nsfw": pl.Float64,
        "score": pl.Float64,
        "image_row": pl.Int64,
        "caption_row": pl.Int64,
        "license": pl.String,
        "source_url": pl.Boolean,
        "attribution": pl.Boolean,
    }
)
"""at: the sample's place in its part. number: the caption's among those of its image, null for what is no caption.
suffix: by content. hash, nsfw: of the image. score: the cosine, or the CIM score. image_row, caption_row: of the part's
vectors, null without any. license: of the image, null where unknown; source_url, attribution: whether known."""

NsfwScores = Callable[[Sequence[Image]], Sequence[float]]
CimScores = Callable[[list[str], list[str], list[Image]], list[float | None]]


@dataclass(frozen=True)
class Tools:
    """What a part is measured with. cim: the scores, in place of cosines. threads: that decode."""

    encoders: Encoders
    nsfw: NsfwScores | None = None
    cim: CimScores | None = None
    batch_size: int = 256
    threads: int = 2


@dataclass(frozen=True)
class MeasureJob:
    """A part and where what is measured of it goes. made_with: fingerprint of the tools.

    source: the name of its samples' source, or that of the field of their JSON that holds it, with `from_field`.
    """

    part: Part
    source: str
    folder: Path
    stem: str
    limits: Limits = field(hash=False)
    made_with: str
    hash_cache: Path
    source_field: str | None = None
    provenance: ProvenanceColumns = PROVENANCE

    def __str__(self) -> str:
        return self.part.name

    @property
    def table(self) -> Path:
        """Rows of `MEASURED`; its done marker stands for the vectors as well."""
        return self.folder / f"{self.stem}.parquet"

    @property
    def images(self) -> Path:
        """(n, d) float16 vectors of images."""
        return self.folder / f"{self.stem}.images.npy"

    @property
    def captions(self) -> Path:
        """(n, d) float16 vectors of captions."""
        return self.folder / f"{self.stem}.captions.npy"

    def fingerprint(self) -> str:
        """Of what decides the rows: code, content of the part, limits, tools."""
        size = [self.limits.min_side, self.limits.max_pixels, self.limits.max_aspect, self.limits.animated]
        code = code_of(__name__, "cim.encoders.load", type(self.part).__module__)
        named = [self.source, self.source_field, self.provenance.model_dump(mode="json")]
        return fingerprint(
            "measure", code, known_identity(self.part, self.hash_cache), self.part.name, size, named, self.made_with
        )

    def done(self, made_from: str) -> bool:
        """Whether an earlier run has measured just this."""
        return done_facts(self.table, made_from) is not None and self.images.exists() and self.captions.exists()


def measure(job: MeasureJob, open_tools: Callable[[], Tools]) -> int:
    """Measure a part unless that is done; its number of rows. open_tools: called only where something is to be done.

    Raises CimError where the part can't be read.
    """
    made_from = job.fingerprint()
    if job.done(made_from):
        return pl.scan_parquet(job.table).select(pl.len()).collect().item()  # type: ignore[no-any-return]
    tools = open_tools()
    rows, images, captions = list[dict[str, Any]](), list[npt.NDArray[Any]](), list[npt.NDArray[Any]]()
    counts = [0, 0]
    copy = job.folder / f".{job.stem}.{made_from}.source"
    reading = Reading(job.part.here(copy))
    looked = prefetch(lambda item: _look(item, job.limits, tools), enumerate(reading), tools.threads)
    for batch in batched(looked, tools.batch_size):
        found = _measured(batch, job, tools, counts)
        rows += found[0]
        images.append(found[1])
        captions.append(found[2])
    for path, vectors in ((job.images, images), (job.captions, captions)):
        with replacing(path) as temporary, temporary.open("wb") as stream:
            np.save(stream, np.concatenate(vectors or [np.empty((0, tools.encoders.dim), np.float16)]))
    write_parquet(job.table, pl.DataFrame(rows, schema=MEASURED))
    mark_done(job.table, made_from)
    copy.unlink(missing_ok=True)
    return len(rows)


@dataclass(frozen=True)
class _Looked:
    """A sample whose image was looked at. reason: why it is not usable. seen: by each encoder's eye."""

    at: int
    item: Item
    id: str = ""
    reason: str | None = None
    suffix: str = ""
    pixels: int = 0
    hash: int | None = None
    seen: Seen = ()
    image: Image | None = None


def _look(numbered: tuple[int, Item], limits: Limits, tools: Tools) -> _Looked:
    at, item = numbered
    if item.problem or item.image is None:
        return _Looked(at, item, reason=item.problem[0].value if item.problem else Reason.WITHOUT_IMAGE.value)
    name = content_id(item.image)
    try:
        checked, image = decode(item.image, limits)
    except Unusable as error:
        return _Looked(at, item, name, error.reason.value)
    kept = image if tools.nsfw or tools.cim else None
    pixels = checked.width * checked.height
    seen = tools.encoders.look(image)
    return _Looked(at, item, name, None, checked.suffix, pixels, perceptual_hash(image), seen, kept)


def _measured(
    batch: Sequence[_Looked], job: MeasureJob, tools: Tools, counts: list[int]
) -> tuple[list[dict[str, Any]], npt.NDArray[np.float16], npt.NDArray[np.float16]]:
    """Rows and vectors of some samples. counts: vectors of images and captions before these, raised by these."""
    good = [one for one in batch if one.reason is None]
    pairs = [(place, caption) for place, one in enumerate(good) for caption in one.item.captions]
    images = tools.encoders.images([one.seen for one in good])
    texts = tools.encoders.texts([caption for _, caption in pairs])
    pictures = [one.image for one in good if one.image is not None]
    nsfw = list(tools.nsfw(pictures)) if tools.nsfw and pictures else [None] * len(good)
    scores: list[float | None] = [None] * len(pairs)
    if tools.cim and pairs:
        named = [good[place].id for place, _ in pairs]
        scores = tools.cim([caption for _, caption in pairs], named, [pictures[place] for place, _ in pairs])
    elif tools.encoders.dim:
        cosines = np.einsum("nd,nd->n", images[[place for place, _ in pairs]], texts)
        scores = [float(one) if np.isfinite(one) else None for one in cosines]
    told = iter(scores)
    rows, place = [], 0
    for one in batch:
        row: dict[str, Any] = {"at": one.at, "key": one.item.name, "id": one.id, "reason": one.reason}
        row |= {"source": _source(one.item, job), "suffix": one.suffix, "pixels": one.pixels}
        known = provenance_of(one.item.facts, job.provenance)
        row |= {"license": known.get("license"), **{name: name in known for name in ("source_url", "attribution")}}
        if one.reason is None:
            row |= {"hash": one.hash, "nsfw": nsfw[place], "image_row": counts[0] if tools.encoders.dim else None}
            place, counts[0] = place + 1, counts[0] + 1
        for number, caption in enumerate(one.item.captions):
            own = {"number": number, "caption": caption}
            if one.reason is None:
                own |= {"score": next(told), "caption_row": counts[1] if tools.encoders.dim else None}
                counts[1] += 1
            rows.append(row | own)
        lost = [reason.value for reason, _ in one.item.lost if reason in LOST]
        rows += [row | {"reason": one.reason or reason} for reason in lost]
        if not one.item.captions and not lost:
            rows.append(row | {"reason": one.reason or Reason.NO_CAPTION.value})
    return rows, images.astype(np.float16), texts.astype(np.float16)


def _source(item: Item, job: MeasureJob) -> str | None:
    if job.source_field is None:
        return job.source
    found = item.facts.get(job.source_field)
    return None if found is None else str(found)
