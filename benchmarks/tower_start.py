"""A step of the warm start of a captioner on a frozen tower, on one thread and on more, in turns in one process.

python -m benchmarks.tower_start --workspace FOLDER [--threads 2] [--rounds 5] [--steps 8]

In the workspace the stages shard and models have run (profiles/photos.yaml). Nothing in it changes: the tower's outputs
are numbers by chance, which cost as much.
"""

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from statistics import median

import torch

from benchmarks.common.timing import machine, seconds, seconds_for_additions, times_as_fast
from cim.captioners.load import load_captioner
from cim.layout import Layout
from cim.params import load_params
from cim.shards.read import read_manifest
from cim.warm_start.tower_start import packed_loss, packed_rows, told_rows


def main() -> None:
    """Print seconds a step and their ratio."""
    options = parsed()
    step = prepared(options.workspace)
    turns = [
        (measured(step, 1, options.steps), measured(step, options.threads, options.steps))
        for _ in range(options.rounds)
    ]
    one, more = (median(found) for found in zip(*turns, strict=True))
    print(
        f"1 thread {one:.3f} s, {options.threads} threads {more:.3f} s a step;"
        f" {times_as_fast(turns)};"
        f" OMP_WAIT_POLICY {os.environ.get('OMP_WAIT_POLICY', 'unset')}."
        f" {seconds_for_additions():.2f} s for 10 million additions; {machine('torch', 'transformers')}"
    )


def measured(step: Callable[[], None], threads: int, steps: int) -> float:
    """Seconds a step, of so many, on so many threads."""
    torch.set_num_threads(threads)
    step()  # threads begin
    return seconds(lambda: [step() for _ in range(steps)]) / steps


def prepared(workspace: Path) -> Callable[[], None]:
    """One optimizer step on the next photos, of about the middle length."""
    layout, params = Layout(workspace / "data"), load_params(workspace / "params.yaml")
    captioner = load_captioner(layout.model("captioner"), "cpu", "float32")
    model, end = captioner.model, captioner.processor.tokenizer.eos_token_id
    model.model.vision_tower.requires_grad_(requires_grad=False)
    learnt = read_manifest(layout.shards("train"))
    captions = dict(zip(learnt["id"].to_list(), map(list, learnt["captions"].to_list()), strict=True))
    rows = sorted(told_rows(captions, params.caption.prompts, captioner.processor, 0), key=lambda row: row.length)
    size = params.models.warm_start.batch_size
    features = torch.randn(size, model.config.image_seq_length, model.config.vision_config.hidden_size)
    learnable = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(learnable, lr=1e-5, fused=True)
    place = len(rows) // 2

    def step() -> None:
        nonlocal place
        place = len(rows) // 2 if place + 2 * size > len(rows) else place + size
        packed_loss(model, packed_rows(rows[place : place + size], end), features).backward()
        torch.nn.utils.clip_grad_norm_(learnable, 1.0)
        optimizer.step()
        optimizer.zero_grad()

    return step


def parsed() -> argparse.Namespace:
    """The options of the command."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks.tower_start", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workspace", type=Path, required=True, help="folder with params.yaml and data/")
    parser.add_argument("--threads", type=int, default=2, help="beside one; default: %(default)s")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each; default: %(default)s")
    parser.add_argument("--steps", type=int, default=8, help="in a turn; default: %(default)s")
    return parser.parse_args()


if __name__ == "__main__":
    main()
