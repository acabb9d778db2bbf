"""The variants of benchmarks.signals: CIM, and each reward term in its place and beside it, with several seeds."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.ablation.variants import TUNE, Variant
from benchmarks.signals.scorer import SCORER

TERMS: dict[str, dict[str, Any]] = {
    "self_retrieval": {"weight": 1.0},
    "bags": {"weight": 1.0},
    "clip_score": {"weight": 1.0},
    "answers": {"weight": 1.0, "questions": {"kind": "scenes"}},
    "learned": {"weight": 1.0, "scorer": f"../{SCORER}"},
}
"""Those that the embedded default can be tuned with. Entailment needs a model of yours."""

# Nothing here is in the tables: facts are counted by the reader of finished variants.
_LEAN = {"evaluate.java": "off", "evaluate.parser": "off", "evaluate.bootstrap": 100, "evaluate.cards": 1}
_URGENT = ("bags", "answers", "self_retrieval")


@dataclass(frozen=True)
class Row:
    """What is tuned with. term: None for CIM as it is. alone: in the place of GRC and QIR, which then weigh nothing."""

    term: str | None = None
    alone: bool = False

    @property
    def label(self) -> str:
        """What people call it."""
        return "CIM" if self.term is None else f"{self.term} {'alone' if self.alone else 'with CIM'}"

    def name(self, seed: int) -> str:
        """Of its variant with this `tune.seed`."""
        return f"{self.label.lower().replace(' ', '-')}-s{seed}"

    def variant(self, seed: int) -> Variant:
        """Tuning, captions and evaluation with its reward and this seed."""
        changes: dict[str, Any] = {"tune.seed": seed, **_LEAN}
        if self.term is not None:
            changes["tune.reward.terms"] = {self.term: TERMS[self.term]}
        if self.alone:
            changes |= {"tune.reward.alpha": 0.0, "tune.reward.beta": 0.0}
        return Variant(TUNE, changes)


CIM = Row()
ROWS = (CIM, *(Row(term, alone) for term in TERMS for alone in (True, False)))
DEFAULT_SEED = 0


def variants(seeds: Sequence[int]) -> dict[str, Variant]:
    """All of them by name, in the order in which they are run: what is promised of terms first."""
    return {row.name(seed): row.variant(seed) for row, seed in _ordered(seeds)}


def _ordered(seeds: Sequence[int]) -> Iterator[tuple[Row, int]]:
    """CIM with the default's seed is the workspace itself, and is not run."""
    first = [(Row(term, True), seed) for seed in seeds for term in _URGENT]
    then = [(Row(term, True), seed) for seed in seeds[:1] for term in ("clip_score", "learned")]
    then += [(Row(term), seed) for seed in seeds[:1] for term in TERMS]
    rest = [(row, seed) for seed in seeds[1:] for row in ROWS]
    yield from dict.fromkeys(one for one in [*first, *then, *rest] if one != (CIM, DEFAULT_SEED))
