"""Batch normalisation, which some vision towers have, in a training that is not the tower's own."""

from types import MethodType

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm


def hold_statistics(model: nn.Module) -> None:
    """Hold every batch normalisation of `model` in eval mode for good: a later `train()` of the model passes it by.

    A step of a training sees few pictures, several times each: no estimate of what the tower was trained with. And what
    scores a caption would differ between a rollout, which is in eval mode, and the update.
    """
    for module in model.modules():
        if isinstance(module, _BatchNorm):
            module.eval()
            module.__dict__["train"] = MethodType(_stay, module)


def _stay(module: nn.Module, mode: bool = True) -> nn.Module:
    return module
