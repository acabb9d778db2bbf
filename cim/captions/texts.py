"""What only the captions themselves tell of a run: how long they are, and which of them are said of many images."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray
from tqdm import tqdm

from cim.prefetch import prefetch

PERCENTILES = {"p5": 0.05, "p50": 0.5, "p95": 0.95}
NAMED = 10  # repeated captions that are named
READERS = 4  # tables read at once; polars has threads of its own
_LENGTHS = {
    "words": pl.col("caption").str.count_matches(r"\S+"),
    "characters": pl.col("caption").str.len_chars(),
    "tokens": pl.col("tokens"),
}

Hashes = NDArray[np.uint64]
Found = TypeVar("Found")


def text_statistics(tables: Sequence[Path]) -> dict[str, Any]:
    """Of all captions in the tables. lengths: of words, characters and tokens the mean, p5, p50, p95, max.

    repeated: captions, how many there are beyond the first of their text; share, of all captions; most, the texts
    that the most images have, with their counts, at most `NAMED`. Texts are compared word for word, by 64 bits of a
    hash: of 10 million different captions two are taken for one with a chance of 3 in a million. Memory: 16 bytes a
    caption and a few tables; every table is read once, and once more where a caption repeats.
    """
    lengths, hashes = {name: Counter[int]() for name in _LENGTHS}, [np.empty(0, np.uint64)]
    for found, own in _each(_read, tables, "summing up"):
        hashes.append(own)
        for name, counts in found.items():
            lengths[name].update(counts)
    everything = np.concatenate(hashes)
    del hashes
    return {
        "lengths": {name: _spread(counts) for name, counts in lengths.items()} if len(everything) else {},
        "repeated": _repeated(everything, tables),
    }


def _read(table: Path) -> tuple[dict[str, dict[int, int]], Hashes]:
    """(how often each length occurs, the hash of each caption) of one table."""
    frame = pl.read_parquet(table, columns=["caption", "tokens"])
    counted = frame.select(**_LENGTHS)
    lengths = {name: dict(counted[name].value_counts().iter_rows()) for name in _LENGTHS}
    return lengths, frame["caption"].hash().to_numpy()


def _spread(counts: Mapping[int, int]) -> dict[str, float]:
    """Of lengths that occur so often; percentiles are the nearest ranks, halves up."""
    values = np.array(sorted(counts))
    ends = np.cumsum([counts[int(value)] for value in values])
    total = int(ends[-1])
    spread = {"mean": round(sum(value * count for value, count in counts.items()) / total, 3)}
    for name, share in PERCENTILES.items():
        rank = int((total - 1) * share + 0.5)
        spread[name] = float(values[np.searchsorted(ends, rank, side="right")])
    return spread | {"max": float(values[-1])}


def _repeated(hashes: Hashes, tables: Sequence[Path]) -> dict[str, Any]:
    """hashes: of all captions; sorted in place."""
    total = len(hashes)
    hashes.sort()
    again = hashes[1:][hashes[1:] == hashes[:-1]]  # each text as often as it occurs beyond its first
    beyond, often = len(again), dict[str, int]()
    if beyond:
        texts, counts = np.unique(again, return_counts=True)
        counts += 1
        least = np.partition(counts, -NAMED)[-NAMED] if len(counts) > NAMED else 2
        texts, counts = texts[counts >= least], counts[counts >= least]
        for found in _each(lambda table: _among(table, texts, counts), tables, "captions that repeat"):
            often = _most(often | found)
    most = [{"caption": text, "count": count} for text, count in _most(often).items()]
    return {"captions": beyond, "share": round(beyond / total, 6) if total else 0.0, "most": most}


def _among(table: Path, texts: Hashes, counts: NDArray[np.int64]) -> dict[str, int]:
    """The captions of a table whose hashes are among the sorted `texts`, each with its count: the most frequent."""
    captions = pl.read_parquet(table, columns=["caption"])["caption"].unique()
    own = captions.hash().to_numpy()
    at = np.minimum(np.searchsorted(texts, own), len(texts) - 1)
    here = texts[at] == own
    return _most(dict(zip(captions.filter(pl.Series(here)), counts[at[here]].tolist(), strict=True)))


def _most(counts: Mapping[str, int]) -> dict[str, int]:
    """The `NAMED` most frequent, those as frequent by text."""
    return dict(sorted(counts.items(), key=lambda one: (-one[1], one[0]))[:NAMED])


def _each(work: Callable[[Path], Found], tables: Sequence[Path], doing: str) -> Iterator[Found]:
    """work(table) of each, a few at a time, with a bar."""
    yield from tqdm(prefetch(work, tables, READERS), doing, len(tables), unit="table", disable=len(tables) < READERS)
