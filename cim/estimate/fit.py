"""Whether a device holds the sum, and the refusal where it does not."""

import re
from collections.abc import Sequence

from cim.errors import CimError
from cim.estimate.terms import PHASES, Phase, Term

RESERVE = 0.1
"""Share of a device left for its context, for workspaces and for holes between blocks; an assumption."""
UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "KI": 2**10, "MI": 2**20, "GI": 2**30, "TI": 2**40}


def size_of(text: str) -> int:
    """Bytes of 24GiB, 80GB or 512 MiB. Raises CimError for anything else, and for less than one byte."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?I?)B?\s*", text.upper())
    size = 0 if match is None or match[2] not in UNITS else int(float(match[1]) * UNITS[match[2]])
    if size < 1:
        raise CimError(f"a size {text!r}", "a number above 0 and a unit, such as 24GiB or 80GB", "mend it")
    return size


def peak(terms: Sequence[Term]) -> dict[Phase, int]:
    """Bytes of each phase, all terms summed."""
    return {phase: sum(_of(term, phase) for term in terms) for phase in PHASES}


def too_large(terms: Sequence[Term], memory: int) -> CimError | None:
    """The refusal of what a device of `memory` bytes cannot hold, naming the largest terms; None where it fits."""
    sums, room = peak(terms), int(memory * (1 - RESERVE))
    phase = max(sums, key=lambda name: sums[name])
    if sums[phase] <= room:
        return None
    largest = sorted(terms, key=lambda term: -_of(term, phase))[:3]
    listed = ", ".join(f"{term.name} {gib(_of(term, phase))}" for term in largest)
    moment = {"scores": "while captions are scored", "validation": "in a validation"}.get(phase, f"in the {phase}")
    return CimError(
        f"{gib(sums[phase])} a device {moment} (estimated: {listed} and others)",
        f"at most {gib(room)} of {gib(memory)}, {RESERVE:.0%} left for what is not counted",
        "; ".join(dict.fromkeys(_remedy(term.name, phase) for term in largest)),
    )


def gib(size: float) -> str:
    """A size as people read it."""
    for unit, least in (("TiB", 2**40), ("GiB", 2**30), ("MiB", 2**20)):
        if size >= least:
            return f"{size / least:,.1f} {unit}"
    return f"{size / 2**10:,.1f} KiB"


def _of(term: Term, phase: Phase) -> int:
    size: int = getattr(term, phase)
    return size


def _remedy(name: str, phase: Phase) -> str:
    if name.startswith(("weights", "reference", "optimizer", "gradients", "float32")):
        return (
            "train adapters (tune.lora), hold the base in fewer bits (tune.precision), or spread the model over more"
            " processes (runtime.train, strategy fsdp or zero3)"
        )
    if name.startswith(("keys", "prompts", "logits", "pixels of a validation")):
        fewer = "tune.validation_images" if phase == "validation" else "tune.rollout.batch"
        return (
            f"generate fewer captions together ({fewer}), with fewer pixels (models.captioner.max_pixels) or"
            " tune.max_new_tokens"
        )
    if name == "activations":
        return "lower tune.micro_batch, set tune.activation_checkpointing"
    if name.startswith("pixels"):
        return "fewer images a rollout (tune.prompts_per_step), or lower models.captioner.max_pixels"
    if name == "vLLM":
        return "lower tune.rollout.memory_share, or set tune.rollout.sleep"
    return "a device with more memory; index.device: cpu or runtime.reward_device: cpu keep what scores captions off it"
