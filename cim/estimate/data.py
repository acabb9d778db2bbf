"""The sources that params name: are they there, and how many images do they give each split? No image is read."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from cim.errors import CimError
from cim.params import ScenesSource
from cim.params.sources import SourceBase
from cim.readers.address import is_remote
from cim.readers.open import open_source


@dataclass(frozen=True)
class SourceFound:
    """What is known of one source. images: None where only reading tells. problem: why it can't be read."""

    name: str
    images: int | None
    splits: dict[str, float]
    problem: str = ""
    remote: bool = False


def look(sources: Sequence[SourceBase], size: int) -> list[SourceFound]:
    """Every source, those in stores by name alone: nothing is asked over a network. size: shard.samples_per_shard."""
    return [_look(source, size) for source in sources]


def _look(source: SourceBase, size: int) -> SourceFound:
    shares = {str(split): share for split, share in (source.splits or {}).items()}
    if isinstance(source, ScenesSource):
        return SourceFound(f"scenes, seed {source.seed}", source.count, shares)
    path = getattr(source, "path", "")
    paths = [path] if isinstance(path, str) else list(path)
    name = f"{getattr(source, 'kind', '')} {', '.join(paths)}"
    if any(is_remote(one) for one in paths):
        return SourceFound(name, None, shares, remote=True)
    try:
        return SourceFound(name, open_source(source, size).images(), shares)
    except CimError as error:
        return SourceFound(name, None, shares, problem=error.found)


def images_by_split(found: Sequence[SourceFound]) -> dict[str, int | None]:
    """Images of each split before rejects and duplicates; None where a source that feeds it was not counted."""
    counts: Counter[str] = Counter()
    unknown = {split for one in found if one.images is None for split in one.splits}
    for one in found:
        for split, share in one.splits.items():
            counts[split] += round((one.images or 0) * share)
    return {split: None if split in unknown else counts[split] for split in counts}
