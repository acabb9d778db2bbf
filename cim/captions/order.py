"""In which order several workers that share no lock take the shards of a corpus, so that they meet late."""

from collections.abc import Sequence
from typing import TypeVar

from cim.errors import CimError

Item = TypeVar("Item")


def in_order(items: Sequence[Item], rank: int, world: int) -> list[Item]:
    """For worker `rank` of `world`: its own share first, then the others', each from its end.

    All are in it, so that the work of one that is gone is done. Raises CimError for a rank that there is not.
    """
    if not 0 <= rank < world:
        raise CimError(f"rank {rank} of {world}", "a rank from 0 to one less than the world", "set --rank and --world")
    borders = [len(items) * one // world for one in range(world + 1)]
    own = list(items[borders[rank] : borders[rank + 1]])
    for other in range(rank + 1, rank + world):
        at = other % world
        own += items[borders[at] : borders[at + 1]][::-1]
    return own
