"""A tuning step whose captions share what is computed of their photo, against one that computes it for each caption.

python -m benchmarks.shared_prefix --params params.yaml --data data [--steps 3] [--rounds 2]

On a finished workspace with a captioner on a frozen tower: its base captioner, index and reward, CPU seconds a step by
part, in turns.
"""

import argparse
import time
from pathlib import Path
from unittest.mock import patch

import torch

from benchmarks.common.clock import PARTS, Clock
from benchmarks.common.timing import machine, seconds_for_additions
from benchmarks.rollout import measure
from cim.layout import Layout
from cim.params import Params, load_params
from cim.tuning import shared_prefix


def turn(params: Params, layout: Layout, clocks: tuple[Clock, Clock]) -> None:
    """Steps of both ways: captions apart, captions that share."""
    with patch.object(shared_prefix, "is_shareable", lambda _: False):
        measure(params, layout, clocks[0], alone=False)
    measure(params, layout, clocks[1], alone=False)


def table(steps: int, apart: Clock, shared: Clock) -> str:
    """Markdown: a row a part, CPU seconds a step."""
    found = [(part, apart.seconds[part] / steps, shared.seconds[part] / steps) for part in (*PARTS, "the rest")]
    found.append(("all", *(sum(clock.seconds.values()) / steps for clock in (apart, shared))))
    rows = [f"| {part} | {one:.2f} | {other:.2f} | {one / other if other else 1:.2f} |" for part, one, other in found]
    return "\n".join(["| part of a step | each caption, s | shared, s | times as fast |", "|---|---|---|---|", *rows])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--params", type=Path, default=Path("params.yaml"))
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    params = load_params(options.params)
    torch.set_num_threads(params.runtime.torch_threads)
    changes = {"steps": options.steps, "validate_every": options.steps}
    params = params.model_copy(update={"tune": params.tune.model_copy(update=changes)})
    clocks = Clock(now=time.process_time), Clock(now=time.process_time)
    for _ in range(options.rounds):
        turn(params, Layout(options.data), clocks)
    print(table(options.steps * options.rounds, *clocks))
    print(f"\n{seconds_for_additions():.2f} s for 10 million additions; {machine('torch', 'transformers', 'trl')}")


if __name__ == "__main__":
    main()
