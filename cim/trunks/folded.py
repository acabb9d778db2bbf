"""A frozen trunk as a CPU computes it fastest: batch norm folded into convolutions, channels last in memory."""

from collections import Counter
from typing import Any

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

CLOSE = 3e-5
"""Length of the difference of a folded trunk's output, of the output's own. Rounding of float32 makes a tenth of it."""


def fold(trunk: Any, picture: torch.Tensor) -> bool:
    """Let `trunk`, a timm model in eval mode, compute the same but for rounding, faster (benchmarks/trunk.py).

    picture: (1, 3, h, w) normalised pixels, on which it is tried. False: there is no batch norm that follows a
    convolution, or what is folded computes something else, and then `trunk` is of no use any more.
    """
    wanted, pairs = _pairs(trunk, picture)
    if not pairs:
        return False
    for convolution, norm in pairs:
        _fold(trunk, convolution, norm)
    trunk.to(memory_format=torch.channels_last)
    off = trunk.forward_features(picture).double() - wanted.double()
    return bool(off.norm() <= CLOSE * wanted.double().norm())


def _pairs(trunk: Any, picture: torch.Tensor) -> tuple[torch.Tensor, list[tuple[str, str]]]:
    """The picture's output, and names of each convolution with the batch norm after it; each of them is used once."""
    made: dict[int, tuple[str, torch.Tensor]] = {}  # with the tensor, so that its id is not given away
    pairs: list[tuple[str, str]] = []
    used: Counter[str] = Counter()

    def convolved(name: str, output: torch.Tensor) -> None:
        used[name] += 1
        made[id(output)] = name, output

    def normed(name: str, found: torch.Tensor) -> None:
        used[name] += 1
        if id(found) in made:
            pairs.append((made[id(found)][0], name))

    hooks = []
    for name, module in trunk.named_modules():
        if isinstance(module, nn.Conv2d):
            hooks.append(module.register_forward_hook(lambda _, __, output, name=name: convolved(name, output)))
        elif isinstance(module, nn.BatchNorm2d) and module.running_mean is not None:
            hooks.append(module.register_forward_pre_hook(lambda _, inputs, name=name: normed(name, inputs[0])))
    try:
        output = trunk.forward_features(picture)
    finally:
        for hook in hooks:
            hook.remove()
    return output, [pair for pair in pairs if used[pair[0]] == used[pair[1]] == 1]


def _fold(trunk: Any, convolution: str, norm: str) -> None:
    """Let the convolution do what the norm does to its output; of timm's norms the activation stays."""
    one, other = trunk.get_submodule(convolution), trunk.get_submodule(norm)
    one.weight, one.bias = fuse_conv_bn_weights(
        one.weight, one.bias, other.running_mean, other.running_var, other.eps, other.weight, other.bias
    )
    one.requires_grad_(False)
    trunk.set_submodule(norm, nn.Sequential(*other.children()))
