"""TRL's rollouts by a vLLM in the trainer: what it samples are the trainer's captions, also when the weights change.

Four things are put right for that here, and only here (docs/rollout.md): vLLM packs linear layers for a CPU's kernels
once they are loaded, after which no weights can be put in ('Parameter' object has no attribute 'weight_loader'); it
takes bfloat16 for a model of float32, as TRL leaves that to it; TRL hands it prompts in which the image's
placeholder is repeated already, which vLLM repeats once more; and vLLM keeps what the vision tower made of an image.
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


def single(tokens: list[int], image: int) -> list[int]:
    """With every run of the image's placeholder as one."""
    return [one for one, before in zip(tokens, [None, *tokens], strict=False) if one != image or before != image]


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
    engine, image = trainer.vllm_generation.llm, captioner.processor.image_token_id
    sample = engine.generate

    def sampled(prompts: list[dict[str, Any]], **options: Any) -> Any:
        once = [{**one, "prompt_token_ids": single(one["prompt_token_ids"], image)} for one in prompts]
        answers = sample(once, **options)
        for one, answer in zip(prompts, answers, strict=True):
            assert answer.prompt_token_ids == one["prompt_token_ids"]  # as the trainer has it
        (twice,) = sample(prompts[:1], **options)
        assert twice.prompt_token_ids.count(image) == 7  # 4, the first of which became 4
        return answers

    monkeypatch.setattr(engine, "generate", sampled)
    said = []
    for turn in range(2):
        chance = torch.Generator().manual_seed(turn)
        for weight in trainer.model.parameters():  # of another training step, so that TRL hands them over
            torch.nn.init.normal_(weight, std=0.3, generator=chance)
        trainer.state.global_step = turn
        engine.llm_engine.reset_encoder_cache()  # else pictures seen before keep what the old vision tower made of them
        found = trainer._generate_and_score_completions([rows[at] for at in range(4) for _ in range(2)])
        tokens = zip(found["completion_ids"].tolist(), found["completion_mask"].tolist(), strict=True)
        texts = [[one for one, counts in zip(row, mask, strict=True) if counts] for row, mask in tokens]
        said.append(captioner.processor.tokenizer.batch_decode(texts, skip_special_tokens=True))
        images = [Image.open(io.BytesIO(lookup[one])).convert("RGB") for one in ids]
        theirs = generate(captioner, images, ["Say."] * 4, Decoding(12))
        assert [text.rstrip("\ufffd").strip() for text in said[-1][::2]] == [one.text for one in theirs], turn
        assert said[-1][::2] == said[-1][1::2]
    assert not set(said[0]) & set(said[1])
