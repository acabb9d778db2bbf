"""Which gallery items a source may not retrieve: params `tune.reward.exclude`, by sample id, never by row."""

from collections.abc import Callable, Sequence

Exclusion = Callable[[Sequence[str]], list[tuple[str, ...]]]
"""b source ids -> b tuples of ids to leave out."""


def none(source_ids: Sequence[str]) -> list[tuple[str, ...]]:
    """Nothing is left out: a source in the gallery may retrieve itself, as in the official implementation."""
    return [() for _ in source_ids]


def itself(source_ids: Sequence[str]) -> list[tuple[str, ...]]:
    """A source never retrieves itself; harmless where it is not in the gallery."""
    return [(source,) for source in source_ids]


EXCLUSIONS: dict[str, Exclusion] = {"none": none, "self": itself}
"""By the name in params."""
