"""How much of the time an encoder of fixed latency waits for `embed`, and what its photos add to memory.

python -m benchmarks.embed.feed [--write docs/benchmarks.md]

The encoder takes some milliseconds an image, asleep; its photos are 0.3 to 12 megapixels. Each row is a process of its
own. What more and more shards add: `benchmarks.embed.memory`.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from torchvision.transforms import CenterCrop, InterpolationMode, Resize

from benchmarks.common.document import replace_between
from benchmarks.common.memory import MIB, most_resident
from benchmarks.common.timing import ADDITIONS, machine, seconds_for_additions
from benchmarks.embed.material import write_shards
from cim.encoders.prepare import Prepare

SIDE = 224


class FixedLatency:
    """Looks at the first pixel, and takes its time."""

    dim = 512

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        # As an open_clip model's: the shortest side resized, the rest cut off.
        self.prepare = Prepare((Resize(SIDE, InterpolationMode.BICUBIC), CenterCrop(SIDE)))
        self.images: list[int] = []

    def encode_pixels(self, pixels: np.ndarray) -> np.ndarray:
        """(n, 512) unit vectors after n times the latency."""
        time.sleep(self._seconds * len(pixels))
        self.images.append(len(pixels))
        vectors = np.ones((len(pixels), self.dim), dtype=np.float32)
        vectors[:, 0] += pixels[:, 0, 0, 0]
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def embed(folder: Path, latency: float, batch: int, prefetch: int, inside: str) -> dict[str, float]:
    """Embed folder/shards/gallery; what became of it."""
    from cim.embeddings import pieces
    from cim.embeddings.plan import EmbedJob
    from cim.embeddings.share import Feed, embed_shards
    from cim.engines.workers import Workers
    from cim.images.memory import map_large_blocks
    from cim.layout import Layout
    from cim.shards.read import shard_paths

    map_large_blocks()  # as tasks/embed does
    layout = Layout(folder)
    to = layout.embeddings("image", "gallery")
    jobs = [EmbedJob("image", one, one.name, to, folder, "fake") for one in shard_paths(layout.shards("gallery"))]
    encoder = FixedLatency(latency)
    workers = Workers(pieces.Prepare(encoder.prepare), prefetch) if inside == "processes" else None
    embed_shards(jobs[:2], encoder, Feed(batch, prefetch, workers))
    before, encoder.images = most_resident(), []
    share = embed_shards(jobs[2:], encoder, Feed(batch, prefetch, workers))
    return {
        "shards": len(jobs), "images": sum(encoder.images), "seconds": share.seconds, "waited": share.waited,
        "before": before, "most": most_resident(),
    }  # fmt: skip


def measured(folder: Path, *settings: object) -> dict[str, float]:
    """`embed` in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.embed.feed", "--work", str(folder), *map(str, settings)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Measure, print, and write where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shards", type=int, default=50)
    parser.add_argument("--images", type=int, default=37, help="of a shard")
    parser.add_argument("--latency", type=float, nargs="+", default=[0.02, 0.04], help="seconds an image")
    parser.add_argument("--write", type=Path, help="Markdown file with the markers <!-- embed-feed -->")
    parser.add_argument("--work", nargs=5, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        folder, latency, batch, prefetch, inside = options.work
        print(json.dumps(embed(Path(folder), float(latency), int(batch), int(prefetch), inside)))
        return
    before, waits = seconds_for_additions(), list[str]()
    for latency in options.latency:
        for inside in ("threads", "processes"):
            with tempfile.TemporaryDirectory(prefix="cim-feed-") as name:
                shards = Path(name) / "shards/gallery"
                write_shards(shards, options.shards * options.images, options.images, (0.3, 12), 24)
                one = measured(Path(name), latency, 16, 2, inside)
            waits.append(
                f"| {1000 * latency:.0f} ms | 2 {inside} | {one['images']:,.0f} | {one['seconds']:.1f} |"
                f" {one['waited']:.1%} | {(one['most'] - one['before']) / MIB:.0f} MiB |"
            )
            print(waits[-1], file=sys.stderr, flush=True)
    after = seconds_for_additions()
    shown = "\n".join([
        f"{options.shards} shards of {options.images} photos of 0.3 to 12 megapixels, batches of 16; waiting is counted"
        f" from the encoder's first batch to its last, the two shards before left out. Calibration ({ADDITIONS:,}"
        f" additions in Python, about 0.5 s on a laptop): {before:.2f} s before, {after:.2f} s after."
        f" {machine('pillow', 'numpy')}.",
        "",
        "| the encoder's time an image | prepared ahead by | images | seconds | it waited | memory added |",
        "|---|---|---|---|---|---|",
        *waits,
    ])  # fmt: skip
    print(shown)
    if options.write:
        replace_between(options.write, "embed-feed", shown)


if __name__ == "__main__":
    main()
