"""A step of the warm start with the loss of the captions alone, against TRL's own: seconds a step, and their ratio.

python -m benchmarks.pipeline.warm_start --data data [--steps 40] [--rounds 5]

Both train copies of one captioner on the same rows, in turns.
"""

import argparse
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.common.timing import machine, seconds


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="data folder of a finished workspace")
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    import torch

    torch.set_num_threads(1)
    ours, theirs = [], []
    for _ in range(options.rounds):
        ours.append(_seconds_a_step(options.data, options.steps, ours=True))
        theirs.append(_seconds_a_step(options.data, options.steps, ours=False))
    ratio = median(other / one for one, other in zip(ours, theirs, strict=True))
    print(f"captions alone {median(ours):.3f} s a step, TRL's {median(theirs):.3f} s: {ratio:.2f} times as fast")
    print(f"in turns: {[f'{one:.3f} {other:.3f}' for one, other in zip(ours, theirs, strict=True)]}. {machine('trl')}")


def _seconds_a_step(data: Path, steps: int, *, ours: bool) -> float:
    from cim.captioners.load import load_captioner
    from cim.params import WarmStart
    from cim.shards.read import ImageLookup, read_manifest
    from cim.warm_start import sft as module
    from cim.warm_start.rows import caption_rows

    table = read_manifest(data / "shards/train")
    ids, captions = table["id"].to_list(), table["captions"].to_list()
    captioner = load_captioner(data / "models/captioner", "cpu", "float32")
    rows = caption_rows(ids, captions, ["Describe this image."], ImageLookup(data / "shards/train"), 0, {})
    params = WarmStart(epochs=32 * steps / len(rows), learning_rate=0.001)
    kept: Any = module.with_caption_loss
    module.with_caption_loss = kept if ours else lambda trainer: trainer
    try:
        with tempfile.TemporaryDirectory() as scratch:
            run = seconds(lambda: module.warm_start(captioner.model, captioner.processor, rows, params, Path(scratch)))
    finally:
        module.with_caption_loss = kept
    return run / steps


if __name__ == "__main__":
    main()
