"""A trunk of a few thousand weights, drawn at random, and pictures for it."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from timm.data import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD


@pytest.fixture
def new_trunk() -> Callable[[], Any]:
    """Makes timm's smallest network with batch norm, always with the same weights; statistics that are not 0 and 1."""
    import timm

    def make() -> Any:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            trunk = timm.create_model("test_efficientnet", num_classes=0)
            for name, buffer in trunk.named_buffers():
                if name.endswith(("running_mean", "running_var")):
                    buffer.uniform_(0.5, 1.5)
        return trunk

    return make


@pytest.fixture
def pictures() -> torch.Tensor:
    """(6, 3, 64, 64) of levels 0 to 255, normalised by this trunk's mean and std; the last is the first once more."""
    levels = torch.randint(0, 256, (5, 3, 64, 64), generator=torch.Generator().manual_seed(1))
    mean, std = (torch.tensor(one).view(3, 1, 1) for one in (IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD))
    return (torch.cat([levels, levels[:1]]) / 255 - mean) / std
