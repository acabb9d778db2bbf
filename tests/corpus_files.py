"""Small corpora of every kind, and how they are planned and read."""

import io
import json
import tarfile
from pathlib import Path
from typing import Any

from PIL import Image

from cim.params.recaption import Recaption
from cim.readers.base import Item, Part
from cim.readers.open import numbered, open_source


def picture(shade: int, kind: str = "PNG", size: tuple[int, int] = (20, 20)) -> bytes:
    """An image of one gray shade."""
    stream = io.BytesIO()
    Image.new("RGB", size, (shade, shade, shade)).save(stream, kind)
    return stream.getvalue()


def tar_bytes(members: list[tuple[str, bytes]]) -> bytes:
    """An uncompressed tar."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return stream.getvalue()


def shard(start: int, count: int) -> bytes:
    """A shard as img2dataset writes it, with `count` samples of the shades from `start` on."""
    members = []
    for at in range(start, start + count):
        facts = json.dumps({"caption": f"alt {at}", "url": f"http://x/{at}.png", "key": f"{at:09d}"}).encode()
        members += [(f"{at:09d}.png", picture(at)), (f"{at:09d}.txt", b"alt %d" % at), (f"{at:09d}.json", facts)]
    return tar_bytes(members)


def plan(corpus: dict[str, Any], samples: int = 10_000) -> dict[str, Part]:
    """The parts of a corpus, from params as a file gives them."""
    params = Recaption.model_validate({"corpus": corpus, "output": "out", "samples_per_shard": samples})
    return numbered(open_source(params.corpus, params.samples_per_shard))


def read(parts: dict[str, Part], folder: Path) -> list[list[Item]]:
    """All items, part by part; remote parts are copied to `folder`."""
    folder.mkdir(exist_ok=True)
    return [list(part.here(folder / f"{stem}.source").items()) for stem, part in parts.items()]


def first(item: Item) -> str | None:
    """The first caption, None where there is none."""
    return next(iter(item.captions), None)
