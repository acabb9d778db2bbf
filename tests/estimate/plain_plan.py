"""A captioner's shape with round numbers, and a plan for it: sums that can be done by hand."""

from dataclasses import replace
from typing import Any

from cim.estimate.shapes import CaptionerShape, Tower
from cim.estimate.terms import Term
from cim.estimate.training import Training

SHAPE = CaptionerShape(
    parameters=1000,
    vision_parameters=200,
    layer=100,
    outside=300,
    lora=50,
    vision_lora=10,
    text=Tower(layers=5, hidden=10, intermediate=30, heads=2, kv=4),
    vision=Tower(layers=2, hidden=8, intermediate=16, heads=2, kv=8),
    vocabulary=10,
    context=50,
    patch=2,
    merge=2,
    patch_values=12,
    fixed_side=None,
)
PLAN = Training(
    precision="float32",
    autocast=False,
    lora=None,
    reference=True,
    checkpointing=False,
    micro_batch=2,
    passes=1,
    sampled=4,
    validated=3,
    rollout=6,
    prompt=7,
    new=3,
    patches=16,
)


def plan(**changes: Any) -> Training:
    """PLAN with other values."""
    return replace(PLAN, **changes)


def sizes(terms: list[Term]) -> dict[str, tuple[int, int]]:
    """Name -> bytes of the rollout and of the update."""
    return {term.name: (term.rollout, term.update) for term in terms}


def all_sizes(terms: list[Term]) -> dict[str, tuple[int, int, int, int]]:
    """Name -> bytes of the rollout, of scoring, of the update and of a validation."""
    return {term.name: (term.rollout, term.scores, term.update, term.validation) for term in terms}
