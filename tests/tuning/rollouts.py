"""A trainer on a tiny captioner whose rollouts are taken apart: what is decoded, processed and generated."""

from pathlib import Path
from typing import Any

import torch
from tiny_run import TUNE, Length

from cim.captioners.load import load_captioner
from cim.params import Rollout, Tune
from cim.shards.read import ImageLookup
from cim.tuning.config import grpo_config
from cim.tuning.grpo import prompt_rows
from cim.tuning.trainer import CaptionTrainer


class CountedLookup:
    """An ImageLookup that notes what it was asked for."""

    def __init__(self, inner: ImageLookup) -> None:
        self.inner = inner
        self.asked: list[str] = []

    def __getitem__(self, sample_id: str) -> bytes:
        self.asked.append(sample_id)
        return self.inner[sample_id]


class CountedProcessor:
    """An image processor that notes how many pictures each call held."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.calls: list[int] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def __call__(self, images: Any, *args: Any, **kwargs: Any) -> Any:
        self.calls.append(len(images))
        return self.inner(images, *args, **kwargs)


def params(**changes: Any) -> Tune:
    """Two steps of two images with four captions each, and `changes`."""
    return TUNE.model_copy(update={"generations": 4, **changes})


def trainer(base: Path, rows: Any, tune: Tune, scratch: Path, processor: Any = None) -> Any:
    """A CaptionTrainer on `rows`, greedy: temperature has no say. processor: takes the place of the image processor."""
    captioner = load_captioner(base, "cpu", "float32")
    if processor is not None:
        captioner.processor.image_processor = processor(captioner.processor.image_processor)
    args = grpo_config(captioner, tune, scratch)
    args.generation_kwargs["do_sample"] = False
    return CaptionTrainer(
        model=captioner.model,
        reward_funcs=Length(""),
        args=args,
        train_dataset=rows,
        processing_class=captioner.processor,
        rollout=tune.rollout,
    )


def greedy_rollout(
    base: Path, ids: list[str], images: ImageLookup, batch: int | None, scratch: Path
) -> tuple[list[list[int]], list[int]]:
    """Completions of four captions of each image by one rollout, and the captions that each generate call held."""
    rows = prompt_rows(ids, ["Say.", "What is to be seen here?"], images, seed=0)
    one = trainer(base, rows, params(prompts_per_step=4, rollout=Rollout(batch=batch)), scratch)
    chance = torch.Generator().manual_seed(0)
    for weight in one.model.parameters():  # with those of an untrained model, all pictures look alike
        torch.nn.init.normal_(weight, std=0.3, generator=chance)
    held: list[int] = []
    generate = one.model.generate

    def counted(**inputs: Any) -> Any:
        held.append(len(inputs["input_ids"]))
        return generate(**inputs)

    one.model.generate = counted
    found = one._generate_and_score_completions([rows[n] for n in range(4) for _ in range(4)])
    tokens = zip(found["completion_ids"].tolist(), found["completion_mask"].tolist(), strict=True)
    return [[token for token, counts in zip(ids, mask, strict=True) if counts] for ids, mask in tokens], held
