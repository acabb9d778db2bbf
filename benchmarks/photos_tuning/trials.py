"""The trials of benchmarks.photos_tuning: what each changes in the workspace's parameters, and in which table it is."""

from collections.abc import Mapping
from typing import Any

from cim.params.guards import Guards

Changes = Mapping[str, Any]  # dotted names in params.yaml -> values
WAY = "tune.interpolation"

_MEAN = {"tune.reward.qir": "mean", "tune.reward.decay": 1.0, "tune.reward.alpha": 0.0}
_FUSED = {"tune.reward.space": "fused", "tune.reward.k": 50, **_MEAN}
_LIGHT = {name: {"weight": 1.0} for name in Guards.model_fields}  # the most that QIR's mean pays
_CLIP = {"tune.reward.space": "clip", "tune.reward.k": 10, **_MEAN, "tune.reward.guards": _LIGHT}
_SHORT = {
    "tune.steps": 40,
    "tune.validate_every": 20,
    "tune.validation_images": 200,
    "tune.kl": 0.0,
    "tune.optimizer": {"warmup_steps": 4},
}
_LONGER = {**_SHORT, "tune.steps": 60, "tune.validate_every": 20, "tune.loss": "dapo"}
_SLOWER = {
    **_LONGER,
    "tune.validate_every": 30,
    "tune.validation_images": 300,
    "tune.optimizer": {"warmup_steps": 20},
    "tune.temperature": 0.5,
    "tune.learning_rate": 5e-5,
}

# Guards have a say of their own in each group, instead of drowning the rest of it.
_APART = {"tune.multi_objective_aggregation": "normalize_then_sum", "tune.reward.space": "clip"}
_LARGE = {
    "tune.steps": 60,
    "tune.validate_every": 30,
    "tune.validation_images": 400,
    "tune.prompts_per_step": 16,
    "tune.temperature": 0.7,
    "tune.learning_rate": 1e-4,
    "tune.optimizer": {"warmup_steps": 10},
    "tune.kl": 0.0,
}
_SELF = {"tune.reward.terms": {"self_retrieval": {"weight": 1.0, "mined": 50}}}
_ALONE = {"tune.reward.alpha": 0.0, "tune.reward.beta": 0.0}
_SELF_ALONE = {**_LARGE, **_APART, **_SELF, **_ALONE}
_QIR_SELF = {**_LARGE, **_APART, **_SELF, "tune.reward.k": 50, **_MEAN}
_QIR_SELF_LONGER = {**_QIR_SELF, "tune.steps": 120, "tune.validate_every": 40}

FIRST: Changes = {
    "tune.reward": {"space": "caption_text", "k": 3, "beta": 1.0, "decay": 0.5, "exclude": "self"},
    "tune.multi_objective_aggregation": "sum_then_normalize",
    "tune.steps": 40,
    "tune.prompts_per_step": 8,
    "tune.generations": 8,
    "tune.temperature": 1.0,
    "tune.learning_rate": 1e-4,
    "tune.optimizer": {},
    "tune.kl": 0.001,
    "tune.interpolation": 1.0,
    "tune.validate_every": 10,
    "tune.validation_images": 400,
}
"""What trials change: the paper's reward, and the settings that profiles/photos.yaml had before any trial."""

TRIALS: dict[str, Changes] = {
    "fused-t0.7-1e-4": {**_SHORT, **_FUSED, "tune.temperature": 0.7, "tune.learning_rate": 1e-4},
    "clip-t0.5-2e-4": {**_LONGER, **_CLIP, "tune.temperature": 0.5, "tune.learning_rate": 2e-4},
    "self-retrieval": _SELF_ALONE,
    "qir-self-retrieval": _QIR_SELF,
    "paper": {**_LARGE},
    "qir-self-retrieval-2e-4": {**_QIR_SELF, "tune.learning_rate": 2e-4},
    "qir-self-retrieval-longer": _QIR_SELF_LONGER,
    "qir-self-retrieval-longer-0.5": {**_QIR_SELF_LONGER, WAY: 0.5},  # as profiles/photos.yaml has it
    "qir-self-retrieval-longer-0.65": {**_QIR_SELF_LONGER, WAY: 0.65},
    "qir-self-retrieval-longer-0.8": {**_QIR_SELF_LONGER, WAY: 0.8},
    "qir-self-retrieval-to-the-end-0.5": {**_QIR_SELF_LONGER, "tune.validate_every": 120, WAY: 0.5},  # no early pick
    # Not run yet.
    "self-retrieval-0.5": {**_SELF_ALONE, WAY: 0.5},
    "self-retrieval-0.75": {**_SELF_ALONE, WAY: 0.75},
    "bags": {**_LARGE, **_APART, "tune.reward.terms": {"bags": {"weight": 1.0}}, **_ALONE},
    "clip-score": {**_LARGE, **_APART, "tune.reward.terms": {"clip_score": {"weight": 1.0}}, **_ALONE},
    "qir-self-retrieval-kl": {**_QIR_SELF, "tune.kl": 0.02},
    "qir-self-retrieval-groups-of-16": {**_QIR_SELF, "tune.generations": 16, "tune.prompts_per_step": 8},
    "qir-50": {**_LARGE, **_APART, "tune.reward.k": 50, **_MEAN},
    "found-itself": {
        **_LARGE,
        **_APART,
        **_MEAN,
        "tune.reward.k": 5,
        "tune.reward.decay": 0.5,
        "tune.reward.exclude": "none",
        "index.splits": ["train"],
    },
    "clip-5e-5": {**_SLOWER, **_CLIP},
    "clip-5e-5-kl": {**_SLOWER, **_CLIP, "tune.kl": 0.02},
    "clip-5e-5-groups-of-16": {**_SLOWER, **_CLIP, "tune.generations": 16, "tune.prompts_per_step": 4},
    "clip-lora": {**_SLOWER, **_CLIP, "tune.lora": {"rank": 8, "alpha": 16}, "tune.learning_rate": 1e-3},
    "paper-5e-5": _SLOWER,
    "paper-5e-5-t1": {**_SLOWER, "tune.temperature": 1.0},
}


def trained_alike(name: str) -> str | None:
    """The trial that differs from this one in its interpolation alone, with which nothing is trained again."""
    rest = {one: value for one, value in TRIALS[name].items() if one != WAY}
    return next((other for other, changes in TRIALS.items() if other != name and changes == rest), None)
