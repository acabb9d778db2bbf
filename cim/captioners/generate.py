"""Captions for a list of images: batched, sorted by length, returned in the order given."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from PIL.Image import Image
from transformers import GenerationConfig

from cim.captioners.decoding import Decoding, Generated
from cim.captioners.load import Captioner
from cim.captioners.prompts import conversation, render
from cim.captioners.sampling import SeededSampler
from cim.captioners.suppress import end_tokens, suppressed_tokens


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
    config = _config(captioner, decoding)
    lengths = _lengths(captioner.processor, images, prompts)
    # Longest first: what does not fit in memory fails at once.
    order = sorted(range(len(images)), key=lengths.__getitem__, reverse=True)
    found: dict[int, Generated] = {}
    with _generating(captioner.model), torch.no_grad():
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            turns = [conversation(prompts[row], images[row]) for row in rows]
            ids = _generate_ids(captioner, turns, config, [keys[row] for row in rows], decoding)
            for row, new in zip(rows, ids, strict=True):
                found[row] = _finish(captioner.processor, new, config.eos_token_id)
    return [found[row] for row in range(len(images))]


def _generate_ids(
    captioner: Captioner, turns: list[Any], config: GenerationConfig, keys: list[str], decoding: Decoding
) -> list[list[int]]:
    """New token ids of each of b conversations, padding after the end included."""
    inputs = captioner.processor.apply_chat_template(
        turns,
        add_generation_prompt=True,
        tokenize=True,
        return_dict=True,
        return_tensors="pt",
        processor_kwargs={"padding": True},
    ).to(captioner.model.device, captioner.model.dtype)
    length = inputs["input_ids"].shape[1]
    samplers = []
    if decoding.temperature > 0:
        samplers.append(SeededSampler(keys, decoding.seed, decoding.temperature, length, decoding.max_new_tokens))
    ids = captioner.model.generate(**inputs, generation_config=config, logits_processor=samplers)
    rows: list[list[int]] = ids[:, length:].tolist()
    return rows


def _finish(processor: Any, ids: list[int], ends: list[int]) -> Generated:
    """Cut at the first end token, decode, and say why it ended."""
    end = next((i for i, token in enumerate(ids) if token in ends), None)
    text = processor.tokenizer.decode(ids[:end], skip_special_tokens=True, clean_up_tokenization_spaces=False)
    if end is not None:
        return Generated(text.strip(), "stop", end + 1)
    return Generated(text.rstrip("\ufffd").strip(), "length", len(ids))  # a cut inside a character leaves U+FFFD


def _config(captioner: Captioner, decoding: Decoding) -> GenerationConfig:
    """Plain greedy search: the sampler, where there is one, has already chosen."""
    processor, model = captioner.processor, captioner.model
    return GenerationConfig(
        max_new_tokens=decoding.max_new_tokens,
        do_sample=False,
        use_cache=True,
        eos_token_id=end_tokens(processor, model),
        pad_token_id=processor.tokenizer.pad_token_id,
        suppress_tokens=suppressed_tokens(processor, model) or None,
    )


def _lengths(processor: Any, images: Sequence[Image], prompts: Sequence[str]) -> list[int]:
    """Tokens of each prompt with its image; images count by pixels where the processor cannot say (order only)."""
    texts = {prompt: len(processor.tokenizer(render(processor, prompt))["input_ids"]) for prompt in set(prompts)}
    try:
        counts = processor._get_num_multimodal_tokens([(image.height, image.width) for image in images])
        tokens = list(counts["num_image_tokens"])
    except (AttributeError, NotImplementedError):  # not every processor has it
        tokens = [image.width * image.height for image in images]
    return [texts[prompt] + count for prompt, count in zip(prompts, tokens, strict=True)]


@contextmanager
def _generating(model: Any) -> Iterator[None]:
    """Eval mode and an empty generation config (a model's own penalties or top-k would bend what params say)."""
    owner = model.get_base_model() if hasattr(model, "get_base_model") else model
    modes = [(module, module.training) for module in model.modules()]
    kept = owner.generation_config
    model.eval()
    owner.generation_config = GenerationConfig()
    try:
        yield
    finally:
        owner.generation_config = kept
        for module, training in modes:
            module.training = training
