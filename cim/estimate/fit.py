"""Whether a device holds the sum, and the refusal where it does not."""

import re
from collections.abc import Sequence

from cim.errors import CimError
from cim.estimate.memory import Term

RESERVE = 0.1
"""Share of a device left for its context, for workspaces and for holes between blocks; an assumption."""
UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "KI": 2**10, "MI": 2**20, "GI": 2**30, "TI": 2**40}


def size_of(text: str) -> int:
    """Bytes of 24GiB, 80GB or 512 MiB. Raises CimError for anything else."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?I?)B?\s*", text.upper())
    if match is None or match[2] not in UNITS:
        raise CimError(f"a size {text!r}", "a number and a unit, such as 24GiB or 80GB", "mend it")
    return int(float(match[1]) * UNITS[match[2]])


def peak(terms: Sequence[Term]) -> tuple[int, int]:
    """Bytes of the rollout and of the update, all terms summed."""
    return sum(term.rollout for term in terms), sum(term.update for term in terms)


def too_large(terms: Sequence[Term], memory: int) -> CimError | None:
    """The refusal of what a device of `memory` bytes cannot hold, naming the largest terms; None where it fits."""
    sums, room = dict(zip(("rollout", "update"), peak(terms), strict=True)), int(memory * (1 - RESERVE))
    phase = max(sums, key=lambda name: sums[name])
    if sums[phase] <= room:
        return None
    largest = sorted(terms, key=lambda term: -int(getattr(term, phase)))[:3]
    listed = ", ".join(f"{term.name} {gib(int(getattr(term, phase)))}" for term in largest)
    return CimError(
        f"{gib(sums[phase])} a device in the {phase} (estimated: {listed} and others)",
        f"at most {gib(room)} of {gib(memory)}, {RESERVE:.0%} left for what is not counted",
        "; ".join(dict.fromkeys(_remedy(term.name) for term in largest)),
    )


def gib(size: float) -> str:
    """A size as people read it."""
    for unit, least in (("TiB", 2**40), ("GiB", 2**30), ("MiB", 2**20)):
        if size >= least:
            return f"{size / least:,.1f} {unit}"
    return f"{size / 2**10:,.1f} KiB"


def _remedy(name: str) -> str:
    if name.startswith(("weights", "reference", "optimizer", "gradients", "float32")):
        return "train adapters (tune.lora), or spread the model over more processes (fsdp, zero3)"
    if name.startswith(("keys", "prompts", "logits")):
        return "generate fewer captions together, with fewer pixels (models.captioner.max_pixels) or max_new_tokens"
    if name == "activations":
        return "lower tune.micro_batch, set tune.activation_checkpointing"
    if name.startswith("pixels"):
        return "fewer images a rollout, or lower models.captioner.max_pixels"
    return "a device with more memory; index.device: cpu keeps the index off it"
