"""Bytes a device of what stays: weights, gradients, optimizer, reference. Sums of plain values, each with its formula.

N is the number of processes, P the captioner's parameters, T those that are trained.
"""

from cim.estimate.shapes import CaptionerShape
from cim.estimate.terms import Term, always
from cim.estimate.training import Training

QUANTIZED = {"8bit": 1.0, "4bit": 0.5 + 1 / 64 + 4 / (64 * 256)}
"""Bytes a weight inside layers. 4bit: NF4, for 64 weights a scale of one byte, and for 256 of those one of four: double
quantization (QLoRA, arXiv 2305.14314, section 3)."""

BUCKET = LIVE = 5 * 10**8
"""DeepSpeed's reduce_bucket_size, numbers; half of its stage3_max_live_parameters."""


def weight_bytes(shape: CaptionerShape, training: Training) -> int:
    """Bytes of all weights of a captioner; quantizing leaves what is in no layer (embeddings, head) at 2 bytes."""
    if training.quantized:
        inside = shape.parameters - shape.outside
        return int(inside * QUANTIZED[training.precision]) + 2 * shape.outside
    return shape.parameters * training.stored


def trained_parameters(shape: CaptionerShape, training: Training) -> int:
    """Numbers that the optimizer changes: all, or the adapters' rank x (inputs + outputs) of every linear layer."""
    if training.lora is not None:
        return training.lora * (shape.lora - (0 if training.vision else shape.vision_lora))
    return shape.parameters - (0 if training.vision else shape.vision_parameters)


def held(shape: CaptionerShape, training: Training) -> list[Term]:
    """Weights, gradients, optimizer and reference of one device."""
    t = training
    base, count, width = weight_bytes(shape, t), trained_parameters(shape, t), t.trained
    spread, over = _share(t, "fsdp", "zero3")
    sliced, cut = _share(t, "fsdp", "zero2", "zero3")
    said = f"P x {base / shape.parameters:.3g}{over}"
    terms = [always("weights", base // spread, said)]
    if t.lora is not None:
        terms.append(always("adapters", count * width // spread, f"T x {width}{over}, rank {t.lora}"))
    elif t.reference:
        terms.append(always("reference model", base // spread, f"{said}, a copy of the base model"))
    terms.append(Term("gradients", f"T x {width}{cut}", update=count * width // sliced))
    terms += _being_reduced(t, count)
    if t.over("zero2", "zero3") > 1:
        terms.append(always("float32 master weights", 4 * count // sliced, f"T x 4{cut}"))
    return [*terms, _optimizer(shape, t, count), *_copies(shape, t, count)]


def _share(training: Training, *strategies: object) -> tuple[int, str]:
    """Over how many devices these strategies spread something, and how a formula says it."""
    if training.strategy not in strategies or training.processes == 1:
        return 1, ""
    return training.processes, f" / {training.processes}"


def _optimizer(shape: CaptionerShape, t: Training, count: int) -> Term:
    """AdamW's two moments, in the type of what it changes; DeepSpeed's changes float32 master weights."""
    sliced, cut = _share(t, "fsdp", "zero2", "zero3")
    wide = 8 if t.over("zero2", "zero3") > 1 else 2 * t.trained
    if "8bit" not in t.optimizer:
        return always("optimizer (AdamW)", count * wide // sliced, f"T x {wide}{cut}, two moments")
    embedding = shape.vocabulary * shape.text.hidden if t.lora is None else 0
    size = (2 * (count - embedding) + 8 * embedding) // sliced
    said = f"T x 2{cut}, two moments" + ("; embeddings x 8, as transformers has it" if embedding else "")
    if t.optimizer.startswith("paged"):
        return Term("optimizer (AdamW)", f"{said}: in host memory where the device is full")
    return always("optimizer (AdamW)", size, said)


def _being_reduced(t: Training, count: int) -> list[Term]:
    """Gradients of this device alone, until those of all are summed."""
    if t.processes == 1:
        return []
    if t.strategy == "ddp":
        return [Term("gradients, DDP's buckets", f"T x {t.trained}, a second copy", update=count * t.trained)]
    if t.strategy == "fsdp":  # transformers has FSDP sum them once an update; until then none is cut
        size = count * t.computed if t.passes > 1 else 0
        return [Term("gradients, not yet summed", f"T x {t.computed}, if an update has several passes", update=size)]
    buckets = 2 if t.strategy == "zero3" else 1  # overlap_comm
    return [
        Term(
            "gradients, DeepSpeed's",
            f"buckets of {BUCKET:,}, and T x 4 / {t.processes} for the step",
            update=buckets * min(BUCKET, count) * t.trained + 4 * count // t.processes,
        )
    ]


def _copies(shape: CaptionerShape, t: Training, count: int) -> list[Term]:
    """Weights once more: gathered from other devices, or in the type that products are computed in."""
    two = 2 * shape.layer * t.computed
    if t.over("zero3") > 1:
        live = min(2 * LIVE, shape.parameters) * t.computed
        whole = shape.parameters * t.computed if t.sampled else live
        formula = "rollout, validation: all of them; else a billion at most"
        return [Term("weights, gathered", formula, whole, live, live, shape.parameters * t.computed)]
    if t.over("fsdp") > 1:
        gathered = [
            always("weights, gathered", shape.outside * t.computed + two, "two layers, and what is in no layer")
        ]
        if t.reference and t.lora is None:  # TRL has no part of it sharded by itself
            size = 2 * shape.parameters * t.computed
            formula = f"P x {t.computed}, twice while it arrives: it comes as a whole"
            gathered.append(Term("reference model, gathered", formula, scores=size))
        return gathered
    if t.quantized:
        return [always("weights, dequantized", shape.layer * 2, "one layer")]
    if not t.autocast or t.stored == 2:
        return []
    if t.lora is None:  # autocast keeps the copies of leaves that need gradients until it ends
        return [always("weights, autocast's copies", 2 * count + two, "T x 2, and two layers")]
    if t.checkpointing:
        return [always("weights, autocast's copies", two, "two layers")]
    formula = "two layers; update: P x 2"
    return [Term("weights, autocast's copies", formula, two, two, 2 * shape.parameters, two)]
