"""Weights on the line between two models."""

import torch

from cim.tuning.weights import interpolate


def linear(weight: float, dtype: torch.dtype = torch.float32) -> torch.nn.Linear:
    made = torch.nn.Linear(2, 1, dtype=dtype)
    torch.nn.init.constant_(made.weight, weight)
    torch.nn.init.zeros_(made.bias)
    return made


def test_a_share_of_the_way() -> None:
    start, tuned = linear(2.0), linear(4.0)
    interpolate(start, tuned, 0.25)
    assert tuned.weight.tolist() == [[2.5, 2.5]]  # 2 + 0.25 * (4 - 2)
    assert start.weight.tolist() == [[2.0, 2.0]]


def test_all_the_way_changes_nothing() -> None:
    tuned = linear(4.0)
    interpolate(linear(2.0), tuned, 1.0)
    assert tuned.weight.tolist() == [[4.0, 4.0]]


def test_half_precision_is_kept() -> None:
    # The step of bfloat16 above 1 is 2^-7: 1 + 0.5 * 2^-7 is no bfloat16 and rounds to even, 1.
    tuned = linear(1 + 2**-7, torch.bfloat16)
    interpolate(linear(1.0, torch.bfloat16), tuned, 0.5)
    assert tuned.weight.dtype == torch.bfloat16
    assert tuned.weight.tolist() == [[1.0, 1.0]]
