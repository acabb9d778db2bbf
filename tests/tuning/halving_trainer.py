"""A trainer that learns nothing: for tests of what is kept of a training."""

from pathlib import Path
from typing import Any

import torch

from cim.captioners.load import Captioner
from cim.tuning.grpo import Tuned

RECORDS = [{"step": 0, "self_retrieval": 0.1, "grc": None}, {"step": 2, "self_retrieval": 0.3, "grc": 0.5}]


class Trainer:
    """Stands in for GRPO: every weight becomes half of what it was; counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, captioner: Captioner, *arguments: Any) -> Tuned:
        self.asked += 1
        captioner.processor.tokenizer(["a", "a red circle"], padding=True)  # a tokenizer remembers, and saves, this
        with torch.no_grad():
            for weight in captioner.model.parameters():
                weight.mul_(0.5)
        best: Path = arguments[-1] / "best-000002"
        captioner.model.save_pretrained(best)
        return Tuned([{"step": 1, "reward": 0.25, "kl": None}], RECORDS, best, [{"step": 2}], [], "all steps")  # type: ignore[list-item]
