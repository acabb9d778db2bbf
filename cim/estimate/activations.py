"""Bytes a device of what comes and goes: keys and values, activations, pixels; and of the reward's encoders and index.

The bytes a token and layer are those that autograd saves for Qwen2.5-VL's layers; a test counts them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from cim.estimate.memory import Term, Training
from cim.estimate.shapes import CaptionerShape, Tower


@dataclass(frozen=True)
class Loaded:
    """A model that the reward keeps. copies: the validator opens the image encoder by itself."""

    name: str
    parameters: int
    copies: int = 1


def text_layer(tower: Tower, mixed: bool) -> int:
    """Bytes autograd saves a token and layer of the text. mixed: bfloat16 products, float32 residuals and norms."""
    h, kv, i = tower.hidden, tower.kv, tower.intermediate
    return 4 * 4 * h + 2 * (7 * h + 2 * kv + 4 * i) if mixed else 4 * (8 * h + 2 * kv + 4 * i)


def vision_layer(tower: Tower, mixed: bool) -> int:
    """Bytes autograd saves a patch and layer of the vision tower."""
    h, i = tower.hidden, tower.intermediate
    return 4 * 2 * h + 2 * (12 * h + 4 * i) if mixed else 4 * (13 * h + 4 * i)


def rollout_terms(shape: CaptionerShape, training: Training) -> list[Term]:
    """What generating captions takes: r of them together, p tokens of a prompt, n of a caption."""
    t, text, vision = training, shape.text, shape.vision
    stored = 4 if t.precision == "float32" else 2  # rotary positions bring keys, and so the cache, to the weights' type
    cache = t.rollout_batch * (t.prompt + t.new) * text.layers * 2 * text.kv * stored
    wide = 2 if _mixed(t) else 4
    prefill = t.rollout_batch * max(
        t.prompt * (2 * text.hidden * 4 + 3 * text.intermediate * wide),
        t.patches * (2 * vision.hidden * 4 + 3 * vision.intermediate * wide),
    )
    r = f"{t.rollout_batch:,}"
    return [
        Term("keys and values", cache, 0, f"{r} captions x (p + n) x layers x 2 x {text.kv} x {stored}"),
        Term("prompts' activations", prefill, 0, f"{r} prompts x one layer's widest point, text or image"),
        Term("logits", t.rollout_batch * shape.vocabulary * 8, 0, f"{r} captions x vocabulary x 4 x 2"),
    ]


def update_terms(shape: CaptionerShape, training: Training) -> list[Term]:
    """What a forward and backward pass of one micro batch keeps. TRL's fused head makes no logits of a whole batch."""
    t, mixed = training, _mixed(training)
    tokens = t.micro_batch * (t.prompt + t.new)
    patches = t.micro_batch * t.patches if t.vision else 0
    text, vision = text_layer(shape.text, mixed) * tokens, vision_layer(shape.vision, mixed) * patches
    if not t.checkpointing:
        size = shape.text.layers * text + shape.vision.layers * vision
        return [Term("activations", 0, size, f"{t.micro_batch} captions x what autograd saves in all layers")]
    stored = 4 if t.precision == "float32" else 2
    inputs = stored * (
        shape.text.layers * shape.text.hidden * tokens + shape.vision.layers * shape.vision.hidden * patches
    )
    formula = f"{t.micro_batch} captions x (all layers' inputs + all of one layer), checkpointed"
    return [Term("activations", 0, inputs + max(text, vision), formula)]


def shared_terms(
    shape: CaptionerShape, training: Training, encoders: Sequence[Loaded], index: int | None
) -> list[Term]:
    """What is there in both phases: pixels of the rollout, encoders, vectors. index: bytes, None where not known."""
    pixels = training.rollout * training.patches * shape.patch_values * 4
    terms = [
        Term(
            "pixels of the rollout",
            pixels,
            pixels,
            f"{training.rollout:,} captions x patches x {shape.patch_values} x 4",
        ),
    ]
    for one in encoders:
        size = 4 * one.parameters * one.copies
        terms.append(Term(one.name, size, size, f"parameters x 4{f', {one.copies} copies' if one.copies > 1 else ''}"))
    said = "gallery vectors x d x 4" if index else "on the CPU, by index.device"
    terms.append(
        Term("index", index or 0, index or 0, said if index is not None else "not known: give --gallery-images")
    )
    return terms


def _mixed(training: Training) -> bool:
    return training.autocast or training.precision != "float32"
