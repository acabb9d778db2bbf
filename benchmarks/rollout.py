"""Where a GRPO step spends its time, and what TRL alone makes of the same pictures.

`python -m benchmarks.rollout` on a finished workspace: the base captioner, the index and the reward of `params.yaml`,
3 steps, twice: TRL's GRPOTrainer over rows that decode their picture whenever they are asked for, and CaptionTrainer.
Seconds a step by part; how many pictures were decoded and processed a step. `--micro-batch` 1 shows what the parts are
where a forward pass holds one caption, `--batch` what sampling in pieces costs.
"""

import argparse
import tempfile
from pathlib import Path

import torch
from trl import GRPOTrainer

from benchmarks.common.clock import PARTS, Clock, TimedProcessor, timed_training
from benchmarks.common.timing import machine, seconds_for_additions
from cim.captioners.load import load_captioner
from cim.captioners.special_tokens import suppressed_tokens
from cim.layout import Layout
from cim.params import Params, Rollout, load_params
from cim.rewards.functions import reward_functions
from cim.rewards.retriever import Retriever
from cim.rewards.terms.build import OpenTerms
from cim.rewards.terms.workspace import Workspace
from cim.rewards.trl import TrlReward
from cim.shards.read import ImageLookup, read_manifest
from cim.tuning import pictures
from cim.tuning.config import grpo_config
from cim.tuning.grpo import fix_vision, prompt_rows
from cim.tuning.trainer import CaptionTrainer
from cim.tuning.trunk import keep_outputs
from cim.warm_start import rows as eager


def measure(params: Params, layout: Layout, clock: Clock, *, alone: bool) -> Clock:
    """`clock` after a run of tune.steps steps. alone: by TRL's trainer as it is. Parts beside PARTS: "all"."""
    tune = params.tune
    captioner = load_captioner(layout.model("captioner"), "cpu", "float32")
    if tune.vision == "frozen":
        keep_outputs(captioner, layout.model("captioner"), layout.trunk_outputs)
    captioner.processor.image_processor = TimedProcessor(captioner.processor.image_processor, clock)
    images = ImageLookup(layout.shards("train"))
    ids = sorted(read_manifest(layout.shards("train"))["id"].to_list())
    rows = prompt_rows(ids, params.caption.prompts, images, tune.seed)
    if alone:
        rows = eager.with_images({"id": ids, "prompt": [rows[n]["prompt"] for n in range(len(ids))]}, images)
    retriever = Retriever.open(layout, tune.reward, "cpu", params.index, params.runtime.search_threads)
    terms = OpenTerms.of(tune.reward.terms, Workspace(layout, text_tower=retriever.text_tower))
    total = TrlReward(retriever, suppressed_tokens(captioner.processor, captioner.model), terms)
    with tempfile.TemporaryDirectory() as scratch:
        trainer = (GRPOTrainer if alone else CaptionTrainer)(
            model=captioner.model,
            reward_funcs=reward_functions(total, tune),
            args=grpo_config(captioner, tune, Path(scratch)),
            train_dataset=rows,
            processing_class=captioner.processor,
            **({} if alone else {"rollout": tune.rollout}),
        )
        fix_vision(trainer, tune)
        with timed_training(trainer, clock, pictures, eager):
            trainer.train()
    return clock


def table(params: Params, alone: Clock, ours: Clock) -> str:
    """Markdown: a row a part."""
    steps = params.tune.steps
    lines = [
        "| part of a step | TRL alone, s | here, s | TRL alone, calls or pictures | here |",
        "|---|---|---|---|---|",
    ]
    for part in (*PARTS, "the rest"):
        times = [f"{clock.seconds[part] / steps:.2f}" for clock in (alone, ours)]
        counts = ["", ""] if part == "the rest" else [f"{clock.calls[part] / steps:g}" for clock in (alone, ours)]
        lines.append(f"| {part} | {' | '.join([*times, *counts])} |")
    whole = [f"{sum(clock.seconds.values()) / steps:.2f}" for clock in (alone, ours)]
    return "\n".join([*lines, f"| all | {' | '.join(whole)} | | |"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--params", type=Path, default=Path("params.yaml"))
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--micro-batch", type=int)
    parser.add_argument("--batch", type=int, help="tune.rollout.batch")
    options = parser.parse_args()
    params = load_params(options.params)
    torch.set_num_threads(params.runtime.torch_threads)
    changes = {
        "steps": options.steps, "validate_every": options.steps, "micro_batch": options.micro_batch,
        "rollout": Rollout(batch=options.batch),
    }  # fmt: skip
    params = params.model_copy(update={"tune": params.tune.model_copy(update=changes)})
    alone, ours = (measure(params, Layout(options.data), Clock(), alone=alone) for alone in (True, False))
    print(table(params, alone, ours))
    print(f"\n{seconds_for_additions():.2f} s for 10 million additions; {machine('torch', 'transformers', 'trl')}")


if __name__ == "__main__":
    main()
