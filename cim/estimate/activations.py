"""Bytes a device of what comes and goes: keys and values, activations, pixels; and of the reward's encoders and index.

The bytes a token and layer are those that autograd saves for Qwen2.5-VL's layers; a test counts them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from cim.estimate.shapes import CaptionerShape, Tower
from cim.estimate.terms import Term, always
from cim.estimate.training import Training


@dataclass(frozen=True)
class Loaded:
    """A model that the reward keeps, of so many parameters in float32."""

    name: str
    parameters: int


@dataclass(frozen=True)
class Vllm:
    """vLLM on the devices that train. size: bytes of one that it takes, None where not known. sleep: not in updates."""

    size: int | None
    share: float
    sleep: bool


def text_layer(tower: Tower, mixed: bool) -> int:
    """Bytes autograd saves a token and layer of the text. mixed: bfloat16 products, float32 residuals and norms."""
    h, kv, i = tower.hidden, tower.kv, tower.intermediate
    return 4 * 4 * h + 2 * (7 * h + 2 * kv + 4 * i) if mixed else 4 * (8 * h + 2 * kv + 4 * i)


def vision_layer(tower: Tower, mixed: bool) -> int:
    """Bytes autograd saves a patch and layer of the vision tower."""
    h, i = tower.hidden, tower.intermediate
    return 4 * 2 * h + 2 * (12 * h + 4 * i) if mixed else 4 * (13 * h + 4 * i)


def pairs(tower: Tower, tokens: int, training: Training) -> int:
    """Bytes a sequence and layer of attention's matrix of all pairs, which eager attention makes and others do not."""
    return tower.heads * tokens**2 * (6 if _mixed(training) else 4) if training.attention == "eager" else 0


def rollout_terms(shape: CaptionerShape, training: Training) -> list[Term]:
    """What generating captions takes: r of them together, p tokens of a prompt, n of a caption."""
    t, text, vision = training, shape.text, shape.vision
    wide = 2 if _mixed(t) else 4
    widest = max(
        t.prompt * (2 * text.hidden * 4 + 3 * text.intermediate * wide) + pairs(text, t.prompt, t),
        t.patches * (2 * vision.hidden * 4 + 3 * vision.intermediate * wide) + pairs(vision, t.patches, t),
    )
    one = (t.prompt + t.new) * text.layers * 2 * text.kv * t.cached
    together = " or ".join(f"{r:,}" for r in dict.fromkeys((t.sampled, t.validated)) if r)
    return [
        _generated(t, "keys and values", one, f"{together} captions x (p + n) x layers x 2 x {text.kv} x {t.cached}"),
        _generated(t, "prompts' activations", widest, f"{together} prompts x one layer's widest point, text or image"),
        _generated(t, "logits", shape.vocabulary * 8, f"{together} captions x vocabulary x 4 x 2"),
    ]


def update_terms(shape: CaptionerShape, training: Training) -> list[Term]:
    """What a forward and backward pass of one micro batch keeps. TRL's fused head makes no logits of a whole batch."""
    t, mixed, text, vision = training, _mixed(training), shape.text, shape.vision
    length = t.prompt + t.new
    tokens, patches = t.micro_batch * length, t.micro_batch * t.patches
    words = text_layer(text, mixed) * tokens + t.micro_batch * pairs(text, length, t)
    image = vision_layer(vision, mixed) * patches + t.micro_batch * pairs(vision, t.patches, t)
    once = max(words, image)  # all of one layer: no more than that without gradients either
    if not t.checkpointing:
        size = text.layers * words + (vision.layers * image if t.vision else 0)
        formula = f"{t.micro_batch} captions x what autograd saves in all layers"
        return [Term("activations", formula, scores=once, update=size)]
    inputs = text.layers * text.hidden * tokens + (vision.layers * vision.hidden * patches if t.vision else 0)
    formula = f"{t.micro_batch} captions x (all layers' inputs + all of one layer), checkpointed"
    return [Term("activations", formula, scores=once, update=t.stored * inputs + once)]


def pixel_terms(shape: CaptionerShape, training: Training) -> list[Term]:
    """Processed images: the trainer keeps those of a rollout, once a caption, until its last update."""
    t, one = training, training.patches * shape.patch_values * 4
    formula = f"{t.rollout:,} captions x patches x {shape.patch_values} x 4"
    seen = f"{t.validated:,} images x patches x {shape.patch_values} x 4"
    return [
        always("pixels of the rollout", t.rollout * one, formula),
        Term("pixels of a validation", seen, validation=t.validated * one),
    ]


def encoder_terms(encoders: Sequence[Loaded]) -> list[Term]:
    """What scores captions, on the device that it is on."""
    return [always(one.name, 4 * one.parameters, "parameters x 4") for one in encoders]


def index_term(size: int | None, where: str) -> Term:
    """The gallery's vectors. size: bytes, None where not known. where: index.device."""
    if size is None:
        return Term("index", "not known: give --gallery-images")
    return always(
        "index", size, f"on the CPU, by index.device {where}" if where == "cpu" else "gallery vectors x d x 4"
    )


def vllm_term(vllm: Vllm) -> Term:
    """What vLLM takes of a device that trains too."""
    if vllm.size is None:
        return Term("vLLM", f"memory_share {vllm.share:g} of the device: give --device-memory")
    awake = 0 if vllm.sleep else vllm.size
    said = ", asleep but for the rollout" if vllm.sleep else ", always"
    return Term("vLLM", f"memory_share {vllm.share:g} of the device{said}", vllm.size, awake, awake, awake)


def _generated(t: Training, name: str, one: int, formula: str) -> Term:
    return Term(name, formula, rollout=t.sampled * one, validation=t.validated * one)


def _mixed(training: Training) -> bool:
    return training.computed == 2
