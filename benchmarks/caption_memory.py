"""Host memory while a shard is captioned, by its number of images.

python -m benchmarks.caption_memory --model data/models/captioner

Each row is a process of its own, in which one shard goes through the whole of re-captioning: decoding, the captioner
(without --model one that reads the pixels and says their mean colour), journal, tar and tables.
"""

import argparse
import io
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.chaos import worker
from benchmarks.common.memory import MIB, most_resident
from benchmarks.common.timing import machine
from cim.captioners.decoding import Decoding
from cim.captions.feed import Feed
from cim.captions.job import ShardJob
from cim.captions.lineage import Lineage
from cim.captions.shard import finish_shard
from cim.engines.prepared import PIXEL_BYTES
from cim.engines.spec import AnyEngine
from cim.params import Runtime
from cim.readers.webdataset import TarPart

DISTINCT = 16  # pictures; a tar repeats them
PROGRAM = ("-m", "benchmarks.caption_memory")


@dataclass(frozen=True)
class Case:
    """A shard of `images` pictures of side x side pixels, captioned by `model` ("": the stand-in) in `window`s."""

    images: int
    side: int
    window: int = 512
    model: str = ""

    def measure(self, program: Sequence[str] = PROGRAM) -> tuple[int, int]:
        """Most bytes resident before the shard, a tiny one having been through all of it, and at the end.

        Of a process that does nothing else: before is what libraries, decoders and the captioner take.
        """
        with tempfile.TemporaryDirectory(prefix="cim-memory-") as name:
            write_tar(Path(name) / "00000.tar", self.images, self.side)
            work = ["--work", name, str(self.window), self.model]
            command = [sys.executable, *program, *work]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        before, peak = done.stdout.splitlines()[-1].split()
        return int(before), int(peak)


def write_tar(path: Path, images: int, side: int) -> None:
    """JPEGs with coarse noise, about as long as photos of their size."""
    noise, files = np.random.default_rng(0), list[bytes]()
    for _ in range(DISTINCT):
        coarse = noise.integers(0, 255, (max(1, side // 8), max(1, side // 8), 3), dtype=np.uint8)
        stream = io.BytesIO()
        Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC).save(stream, "JPEG", quality=90)
        files.append(stream.getvalue())
    with tarfile.open(path, "w") as tar:
        for number, content in enumerate(islice(cycle(files), images)):
            member = tarfile.TarInfo(f"{number:09d}.jpg")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))


def work(folder: Path, window: int, model: str) -> None:
    """Caption folder/00000.tar into folder/out, and print what `Case.measure` returns."""
    from cim.images.memory import map_large_blocks

    map_large_blocks()  # as tasks/caption does
    engine, lineage = _engine(model)
    write_tar(folder / "first.tar", 2, 64)
    with closing(Feed(engine, Runtime().decoders)) as feed:
        for name in ("first", "00000"):
            before = most_resident()
            job = ShardJob(TarPart(folder / f"{name}.tar"), folder / "out", name, 0, lineage, True, window)
            assert finish_shard(job, lambda: feed)
    print(before, most_resident())


def _engine(model: str) -> tuple[AnyEngine, Lineage]:
    if not model:
        worker.LAG, worker.BATCH = 0.0, 64
        return worker.SaysWhatItSees(), worker.LINEAGE
    from cim.captioners.load import captioner_fingerprint
    from cim.engines.open import open_engine
    from cim.engines.spec import EngineSpec

    found, decoding = captioner_fingerprint(Path(model)), Decoding(16)
    return open_engine(EngineSpec(Path(model), found, "Describe it.", decoding)), Lineage(
        found, "Describe it.", decoding
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, nargs="+", default=[200, 1000, 2000])
    parser.add_argument("--side", type=int, default=1024)
    parser.add_argument("--window", type=int, default=512)
    parser.add_argument("--model", default="", help="folder of a captioner")
    parser.add_argument("--work", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        work(Path(options.work[0]), int(options.work[1]), options.work[2])
        return
    print(machine("pillow", "torch") + "\n")
    print("| images | side | decoded, all together | most resident before | at the end | added |")
    print("|---|---|---|---|---|---|")
    for images in options.images:
        before, peak = Case(images, options.side, options.window, options.model).measure()
        sizes = [PIXEL_BYTES * options.side**2 * images, before, peak, peak - before]
        print(
            f"| {images:,} | {options.side} | " + " | ".join(f"{size / MIB:,.0f} MiB" for size in sizes) + " |",
            flush=True,
        )


if __name__ == "__main__":
    main()
