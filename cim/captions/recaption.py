"""A shard with its images untouched and its captions replaced: data for pre-training."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from cim.atomic import replacing
from cim.captions.lineage import Lineage
from cim.records import Caption, Sample
from cim.shards.read import read_samples
from cim.shards.tar import write_tar


def write_recaptioned(path: Path, shard: Path, captions: Iterable[Caption], lineage: Lineage) -> None:
    """Write `shard` again to `path`, atomically: original image bytes, `.txt` the new caption, `.json` all else.

    The `.json` keeps every field; its `captions` hold the new one, and `extra.recaption` the old ones with the
    lineage. Samples without a new caption (rejects) are left out. Same input, same bytes. One image in memory.
    """
    by_id = {caption.id: caption for caption in captions}
    with replacing(path) as temporary:
        write_tar(temporary, _recaptioned(shard, by_id, lineage))


def _recaptioned(shard: Path, captions: dict[str, Caption], lineage: Lineage) -> Iterator[Sample]:
    for sample in read_samples(shard):
        if sample.id not in captions:
            continue
        new = captions[sample.id]
        story = {
            "old_captions": list(sample.captions),
            "finish_reason": new.finish_reason,
            "tokens": new.tokens,
            "shard": shard.name,
            **lineage.values(),
        }
        yield replace(sample, captions=(new.caption,), extra={**sample.extra, "recaption": story})
