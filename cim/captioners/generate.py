"""Captions for a list of images: batched, sorted by length, returned in the order given."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import torch
from PIL.Image import Image
from transformers import GenerationConfig

from cim.captioners.decoding import Decoding, Generated
from cim.captioners.inputs import batches, prepare, render_blind
from cim.captioners.load import Captioner
from cim.captioners.logits_processors import Guidance, SeededSampler
from cim.captioners.special_tokens import end_tokens, suppressed_tokens


@dataclass(frozen=True)
class Batch:
    """b prompts with their images, ready for the model. inputs: tensors, see `prepare`. keys: seed sampling."""

    inputs: Any
    prompts: Sequence[str]
    keys: Sequence[str]


@dataclass(frozen=True)
class Ready:
    """A captioner, to be used inside `generating`. ends: ids that end a caption. never: ids it must not hold."""

    model: Any
    processor: Any
    ends: list[int]
    never: list[int]


def generate(
    captioner: Captioner,
    images: Sequence[Image],
    prompts: Sequence[str],
    decoding: Decoding,
    keys: Sequence[str] | None = None,
    batch_size: int = 64,
) -> list[Generated]:
    """A caption for each of n images, each asked with its own prompt.

    images: n RGB images. prompts: n texts. keys: n names (sample ids) that seed sampling; default: positions.
    Greedy and sampled text do not depend on order or batch, up to rounding: padding changes logits in the last
    bits (about 1e-6 in float32, 1e-2 in bfloat16), which can turn a near tie between two tokens.
    The model's training modes, generation config and all random generators are left as they were.
    Raises ValueError when the lists differ in length.
    """
    keys = [str(i) for i in range(len(images))] if keys is None else keys
    if not len(images) == len(prompts) == len(keys):
        raise ValueError(f"{len(images)} images, {len(prompts)} prompts and {len(keys)} keys; one of each is needed")
    if not images:
        return []
    found: dict[int, Generated] = {}
    ready = made_ready(captioner)
    with generating(ready):
        for rows in batches(captioner.processor, [image.size for image in images], prompts, batch_size):
            asked = [prompts[row] for row in rows]
            inputs = prepare(captioner.processor, [images[row] for row in rows], asked)
            batch = Batch(inputs, asked, [keys[row] for row in rows])
            found.update(zip(rows, decode(ready, batch, decoding), strict=True))
    return [found[row] for row in range(len(images))]


def decode(
    ready: Ready, batch: Batch, decoding: Decoding, cache: Literal["dynamic", "static"] = "dynamic"
) -> list[Generated]:
    """One caption for each of b rows.

    cache: static takes memory for all tokens at once, as torch.compile wants it on a GPU.
    """
    model, processor = ready.model, ready.processor
    inputs = batch.inputs.to(model.device, model.dtype)
    length = inputs["input_ids"].shape[1]
    steps: list[Any] = []
    if decoding.guidance > 1:
        texts = [render_blind(processor, prompt) for prompt in batch.prompts]
        blind = processor.tokenizer(texts, padding=True, return_tensors="pt").to(model.device)
        steps.append(Guidance(model, blind, decoding.guidance))
    if decoding.temperature > 0:
        steps.append(SeededSampler(batch.keys, decoding.seed, decoding.temperature, length, decoding.max_new_tokens))
    config = _config(ready, decoding, cache)
    ids = model.generate(**inputs, generation_config=config, logits_processor=steps)
    given = inputs["attention_mask"].sum(dim=1).tolist()
    return [
        _finish(processor, new, ready.ends, tokens_in)
        for new, tokens_in in zip(ids[:, length:].tolist(), given, strict=True)
    ]


def _finish(processor: Any, ids: list[int], ends: list[int], tokens_in: int) -> Generated:
    """Cut at the first end token, decode, and say why it ended."""
    end = next((i for i, token in enumerate(ids) if token in ends), None)
    text = processor.tokenizer.decode(ids[:end], skip_special_tokens=True, clean_up_tokenization_spaces=False)
    if end is not None:
        return Generated(text.strip(), "stop", end + 1, tokens_in)
    # A cut inside a character leaves U+FFFD.
    return Generated(text.rstrip("\ufffd").strip(), "length", len(ids), tokens_in)


def _config(ready: Ready, decoding: Decoding, cache: str) -> GenerationConfig:
    """Greedy or beam search; where there is a sampler, it has already chosen."""
    return GenerationConfig(
        max_new_tokens=decoding.max_new_tokens,
        do_sample=False,
        num_beams=decoding.beams,
        use_cache=True,
        cache_implementation="static" if cache == "static" else None,
        eos_token_id=ready.ends,
        pad_token_id=ready.processor.tokenizer.pad_token_id,
        suppress_tokens=ready.never or None,
    )


def made_ready(captioner: Captioner) -> Ready:
    """What `decode` needs to know of a captioner; takes a look at the whole vocabulary."""
    model, processor = captioner.model, captioner.processor
    ends = end_tokens(processor, model.generation_config.eos_token_id)
    return Ready(model, processor, ends, suppressed_tokens(processor, model))


@contextmanager
def generating(ready: Ready) -> Iterator[None]:
    """No gradients, eval mode, an empty generation config (a model's own penalties would bend what params say)."""
    model = ready.model
    owner = model.get_base_model() if hasattr(model, "get_base_model") else model
    modes = [(module, module.training) for module in model.modules()]
    kept = owner.generation_config
    model.eval()
    owner.generation_config = GenerationConfig()
    try:
        with torch.no_grad():
            yield
    finally:
        owner.generation_config = kept
        for module, training in modes:
            module.training = training
