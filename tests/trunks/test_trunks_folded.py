from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
import torch
from torch import nn

from cim.trunks.folded import fold
from cim.trunks.frozen import freeze

NewTrunk = Callable[[], Any]


class Small(nn.Module):
    """A convolution, and a batch norm of its output that moves it."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution, self.norm = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)
        nn.init.uniform_(self.norm.running_mean, 1, 2)

    def forward_features(self, x: torch.Tensor) -> torch.Tensor:
        return self.norm(self.convolution(x))


class Both(Small):
    """The convolution's own output counts as well: without the norm between, it is not what it was."""

    def forward_features(self, x: torch.Tensor) -> torch.Tensor:
        made = self.convolution(x)
        return self.norm(made) + made


class Twice(Small):
    """The convolution is used a second time, with nothing after it."""

    def forward_features(self, x: torch.Tensor) -> torch.Tensor:
        return self.norm(self.convolution(x)) + self.convolution(-x)


class Unfolded(Small):
    """A norm of something else."""

    def forward_features(self, x: torch.Tensor) -> torch.Tensor:
        return self.norm(self.convolution(x).relu())


@pytest.fixture
def picture() -> torch.Tensor:
    return torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))


@torch.no_grad()
def test_no_norm_is_left_and_the_output_is_the_same(new_trunk: NewTrunk, pictures: torch.Tensor) -> None:
    trunk = new_trunk().eval()
    folded = deepcopy(trunk)
    assert fold(folded, pictures[:1])
    assert any(isinstance(module, nn.BatchNorm2d) for module in trunk.modules())
    assert not any(isinstance(module, nn.BatchNorm2d) for module in folded.modules())
    found, wanted = folded.forward_features(pictures), trunk.forward_features(pictures)
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_without_activations(picture: torch.Tensor) -> None:
    assert fold(Small().eval(), picture)


@torch.no_grad()
@pytest.mark.parametrize("kind", [Both, Twice, Unfolded])
def test_what_would_compute_something_else_is_not_taken(kind: type[Small], picture: torch.Tensor) -> None:
    assert not fold(kind().eval(), picture)


@torch.no_grad()
def test_such_a_trunk_is_frozen_as_it_is(new_trunk: NewTrunk, pictures: torch.Tensor) -> None:
    plain, trunk = new_trunk().eval(), new_trunk()
    trunk.conv_stem.register_forward_hook(lambda module, inputs, output: output * 2)  # comes between it and its norm
    plain.conv_stem.register_forward_hook(lambda module, inputs, output: output * 2)
    expected = torch.cat([plain.forward_features(one[None]) for one in pictures]).half().float()
    torch.testing.assert_close(freeze(trunk, "float32").forward_features(pictures), expected, rtol=2**-10, atol=1e-6)
