"""Warm start of a captioner on a frozen vision tower: on the tower's features, once for all captions of an image."""

import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from datasets import Dataset
from PIL import Image
from torch.nn.functional import cross_entropy
from transformers import Trainer, TrainingArguments
from transformers.modeling_outputs import BaseModelOutputWithPooling

from cim.captioners.inputs import prepare
from cim.captioners.shared_prefix import Packed, pack, packed_hidden
from cim.params import WarmStart
from cim.warm_start.checkpoints import RestoreWeights, last_checkpoint
from cim.warm_start.features import Features
from cim.warm_start.sft import loss_log, trainer_arguments


class Told(NamedTuple):
    """An image as a row to train on. place: among the features. prefix: ids of image and prompt; captions: of each."""

    place: int
    prefix: Sequence[int]
    captions: Sequence[Sequence[int]]

    @property
    def length(self) -> int:
        """Tokens of the row."""
        return len(self.prefix) + sum(map(len, self.captions))


def told_rows(captions: Mapping[str, Sequence[str]], prompts: Sequence[str], processor: Any, seed: int) -> list[Told]:
    """A row for each image with all its captions, in their order; the prompts are taken in turn by chance."""
    rng = random.Random(f"told-rows-{seed}")
    blank = Image.new("RGB", (32, 32))  # all images become as many tokens
    prefixes = [prepare(processor, [blank], [prompt])["input_ids"][0].tolist() for prompt in prompts]

    def ids(text: str) -> Any:
        return processor.tokenizer(text, add_special_tokens=False)["input_ids"]

    return [Told(n, rng.choice(prefixes), [*map(ids, texts)]) for n, texts in enumerate(captions.values())]


def packed_rows(rows: Sequence[Told], end: int) -> Packed:
    """The rows side by side, an end token after each caption."""
    captions = [[[*caption, end] for caption in row.captions] for row in rows]
    return pack([row.prefix for row in rows], captions, fill=end)


def packed_loss(model: Any, packed: Packed, features: torch.Tensor) -> torch.Tensor:
    """Mean cross entropy of all targets, as of separate rows with one caption each.

    model: FastVlmForConditionalGeneration. features: (b, s, c), what its vision tower makes of each row's picture;
    the tower itself is not run.
    """
    projected = BaseModelOutputWithPooling(pooler_output=model.model.multi_modal_projector(features))
    hidden = packed_hidden(model, packed, mm_encoder_outputs={"image": projected})
    return cross_entropy(model.lm_head(hidden).float(), packed.targets)


def start_on_tower(
    model: Any, processor: Any, rows: Sequence[Told], features: Features, params: WarmStart, scratch: Path
) -> list[dict[str, float]]:
    """Fine-tune all of `model` but its vision tower, which is frozen, in place; returns the log, as `warm_start` does.

    params: batch_size counts images. scratch: folder of checkpoints; a killed run goes on from the newest there.
    """
    on_gpu, end = model.device.type == "cuda", processor.tokenizer.eos_token_id

    def collate(items: Sequence[dict[str, int]]) -> dict[str, Any]:
        batch = [rows[item["row"]] for item in items]
        packed = packed_rows(batch, end)
        return {**packed._asdict(), "features": features[[row.place for row in batch]]}

    class TowerTrainer(Trainer):  # type: ignore[misc]
        def compute_loss(self, model: Any, inputs: Any, return_outputs: bool = False, **_: Any) -> Any:
            features = inputs.pop("features")
            loss = packed_loss(model, Packed(**inputs), features)
            return (loss, {}) if return_outputs else loss

    checkpoint = last_checkpoint(scratch)
    trainer = TowerTrainer(
        model=model,
        # Rows of about one length share a step: of steps drawn freely an eighth of the tokens only filled rows up.
        args=TrainingArguments(
            **trainer_arguments(params, len(rows), scratch, on_gpu), train_sampling_strategy="group_by_length"
        ),
        train_dataset=Dataset.from_dict({"row": range(len(rows)), "length": [row.length for row in rows]}),
        data_collator=collate,
        callbacks=[RestoreWeights(checkpoint)],
    )
    trainer.train(resume_from_checkpoint=checkpoint)
    return loss_log(trainer)
