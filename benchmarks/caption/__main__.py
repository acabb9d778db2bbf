"""Captions a second: the engine against a plain loop of `generate`, one image at a time.

python -m benchmarks.caption [--data data] [--images 512] [--rounds 3] [--write docs/benchmarks.md]

Both are given the same decoded pictures and decode greedily. The loop is what the model's card tells to write. All rows
are run in turns, so that they see the machine in the same states. Then the whole stage: see benchmarks.caption.stage.
"""

import argparse
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.caption.scenes import MOST, PROMPT, make_captioner, scenes
from benchmarks.caption.stage import Clock, Workspace, table
from benchmarks.common.document import replace_between
from benchmarks.common.timing import ADDITIONS, machine, seconds_for_additions

SIZES = (1, 8, 32, 64, 128)


@dataclass
class Row:
    """One way to caption, and what it took: wall and CPU seconds a round; the captions of the last one."""

    name: str
    run: Callable[[list[Any]], list[str]]
    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def measure(self, images: list[Any]) -> None:
        wall, cpu = time.perf_counter(), time.process_time()
        self.said = self.run(images)
        self.wall.append(time.perf_counter() - wall)
        self.cpu.append(time.process_time() - cpu)


def plain(captioner: Any, images: list[Any]) -> list[str]:
    """A caption for each image, one after the other, as a model's card shows it."""
    import torch

    texts = []
    for image in images:
        turn = [{"role": "user", "content": [{"type": "image", "image": image}, {"type": "text", "text": PROMPT}]}]
        inputs = captioner.processor.apply_chat_template(
            [turn], add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt"
        )
        with torch.no_grad():
            ids = captioner.model.generate(**inputs, max_new_tokens=MOST, do_sample=False)
        new = ids[:, inputs["input_ids"].shape[1] :]
        texts += captioner.processor.batch_decode(new, skip_special_tokens=True)
    return [text.strip() for text in texts]


def rows_for(folder: Path) -> list[Row]:
    """The loop first, then the engine by batch size, then by threads that prepare ahead."""
    from cim.captioners.decoding import Decoding
    from cim.captioners.load import load_captioner
    from cim.engines.captioning import Captioning
    from cim.engines.local import Local
    from cim.engines.spec import EngineSpec, captions_of

    captioner = load_captioner(folder, "cpu", "float32")
    spec = EngineSpec(folder, captioner.fingerprint, PROMPT, Decoding(MOST), device="cpu", precision="float32")

    def engine(**changes: Any) -> Callable[[list[Any]], list[str]]:
        caption = Captioning(Local(captioner, replace(spec, **changes)), spec.decoding)
        return lambda images: [one.text for one in captions_of(caption, images, [str(n) for n in range(len(images))])]

    return [
        Row("plain loop", lambda images: plain(captioner, images)),
        *(Row(f"engine, batches of {size}", engine(batch_size=size)) for size in SIZES),
        Row("engine, batches of 64, nothing prepared ahead", engine(prefetch=0)),
        Row("engine, batches of 64, 2 threads ahead", engine(prefetch=2)),
    ]


def rows_table(rows: list[Row], images: int) -> str:
    """Markdown; rates are medians over rounds, equal rows those of the last round."""
    loop = rows[0]
    head = "| | captions/s | times the loop | CPU s | CPU of the loop's | equal rows |\n|---|---|---|---|---|---|"
    lines = []
    for row in rows:
        same = sum(one == other for one, other in zip(row.said, loop.said, strict=True))
        faster = median(slow / fast for slow, fast in zip(loop.wall, row.wall, strict=True))
        lines.append(
            f"| {row.name} | {images / median(row.wall):.0f} | {faster:.1f} | {median(row.cpu):.1f} "
            f"| {median(row.cpu) / median(loop.cpu):.0%} | {same} of {images} ({same / images:.1%}) |"
        )
    return "\n".join([head, *lines])


def unequal(rows: list[Row]) -> str:
    """The first pair of captions that differ, if any."""
    for row in rows[1:]:
        for one, other in zip(rows[0].said, row.said, strict=True):
            if one != other:
                return f'\nFirst difference ({row.name}): "{one}" by the loop, "{other}" by the engine.\n'
    return ""


def measure(folder: Path, captioner: Path, options: argparse.Namespace) -> str:
    """Everything, as Markdown."""
    from cim.images.decode import decode_rgb

    calibration = [seconds_for_additions()]
    samples = scenes(0, options.images)
    images = [decode_rgb(sample.image) for sample in samples]
    rows = rows_for(captioner)
    for row in rows:
        row.run(images[:4])  # warm
    for _ in range(options.rounds):
        for row in rows:
            row.measure(images)
    Workspace(folder / "warm", captioner, 1, 20).run()  # first imports, first server
    once = Workspace(folder / "once", captioner, 1, options.shard_images)
    twice = Workspace(folder / "twice", captioner, 2, options.shard_images)
    clocks: list[tuple[Clock, Clock]] = []
    for _ in range(options.flow_rounds):
        clocks.append((once.run(), twice.run()))
    calibration.append(seconds_for_additions())
    import torch

    which = "of the workspace" if options.data else "made for this"
    return (
        f"{len(images)} drawn scenes of 64 x 64 pixels, the tiny captioner {which}, float32,"
        f" {torch.get_num_threads()} torch thread(s), {options.rounds} rounds in turns. Calibration ({ADDITIONS:,}"
        f" additions in Python, about 0.5 s on a laptop): {calibration[0]:.2f} s before, {calibration[1]:.2f} s after."
        f" {machine('torch', 'transformers', 'prefect')}.\n\n{rows_table(rows, len(images))}\n{unequal(rows)}\n"
        f"The whole stage, {options.shard_images:,} images a shard:\n\n"
        + table([one for one, _ in clocks], [two for _, two in clocks], (once.images, twice.images))
    )


def main() -> None:
    """Measure, print, and write where asked."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks.caption", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="data folder of a finished workspace (default: a captioner is made)")
    parser.add_argument("--images", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--shard-images", type=int, default=1000)
    parser.add_argument("--flow-rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1, help="of torch")
    parser.add_argument(
        "--write", type=Path, help="Markdown file with the markers <!-- caption --> and <!-- end caption -->"
    )
    options = parser.parse_args()
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # spinning threads make a shared machine crawl
    import torch

    torch.set_num_threads(options.threads)
    folder = Path(tempfile.mkdtemp(prefix="cim-benchmark-"))
    try:
        captioner = options.data and (options.data / "models/captioner").resolve()
        if captioner is None:
            captioner = folder / "captioner"
            make_captioner(captioner, PROMPT)
        shown = measure(folder, captioner, options)
    finally:
        shutil.rmtree(folder)
    print(shown)
    if options.write:
        replace_between(options.write, "caption", shown)


if __name__ == "__main__":
    main()
