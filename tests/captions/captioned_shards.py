"""Little shards and an engine without a model, for the tests of this folder."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

from answering import Says
from PIL import Image

from cim.captioners.decoding import Decoding, Generated
from cim.captions.job import ShardJob
from cim.captions.lineage import Lineage
from cim.captions.shard import finish_shard
from cim.errors import CimError, FatalError
from cim.images.ids import content_id
from cim.readers.webdataset import TarPart
from cim.records import Sample
from cim.shards.tar import write_tar

LINEAGE = Lineage("model-one", "Describe it.", Decoding(8), "float32")


def png(shade: int, size: tuple[int, int] = (8, 8)) -> bytes:
    """A PNG of one gray shade, 0 to 255."""
    stream = io.BytesIO()
    Image.new("RGB", size, (shade, shade, shade)).save(stream, "PNG")
    return stream.getvalue()


def write_shard(path: Path, images: list[bytes]) -> list[str]:
    """A shard of these images with one old caption each; the ids in the order of `images`."""
    ids = [content_id(image) for image in images]
    samples = [
        Sample(i, image, "png", (f"old {i}", "older"), "test", 8, 8, {"n": 1})
        for i, image in sorted(zip(ids, images, strict=True))
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_tar(path, samples)
    return ids


def shade_engine(images: list[Image.Image], keys: list[str]) -> list[Generated]:
    """Says the shade: right only if image and answer stay together."""
    return [Generated(f"shade {image.getpixel((0, 0))[0]}", "stop", 3) for image in images]


def job_in(folder: Path, lineage: Lineage = LINEAGE, **changes: object) -> ShardJob:
    """The job for `folder`/target-000000.tar, its output in `folder`/out."""
    return job_for(folder / "target-000000.tar", folder / "out", lineage, **changes)


def job_for(shard: Path, out: Path, lineage: Lineage = LINEAGE, **changes: object) -> ShardJob:
    """The job for a tar, its output in `out`."""
    return ShardJob(TarPart(shard), out, shard.stem, 0, lineage, **changes)  # type: ignore[arg-type]


def run(job: ShardJob, answer: Callable[[list[Image.Image], list[str]], list[Generated]]) -> dict[str, Any]:
    """The facts of a shard captioned by an engine that answers so, unless it was done."""
    outcome = finish_shard(job, lambda: Says(answer))
    assert outcome is not None
    return outcome.facts


def contents(folder: Path) -> dict[str, bytes]:
    """Bytes of every file below a folder, by name."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def in_turn(
    task: Any, items: list[Any], runtime: Any, doing: str, workers: int = 1, seen: Any = None, **constants: Any
) -> list[Any]:
    """What map_shards does, without a server: every item is tried, then all that failed is told at once."""
    found, failures = list[Any](), list[str]()
    for item in items:
        try:
            found.append(task.fn(item, **constants))
        except FatalError:
            raise
        except Exception as error:
            failures.append(f"{item}: {error}")
        else:
            if seen:
                seen(found[-1])
    if failures:
        raise CimError(f"{len(failures)} of {len(items)} failed while {doing}: {failures}", "none", "mend it")
    return found
