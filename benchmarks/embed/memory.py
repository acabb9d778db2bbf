"""What embedding a whole split adds to memory, by its rows: the flow itself, with encoders that take no time.

python -m benchmarks.embed.memory [--rows 100000 1000000] [--write docs/benchmarks.md]

A split is one shard of tiny JPEGs under many names (links), so that a million rows are made at once. Everything but the
encoders is the project's: plan, locks, tasks, reading, decoding, writing. Each row of the table is a process of its
own; the server that Prefect starts beside it is another one, and not counted.
"""

import argparse
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.common.document import replace_between
from benchmarks.common.memory import MIB, most_resident, resident
from benchmarks.common.project import ROOT, clean_environment, copy_project
from benchmarks.common.timing import machine
from cim.images.ids import content_id
from cim.layout import Layout
from cim.records import Sample
from cim.shards.tar import write_tar

DIM = 512
SPLITS = ("gallery", "train", "validation", "eval")  # the last three are small


class Instant:
    """Meets TextEncoder and ImageEncoder: the length of a text, the first pixel of an image, and no time."""

    dim, fingerprint = DIM, "instant"

    @staticmethod
    def prepare(image: Image.Image) -> np.ndarray:
        """As it is: sides of 16."""
        return np.array(image)

    def encode_pixels(self, pixels: np.ndarray) -> np.ndarray:
        """(n, DIM) unit vectors."""
        return _unit(pixels[:, 0, 0, 0])

    def encode_texts(self, texts: list[str]) -> np.ndarray:
        """As for images."""
        return _unit(np.array([len(text) for text in texts]))


def write_split(folder: Path, rows: int, per_shard: int) -> None:
    """Shards of `rows` tiny JPEGs with a caption each, all of one content."""
    folder.mkdir(parents=True)
    noise, samples = np.random.default_rng(0), list[Sample]()
    for number in range(min(rows, per_shard)):
        stream = io.BytesIO()
        Image.fromarray(noise.integers(0, 255, (16, 16, 3), dtype=np.uint8)).save(stream, "JPEG", quality=60)
        content = stream.getvalue() + f"{number:09d}".encode()  # behind the end: decoders stop before it
        samples.append(Sample(content_id(content), content, "jpg", (f"a caption {number}",), "drawn", 16, 16, {}))
    first = folder / f"{folder.name}-000000.tar"
    write_tar(first, sorted(samples, key=lambda one: one.id))
    for number in range(1, rows // per_shard):
        os.link(first, folder / f"{folder.name}-{number:06d}.tar")


def measured(role: str, rows: int, per_shard: int) -> dict[str, Any]:
    """flows.embed over a split of so many rows, in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="cim-embed-memory-") as name:
        folder = Path(name)
        copy_project(folder, ROOT / "params.yaml")
        layout = Layout(folder / "data")
        for split in SPLITS:
            write_split(layout.shards(split), rows if split == "gallery" else 100, per_shard)
        command = [sys.executable, "-m", "benchmarks.embed.memory", "--work", role]
        environment = clean_environment(ROOT) | {"PREFECT_HOME": str(folder / "prefect")}
        with (folder / "log").open("w") as log:
            done = subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=log, text=True)
        if done.returncode:
            print((folder / "log").read_text()[-4000:], file=sys.stderr)
            raise SystemExit(f"the process ended with {done.returncode}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def work(role: str) -> None:
    """Run the flow in the working folder, all but the encoders as they are; print JSON."""
    import cim.encoders.load
    from cim.encoders.card import EncoderCard
    from flows.embed import embed

    layout = Layout()
    EncoderCard(role, "open_clip", "instant", None, DIM, Instant.fingerprint).write(layout.model(role))
    cim.encoders.load.load_image_tower = cim.encoders.load.load_text_encoder = lambda *_: Instant()  # type: ignore[assignment]
    before, began = resident()["VmRSS"], time.perf_counter()
    metas: list[dict[str, Any]] = embed(role)  # type: ignore[arg-type]
    seconds = time.perf_counter() - began
    print(json.dumps({
        "rows": sum(one["vectors"] for one in metas), "shards": sum(one["shards"] for one in metas),
        "seconds": seconds, "before": before, "most": most_resident(),
    }))  # fmt: skip


def main() -> None:
    """Measure, print, and write where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--per-shard", type=int, default=10_000)
    parser.add_argument("--roles", nargs="+", default=["image", "text"], choices=["image", "text"])
    parser.add_argument("--write", type=Path, help="Markdown file with the markers <!-- embed-memory -->")
    parser.add_argument("--work", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        work(options.work)
        return
    table = ["| encoded | rows | shards | before | peak RSS | rows/s |", "|---|---|---|---|---|---|"]
    for role in options.roles:
        for rows in options.rows:
            one = measured(role, rows, options.per_shard)
            table.append(
                f"| {'captions' if role == 'text' else 'images'} | {one['rows']:,} | {one['shards']:,} |"
                f" {one['before'] / MIB:.0f} MiB | {one['most'] / MIB:.0f} MiB | {one['rows'] / one['seconds']:,.0f} |"
            )
            print(table[-1], file=sys.stderr, flush=True)
    shown = "\n".join([
        f"Shards of {options.per_shard:,} rows, {DIM} dimensions, `params.yaml` as it is."
        f" {machine('numpy', 'pillow')}.",
        "",
        *table,
    ])  # fmt: skip
    print(shown)
    if options.write:
        replace_between(options.write, "embed-memory", shown)


def _unit(values: np.ndarray) -> np.ndarray:
    vectors = np.ones((len(values), DIM), dtype=np.float32)
    vectors[:, 0] += values
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


if __name__ == "__main__":
    main()
