"""The dataset for TRL's GRPOTrainer: a prompt and an image a row."""

import random
from collections.abc import Sequence
from typing import Any

from cim.shards.read import ImageLookup
from cim.warm_start.rows import turn, with_images


def prompt_rows(ids: Sequence[str], prompts: Sequence[str], images: ImageLookup, seed: int) -> Any:
    """Rows id, image, prompt for GRPO: one an image; the id reaches the reward functions. A datasets.Dataset."""
    rng = random.Random(f"prompt-rows-{seed}")
    return with_images({"id": list(ids), "prompt": [turn("user", rng.choice(prompts)) for _ in ids]}, images)
