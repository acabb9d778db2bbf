"""TRL's rollouts by a vLLM in the trainer: what it samples are the trainer's captions, also when the weights change.

Two things of a CPU are put right here, and only here (docs/rollout.md): vLLM packs linear layers for its kernels once
they are loaded, after which no weights can be put in ('Parameter' object has no attribute 'weight_loader'); and it
takes bfloat16 for a model of float32, as TRL leaves that to it.
"""

import io
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
import trl.generation.vllm_generation as through
import vllm._custom_ops as operators
from PIL import Image
from tiny_run import TUNE, Length
from tiny_scene import scene

from cim.captioners.decoding import Decoding
from cim.captioners.generate import generate
from cim.captioners.load import load_captioner
from cim.params import Rollout
from cim.shards.read import ImageLookup
from cim.tuning.config import grpo_config
from cim.tuning.grpo import prompt_rows
from cim.tuning.trainer import CaptionTrainer

__all__ = ["scene"]


def test_weights_follow_the_trainers(
    scene: tuple[Path, list[str], ImageLookup], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operators, "_supports_onednn", False)
    monkeypatch.setattr(through, "LLM", partial(through.LLM, dtype="float32"))
    for name in ("RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"):  # TRL leaves them set
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    folder, ids, lookup = scene
    captioner = load_captioner(folder, "cpu", "float32")
    asked = Rollout(engine="vllm", memory_share=0.05, max_model_length=128)
    tune = TUNE.model_copy(update={"rollout": asked, "max_new_tokens": 12, "prompts_per_step": 4})
    args = grpo_config(captioner, tune, tmp_path / "out")
    args.generation_kwargs["temperature"] = 0.0  # greedy
    rows = prompt_rows(ids, ["Say."], lookup, seed=0)
    trainer: Any = CaptionTrainer(
        model=captioner.model, reward_funcs=Length(""), args=args, train_dataset=rows,
        processing_class=captioner.processor, rollout=asked,
    )  # fmt: skip
    said = []
    for turn in range(2):
        chance = torch.Generator().manual_seed(turn)
        for weight in trainer.model.parameters():  # of another training step, so that TRL hands them over
            torch.nn.init.normal_(weight, std=0.3, generator=chance)
        trainer.state.global_step = turn
        found = trainer._generate_and_score_completions([rows[at] for at in range(4) for _ in range(2)])
        tokens = zip(found["completion_ids"].tolist(), found["completion_mask"].tolist(), strict=True)
        texts = [[one for one, counts in zip(row, mask, strict=True) if counts] for row, mask in tokens]
        said.append(captioner.processor.tokenizer.batch_decode(texts, skip_special_tokens=True))
        images = [Image.open(io.BytesIO(lookup[one])).convert("RGB") for one in ids]
        theirs = generate(captioner, images, ["Say."] * 4, Decoding(12))
        assert [text.rstrip("\ufffd").strip() for text in said[-1][::2]] == [one.text for one in theirs], turn
        assert said[-1][::2] == said[-1][1::2]
    assert not set(said[0]) & set(said[1])
