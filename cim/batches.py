"""Items by the batch, as itertools.batched gives them, which Python 3.11 lacks."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")


def batched(items: Iterable[Item], size: int) -> Iterator[tuple[Item, ...]]:
    """The items in order, `size` at once, the last ones maybe fewer; taken no sooner than they are asked for."""
    left = iter(items)
    while batch := tuple(islice(left, size)):
        yield batch
