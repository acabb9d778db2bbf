"""Bytes a device of what stays: weights, gradients, optimizer, reference. Sums of plain values, each with its formula.

N is the number of processes, P the captioner's parameters, T those that are trained.
"""

from dataclasses import dataclass
from typing import Literal

from cim.estimate.shapes import CaptionerShape

Strategy = Literal["ddp", "fsdp", "zero2", "zero3"]
Precision = Literal["float32", "bfloat16", "8bit", "4bit"]

QUANTIZED = {"8bit": 1.0, "4bit": 0.5 + 4 / 64}
"""Bytes a weight inside layers; 4bit: NF4 with one float32 scale for 64 weights (QLoRA, arXiv 2305.14314)."""


@dataclass(frozen=True)
class Training:
    """What decides the bytes of one device.

    precision: of the base weights. autocast: products in bfloat16 whatever the weights are. lora: rank, None for full
    fine-tuning. vision: whether the vision tower is trained. reference: whether there is a KL term. checkpointing:
    activations are computed again in the backward pass. micro_batch: captions a forward pass holds. rollout_batch:
    captions generated together. rollout: captions of a whole rollout, of this device. prompt, new: tokens of a prompt,
    its image's included, and of a caption. patches: of an image.
    """

    precision: Precision
    autocast: bool
    lora: int | None
    reference: bool
    checkpointing: bool
    micro_batch: int
    rollout_batch: int
    rollout: int
    prompt: int
    new: int
    patches: int
    vision: bool = True
    optimizer: Literal["adamw", "adamw_8bit"] = "adamw"
    processes: int = 1
    strategy: Strategy = "ddp"

    def share(self, *strategies: Strategy) -> int:
        """Devices over which something is spread that only these strategies spread."""
        return self.processes if self.strategy in strategies else 1


@dataclass(frozen=True)
class Term:
    """One line of the sum. rollout, update: bytes while captions are generated, and while weights are updated."""

    name: str
    rollout: int
    update: int
    formula: str


def weight_bytes(shape: CaptionerShape, precision: Precision) -> int:
    """Bytes of all weights of a captioner; quantizing leaves what is in no layer (embeddings, head) at 2 bytes."""
    if precision in QUANTIZED:
        inside = shape.parameters - shape.outside
        return int(inside * QUANTIZED[precision]) + 2 * shape.outside
    return shape.parameters * (4 if precision == "float32" else 2)


def trained_parameters(shape: CaptionerShape, training: Training) -> int:
    """Numbers that the optimizer changes: all, or the adapters' rank x (inputs + outputs) of every linear layer."""
    if training.lora is not None:
        return training.lora * (shape.lora - (0 if training.vision else shape.vision_lora))
    return shape.parameters - (0 if training.vision else shape.vision_parameters)


def trained_bytes(training: Training) -> int:
    """Bytes of a trained number and of its gradient: adapters on quantized weights are float32."""
    return 2 if training.precision == "bfloat16" else 4


def held(shape: CaptionerShape, training: Training) -> list[Term]:
    """Weights, gradients, optimizer and reference of one device."""
    t = training
    base, count, width = weight_bytes(shape, t.precision), trained_parameters(shape, t), trained_bytes(t)
    spread = t.share("fsdp", "zero3")
    by = f" / {t.processes}" if t.processes > 1 else ""
    over = by if spread > 1 else ""
    terms = [_both("weights", base // spread, f"P x {base / shape.parameters:.3g}{over}")]
    if t.lora is not None:
        terms.append(_both("adapters", count * width // spread, f"T x {width}, rank {t.lora}"))
    if t.reference and t.lora is None:
        formula = f"P x {base / shape.parameters:.3g}{over}, a copy of the base model"
        terms.append(_both("reference model", base // spread, formula))
    sliced = t.share("fsdp", "zero2", "zero3")
    cut = by if sliced > 1 else ""
    terms.append(Term("gradients", 0, count * width // sliced, f"T x {width}{cut}"))
    if t.processes > 1 and t.strategy == "ddp":
        terms.append(Term("gradients, DDP's buckets", 0, count * width, f"T x {width}, a second copy"))
    masters = t.lora is None and width == 2 and t.strategy in ("zero2", "zero3")
    if masters:
        terms.append(_both("float32 master weights", 4 * count // sliced, f"T x 4{cut}"))
    state = 2 if t.optimizer == "adamw_8bit" else 8 if masters else 2 * width
    terms.append(_both("optimizer (AdamW)", count * state // sliced, f"T x {state}{cut}, two moments"))
    terms += _copies(shape, t, base)
    return terms


def _both(name: str, size: int, formula: str) -> Term:
    return Term(name, size, size, formula)


def _copies(shape: CaptionerShape, training: Training, base: int) -> list[Term]:
    """Weights once more: gathered from other devices, or in the numbers that products are computed in."""
    t, wide = training, not training.autocast and training.precision == "float32"
    layer = 2 * shape.layer * (4 if wide else 2)
    if t.processes > 1 and t.strategy == "zero3":  # TRL: ds3_gather_for_generation
        return [Term("weights, gathered", base, layer, "rollout: all of them; update: two layers")]
    if t.processes > 1 and t.strategy == "fsdp":
        outside = shape.outside * (4 if t.precision == "float32" else 2)
        return [_both("weights, gathered", outside + layer, "two layers, and what is in no layer")]
    if not t.autocast or t.precision != "float32":
        return []
    if t.lora is None:  # autocast keeps the copies of leaves that need gradients until it ends
        return [_both("weights, autocast's copies", 2 * shape.parameters, "P x 2")]
    if t.checkpointing:
        return [_both("weights, autocast's copies", layer, "two layers")]
    return [Term("weights, autocast's copies", layer, 2 * shape.parameters, "rollout: two layers; update: P x 2")]
