"""Batches prepared ahead by nobody, by threads, by worker processes: captions a second of the engine.

python -m benchmarks.caption.prefetch --data data [--photos FOLDER] [--write docs/engines.md]

All ways are run in turns. CPU seconds are those of this process and its children.
"""

import argparse
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any

import psutil

from benchmarks.caption.scenes import MOST, PROMPT, scenes
from benchmarks.common.document import replace_between
from benchmarks.common.timing import ADDITIONS, machine, seconds_for_additions

WAYS: dict[str, dict[str, Any]] = {
    "nothing ahead": {"prefetch": 0},
    "a thread": {"prefetch": 1},
    "2 threads": {"prefetch": 2},
    "a process": {"prefetch": 1, "prefetch_in": "processes"},
    "2 processes": {"prefetch": 2, "prefetch_in": "processes"},
}


@dataclass
class Way:
    """One way to prepare, and what it took. opened: seconds until its processes are there."""

    run: Callable[[list[Any]], list[str]]
    opened: float
    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def measure(self, images: list[Any]) -> None:
        wall, cpu = time.perf_counter(), _cpu_seconds()
        self.said = self.run(images)
        self.wall.append(time.perf_counter() - wall)
        self.cpu.append(_cpu_seconds() - cpu)


def _cpu_seconds() -> float:
    here = psutil.Process()
    return sum(sum(one.cpu_times()[:2]) for one in (here, *here.children(recursive=True)))


def ways(folder: Path) -> dict[str, Way]:
    """One captioner, all ways open at once."""
    from cim.captioners.decoding import Decoding
    from cim.captioners.load import load_captioner
    from cim.engines.captioning import Captioning
    from cim.engines.local import Local
    from cim.engines.spec import EngineSpec

    captioner = load_captioner(folder, "cpu", "float32")
    spec = EngineSpec(folder, captioner.fingerprint, PROMPT, Decoding(MOST), device="cpu", precision="float32")

    def opened(changes: dict[str, Any]) -> Way:
        start = time.perf_counter()
        caption = Captioning(Local.around(captioner, replace(spec, **changes)), spec.decoding)
        seconds = time.perf_counter() - start
        return Way(lambda images: _texts(caption, images), seconds)

    return {name: opened(changes) for name, changes in WAYS.items()}


def _texts(engine: Any, images: list[Any]) -> list[str]:
    from cim.engines.spec import captions_of

    return [one.text for one in captions_of(engine, images, [str(n) for n in range(len(images))])]


def table(found: dict[str, Way], images: int) -> str:
    """Markdown: medians over rounds, the fastest and slowest round beside them."""
    lines = [
        "| prepared ahead by | captions/s | slowest to fastest round | CPU s | equal rows | opened in s |",
        "|---|---|---|---|---|---|",
    ]
    first = next(iter(found.values()))
    for name, way in found.items():
        same = sum(one == other for one, other in zip(way.said, first.said, strict=True))
        lines.append(
            f"| {name} | {images / median(way.wall):.0f} | {images / max(way.wall):.0f} to {images / min(way.wall):.0f}"
            f" | {median(way.cpu):.1f} | {same} of {images} | {way.opened:.2f} |"
        )
    return "\n".join(lines)


def measure(folder: Path, images: list[Any], rounds: int) -> str:
    """The table of one collection of pictures."""
    found = ways(folder)
    for way in found.values():
        way.run(images[:64])  # warm
    for _ in range(rounds):
        for way in found.values():
            way.measure(images)
    return table(found, len(images))


def main() -> None:
    """Measure, print, and write where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="data folder of a finished workspace")
    parser.add_argument("--photos", type=Path, help="folder of .jpg files to measure as well")
    parser.add_argument("--images", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--write", type=Path, help="Markdown file with the markers <!-- prefetch -->")
    options = parser.parse_args()
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # spinning threads make a shared machine crawl
    import torch

    from cim.images.decode import decode_rgb

    torch.set_num_threads(1)
    captioner = (options.data / "models/captioner").resolve()
    before, parts = seconds_for_additions(), []
    collections = {"drawn scenes of 64 x 64 pixels": [one.image for one in scenes(0, options.images)]}
    if options.photos:
        paths = sorted(options.photos.rglob("*.jpg"))[: options.images]
        collections["photos (as they are; the processor takes them to 4,096 pixels)"] = [p.read_bytes() for p in paths]
    for name, encoded in collections.items():
        images = [decode_rgb(image) for image in encoded]
        parts.append(f"{len(images)} {name}:\n\n{measure(captioner, images, options.rounds)}")
    after = seconds_for_additions()
    shown = (
        f"Batches of 64, greedy, the tiny captioner, float32, 1 torch thread, {options.rounds} rounds in turns."
        f" Calibration ({ADDITIONS:,} additions in Python, about 0.5 s on a laptop): {before:.2f} s before,"
        f" {after:.2f} s after. {machine('torch', 'transformers')}.\n\n" + "\n\n".join(parts)
    )
    print(shown)
    if options.write:
        replace_between(options.write, "prefetch", shown)


if __name__ == "__main__":
    main()
