"""The variants of benchmarks.signals: each reward term in place of CIM, and beside it."""

from typing import Any

from benchmarks.ablation.variants import AFTER, BEFORE, TUNE, Table, Variant

TERMS: dict[str, dict[str, Any]] = {
    "self_retrieval": {"weight": 1.0},
    "bags": {"weight": 1.0},
    "clip_score": {"weight": 1.0},
    "answers": {"weight": 1.0, "questions": {"kind": "scenes"}},
}
"""Those that the embedded default can be tuned with. Learned and entailment need a file and a model of yours."""


def _variant(name: str, alone: bool) -> Variant:
    changes: dict[str, Any] = {"tune.reward.terms": {name: TERMS[name]}}
    if alone:
        changes |= {"tune.reward.alpha": 0.0, "tune.reward.beta": 0.0}
    return Variant(TUNE, changes)


VARIANTS: dict[str, Variant] = {"default": Variant(("evaluate",))}
for _name in TERMS:
    VARIANTS |= {f"{_name}-alone": _variant(_name, True), f"{_name}-with-cim": _variant(_name, False)}

_ROWS = {"base captioner": BEFORE, "CIM": AFTER} | {
    f"{name} {how.replace('-', ' ')}": (f"{name}-{how}", "tuned") for name in TERMS for how in ("alone", "with-cim")
}
TABLES: dict[str, Table] = {
    "signals": Table(
        _ROWS,
        {"CIM": "base captioner"}
        | {f"{name} alone": "base captioner" for name in TERMS}
        | {f"{name} with cim": "CIM" for name in TERMS},
    )
}
