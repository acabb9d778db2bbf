"""Weights between those before tuning and those after it."""

from typing import Any


def interpolate(start: Any, tuned: Any, share: float) -> None:
    """Move `tuned` in place to start + share * (tuned - start), weight by weight; both of one architecture.

    share: in (0, 1]; 1 leaves `tuned` as it is. Between a model and its fine-tuned self lie models that keep more of
    what the first knew for little of what the second learnt (WiSE-FT, arXiv 2109.01903; after RLHF: WARP,
    arXiv 2406.16768). Computed in float32 whatever the weights are held in.
    """
    import torch

    before = dict(start.named_parameters())
    with torch.no_grad():
        for name, weight in tuned.named_parameters():
            weight.copy_(torch.lerp(before[name].float(), weight.float(), share))
