"""The trials of benchmarks.photos_tuning: what each changes in the workspace's parameters, and in which table it is."""

from collections.abc import Mapping
from typing import Any

Changes = Mapping[str, Any]  # dotted names in params.yaml -> values

_FUSED = {  # the reward that ranks a photo's samples most like the judge does
    "tune.reward.space": "fused",
    "tune.reward.qir": "mean",
    "tune.reward.k": 50,
    "tune.reward.decay": 1.0,
    "tune.reward.alpha": 0.0,
}
_COMMON = {
    "tune.steps": 40,
    "tune.validate_every": 20,
    "tune.validation_images": 200,
    "tune.kl": 0.0,
    "tune.optimizer": {"warmup_steps": 4},
}

TRIALS: dict[str, Changes] = {
    "fused-t0.7-1e-4": {**_COMMON, **_FUSED, "tune.temperature": 0.7, "tune.learning_rate": 1e-4},
    "paper-t1-5e-5": {**_COMMON, "tune.temperature": 1.0, "tune.learning_rate": 5e-5},
}
SEEDS = (0, 1, 2)
"""Of the configuration that was chosen, for the last word."""


def seeded(changes: Changes, seed: int) -> dict[str, Any]:
    """The same trial with other samples and another order of photos."""
    return {**changes, "tune.seed": seed}
