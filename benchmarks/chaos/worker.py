"""A small corpus of noise, and a worker that re-captions it with an engine that says what it sees."""

import io
import random
import tarfile
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path

from PIL import Image

from benchmarks.feed.engine import FixedLatency
from cim.captioners.decoding import Decoding, Generated
from cim.captions.feed import Feed, Turns
from cim.captions.job import ShardJob
from cim.captions.lineage import Lineage
from cim.captions.output import prepare
from cim.captions.shard import finish_shard
from cim.engines.continuous import ContinuousCaptioning
from cim.engines.spec import Engine, EngineBatch, EngineResults, as_it_is
from cim.params.recaption import Recaption
from cim.readers.open import numbered, open_source

SHARDS, IMAGES, WINDOW, BATCH, LAG = 10, 40, 8, 2, 0.01  # LAG: seconds a batch
AT_ONCE, DECODERS = 4, 2  # shards and threads that decode, as a flow has them
REQUESTS = "requests"  # a corpus of tars, which a continuous engine captions
KINDS = ("webdataset", "folder", "parquet", REQUESTS)
LINEAGE = Lineage("says-what-it-sees", "Colour?", Decoding(8), "float32")


class SaysWhatItSees:
    """One caption an image, made from its pixels alone."""

    prepare = staticmethod(as_it_is)
    retried = 0

    def plan(self, sizes: Sequence[tuple[int, int]]) -> list[list[int]]:
        """Not in the order given, as a sorting engine's."""
        rows = list(range(len(sizes)))[::-1]
        return [rows[start : start + BATCH] for start in range(0, len(rows), BATCH)]

    def __call__(self, batches: Iterable[EngineBatch]) -> EngineResults:
        for images, _ in batches:
            time.sleep(LAG)
            yield [said(image) for image in images]


opened: Callable[[], Engine] = SaysWhatItSees  # a test puts a real captioner here


def make_corpus(folder: Path, shards: int = SHARDS, images: int = IMAGES, kind: str = "webdataset") -> None:
    """So many pictures of noise, every 13th broken, with old captions: as tars, files, or rows of one table."""
    folder.mkdir(parents=True)
    pictures = [_picture(at) for at in range(shards * images)]
    if kind == "parquet":
        import polars as pl

        captions = [f"alt {at}" for at in range(len(pictures))]
        pl.DataFrame({"image": pictures, "caption": captions}).write_parquet(folder / "table.parquet")
    elif kind == "folder":
        for at, image in enumerate(pictures):
            (folder / f"{at:06d}.png").write_bytes(image)
            (folder / f"{at:06d}.txt").write_bytes(b"alt %d" % at)
    else:
        for shard in range(shards):
            _write_tar(folder / f"{shard:05d}.tar", range(shard * images, (shard + 1) * images), pictures)


def _picture(at: int) -> bytes:
    stream = io.BytesIO()
    Image.frombytes("RGB", (24, 24), random.Random(at).randbytes(24 * 24 * 3)).save(stream, "PNG")
    return stream.getvalue() if at % 13 else stream.getvalue()[:99]


def _write_tar(path: Path, numbers: range, pictures: Sequence[bytes]) -> None:
    with tarfile.open(path, "w") as tar:
        for at in numbers:
            key = f"{at - numbers.start:04d}"
            for name, content in ((f"{key}.png", pictures[at]), (f"{key}.txt", b"alt %d" % at)):
                member = tarfile.TarInfo(name)
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))


def jobs(corpus: Path, out: Path) -> list[ShardJob]:
    """The shards of a corpus, planned as the flow plans them."""
    if any(corpus.glob("*.tar")):
        found = {"kind": "webdataset", "path": f"{corpus}/*.tar"}
    elif any(corpus.glob("*.parquet")):
        found = {"kind": "parquet", "path": f"{corpus}/*.parquet", "caption": "caption"}
    else:
        found = {"kind": "folder", "path": str(corpus)}
    section = Recaption.model_validate({"corpus": found, "output": str(out), "samples_per_shard": IMAGES})
    parts = numbered(open_source(section.corpus, section.samples_per_shard))
    return [ShardJob(part, out, stem, int(stem), LINEAGE, True, WINDOW) for stem, part in parts.items()]


def work(corpus: Path, out: Path) -> None:
    """What one worker does: every shard that no other holds, then those that others held; as many at once as a flow."""
    planned, turns = jobs(corpus, out), Turns()
    prepare(out, planned)
    engine = requests() if corpus.name == REQUESTS else opened()

    def finish(job: ShardJob, patience: float) -> None:
        with turns.shard():
            finish_shard(job, lambda: feed, patience)

    with closing(Feed(engine, DECODERS, turns)) as feed, ThreadPoolExecutor(AT_ONCE) as pool:
        for patience in (0.0, 60.0):
            list(pool.map(partial(finish, patience=patience), planned))


def requests() -> ContinuousCaptioning:
    """A continuous engine with eight requests in flight, that says the same."""
    return ContinuousCaptioning(FixedLatency(8, 4 * LAG, answers=lambda one: said(one.prepared)), LINEAGE.decoding)


def said(picture: Image.Image) -> Generated:
    """One caption, made from the picture's pixels alone."""
    return Generated(f"mean colour {picture.resize((1, 1)).getpixel((0, 0))}", "stop", 5, 20)
