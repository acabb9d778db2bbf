"""The identity of a part, read for only where its files may have changed since it was read for last."""

from pathlib import Path

from cim.readers.base import Part
from cim.readers.hash_cache import cache_hash, cached_hash, file_stats


def known_identity(part: Part, cache: Path) -> str:
    """`Part.identity`, kept in the file `cache` for as long as the part's files stay as they are."""
    stats = file_stats(part)
    found = cached_hash(cache, stats)
    if found is None:
        found = part.identity()
        cache_hash(cache, part, stats, found)
    return found
