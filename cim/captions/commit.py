"""The files of a captioned shard, written one by one, the done marker last."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from cim.atomic import mark_done, replacing, unmark
from cim.captions.job import ShardJob
from cim.captions.tar import Recaptioned, sample_key, write_pairs
from cim.captions.write import Origin, caption_row, write_captions, write_rejects
from cim.errors import CimError
from cim.fingerprint import hash_path
from cim.images.ids import content_hash
from cim.provenance import ProvenanceCounts, provenance_of
from cim.readers.base import ReadablePart, Reading
from cim.records import Caption, Reject

_TOP = ("key", "caption", "alt_text", "width", "height")  # of a row, what stands at the top of a sample's JSON


def commit(
    job: ShardJob,
    part: ReadablePart,
    made_from: str,
    sha256: str,
    captions: Sequence[Caption],
    rejects: Sequence[Reject],
) -> dict[str, Any]:
    """Write rejects, tar (where wanted) and captions, each atomically, then the done marker; its facts.

    sha256: of the part as it was captioned. Raises CimError when it is no longer that: other images, more or fewer.
    """
    origin = Origin(job.number, part.name, sha256)
    # The old marker goes before the first file changes: killed from here on, a rerun with the old model must not
    # take these files for its own.
    unmark(job.table)
    write_rejects(job.rejects, part.name, rejects)
    counts = ProvenanceCounts()
    if job.tar:
        with replacing(job.pairs) as temporary:
            write_pairs(temporary, _pairs(job, part, captions, origin, len(captions) + len(rejects), counts))
    write_captions(job.table, captions, job.lineage, origin)
    facts: dict[str, Any] = {
        "images": len(captions) + len(rejects),
        "captions": len(captions),
        "rejects": len(rejects),
        "tokens": sum(caption.tokens for caption in captions),
        "tokens_in": sum(caption.tokens_in for caption in captions),
        "finish_reasons": dict(Counter(caption.finish_reason for caption in captions)),
        "reject_reasons": dict(Counter(reject.reason for reject in rejects)),
        "tar_bytes": job.pairs.stat().st_size if job.tar else 0,
        **({"provenance": counts.values()} if job.tar else {}),
    }
    facts["sha256"] = {path.name: hash_path(path) for path in (job.table, *([job.pairs] if job.tar else []))}
    facts["sha256"][f"rejects/{job.rejects.name}"] = hash_path(job.rejects)
    mark_done(job.table, made_from, **facts)
    return facts


def _pairs(
    job: ShardJob,
    part: ReadablePart,
    captions: Sequence[Caption],
    origin: Origin,
    samples: int,
    counts: ProvenanceCounts,
) -> Iterator[Recaptioned]:
    """Captioned samples with their original bytes: the part is read a second time, one image in memory.

    samples: in the part when it was captioned, rejects counted. counts: get whose the images are.
    """
    waiting = iter(captions)
    caption, read = next(waiting, None), 0
    reading = Reading(part)
    for at, item in enumerate(reading):
        read += 1
        if caption is None or at != caption.at:
            continue
        sha256 = content_hash(item.image or b"")
        if not sha256.startswith(caption.id):
            raise changed(f"{item.name} of {part.name}")
        row = caption_row(caption, job.lineage, origin)
        story = {name: row.pop(name) for name in _TOP}
        del row["suffix"]  # the image's own name says it
        story |= {"sha256": sha256, "original": item.facts, "recaption": row | job.lineage.values()}
        counts.add(known := provenance_of(item.facts, job.provenance))
        story |= {"provenance": known} if known else {}
        assert item.image is not None
        yield Recaptioned(sample_key(job.number, at), item.image, caption.suffix, caption.caption, story)
        caption = next(waiting, None)
    if read != samples:
        raise changed(part.name, f" ({samples} samples before, {read} now)")
    if reading.sha256() != origin.sha256:
        raise changed(part.name)


def changed(what: str, how: str = "") -> CimError:
    """What to raise when a source is no longer what it was."""
    return CimError(
        f"{what} changed while it was captioned{how}",
        "a corpus that stays as it is",
        "run again when nothing writes to it",
    )
