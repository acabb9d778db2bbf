"""Splits from sample ids."""

import hashlib
from collections.abc import Mapping

from cim.params.sources import Split


def position(sample_id: str, seed: int) -> float:
    """A number in [0, 1) that depends on nothing but the id and the seed."""
    digest = hashlib.sha256(f"{seed}:{sample_id}".encode()).digest()
    return (int.from_bytes(digest[:8], "big") >> 11) / 2**53  # 53 bits: what a float holds exactly


def split_of(sample_id: str, seed: int, shares: Mapping[Split, float]) -> Split:
    """The split of one image: its `position` among the cumulative `shares`, in their order.

    An image keeps its split when others are added or removed. shares: split -> (0, 1], summing to 1.
    """
    where, reached = position(sample_id, seed), 0.0
    for split, share in shares.items():
        reached += share
        if where < reached:
            return split
    return list(shares)[-1]  # the shares' rounding error left a gap below 1
