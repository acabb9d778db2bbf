"""Samples to a WebDataset tar in img2dataset's layout, with the same bytes every time."""

import json
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cim.shards.tar import add_member


@dataclass(frozen=True)
class Recaptioned:
    """One sample to write. image: the original bytes. caption: the chosen one. story: all else, JSON-able.

    texts: those that get a file of their own, by name.
    """

    key: str
    image: bytes
    suffix: str
    caption: str
    story: dict[str, Any]
    texts: Mapping[str, str] = field(default_factory=dict)


def sample_key(shard: int, sample: int) -> str:
    """`000010023`: shard 1 in five digits, sample 23 in four; unique, free of dots, sorted as the samples of its shard.

    A sample beyond 9,999 gets more digits. A shard beyond 99,999 does, too, and is set apart, `100000_0023`: a corpus
    that grows keeps the keys it has, and no two meet.
    """
    return f"{shard:05d}{'_' * (shard > 99_999)}{sample:04d}"


def write_pairs(path: Path, samples: Iterable[Recaptioned]) -> None:
    """Write `<key>.<suffix>`, `<key>.txt` and `<key>.json` of each sample to the tar `path`, in the order given.

    Between the last two, `<key>.<name>.txt` for each of its `texts`.
    """
    with tarfile.open(path, "w:", format=tarfile.USTAR_FORMAT) as tar:
        for sample in samples:
            story = json.dumps(sample.story, sort_keys=True, ensure_ascii=False, allow_nan=False)
            add_member(tar, f"{sample.key}.{sample.suffix}", sample.image)
            add_member(tar, f"{sample.key}.txt", sample.caption.encode())
            for name, text in sample.texts.items():
                add_member(tar, f"{sample.key}.{name}.txt", text.encode())
            add_member(tar, f"{sample.key}.json", story.encode())
