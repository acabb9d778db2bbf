"""Samples to a WebDataset tar with the same bytes every time."""

import io
import json
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

from cim.images.ids import content_hash
from cim.records import Sample


def write_tar(path: Path, samples: Iterable[Sample], hashes: Mapping[str, str] = MappingProxyType({})) -> None:
    """Write `samples` (ascending ids) as a WebDataset tar; the bytes depend on nothing else.

    hashes: SHA-256 of images by id, where they are known already.

    Members of a sample: `<id>.<suffix>`, `<id>.txt` (first caption; absent without one), `<id>.json`.
    """
    before = ""
    with tarfile.open(path, "w:", format=tarfile.USTAR_FORMAT) as tar:
        for sample in samples:
            if sample.id <= before:
                raise ValueError(f"samples must come in ascending order of id, found {sample.id} after {before}")
            before = sample.id
            facts = {
                "captions": sample.captions, "source": sample.source, "width": sample.width, "height": sample.height,
                "sha256": hashes.get(sample.id) or content_hash(sample.image), "extra": sample.extra,
            }  # fmt: skip
            add_member(tar, f"{sample.id}.{sample.suffix}", sample.image)
            if sample.captions:
                add_member(tar, f"{sample.id}.txt", sample.captions[0].encode())
            add_member(tar, f"{sample.id}.json", json.dumps(facts, sort_keys=True, allow_nan=False).encode())


def add_member(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    """Add a file to an open tar, its bytes depending on name and content alone."""
    member = tarfile.TarInfo(name)  # its defaults: mtime 0, owner 0 without a name, mode 0644
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))
