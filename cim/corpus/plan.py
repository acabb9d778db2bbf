"""A corpus cut into the parts that become output shards, in an order that does not change while the data does not."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import assert_never

from cim.corpus.address import expanded, is_remote, public
from cim.corpus.names import distinct, short_names
from cim.corpus.part import Part
from cim.corpus.remote import RemoteTar, listed
from cim.corpus.tar import TarPart, stated
from cim.errors import CimError
from cim.params.recaption import FolderCorpus, HuggingFaceCorpus, ParquetCorpus, Recaption, WebDatasetCorpus
from cim.sources.base import local_files


def plan_corpus(params: Recaption) -> dict[str, Part]:
    """Output shard (`00000`, `00001` ...) -> what it is made from.

    A tar is a part; other corpora are cut into parts of `samples_per_shard`. Reads names and row counts, no image.
    Raises CimError when there is nothing, or more than 100,000 parts.
    """
    parts = _parts(params)
    if not parts:
        raise CimError("no image in recaption.corpus", "at least one", "mend recaption.corpus.path")
    if len(parts) > 100_000:
        raise CimError(f"{len(parts)} shards", "at most 100,000, as keys have five digits for it", "split the corpus")
    return {f"{number:05d}": part for number, part in enumerate(parts)}


def _parts(params: Recaption) -> list[Part]:
    # Imported where they are used: pyarrow and polars are not needed for tars.
    match params.corpus:
        case WebDatasetCorpus() as corpus:
            paths = [corpus.path] if isinstance(corpus.path, str) else corpus.path
            return _tars(paths)
        case FolderCorpus() as corpus:
            from cim.corpus.folder import folder_chunks

            return [*folder_chunks(corpus, params.samples_per_shard)]
        case ParquetCorpus() as corpus:
            from cim.corpus.table import Columns, table_chunks

            columns = Columns(corpus.image, corpus.caption)
            return [*table_chunks(distinct(local_files(corpus.path)), columns, params.samples_per_shard)]
        case HuggingFaceCorpus() as corpus:
            from cim.corpus.huggingface import dataset_files
            from cim.corpus.table import Columns, table_chunks

            folder = Path(corpus.path).expanduser()
            columns = Columns(corpus.image, corpus.caption, inside=folder)
            return [*table_chunks(dataset_files(folder, corpus.split), columns, params.samples_per_shard)]
        case _:
            assert_never(params.corpus)


def _tars(paths: Sequence[str]) -> list[Part]:
    """Every tar once, in the order of first mention: entries of a list may overlap."""
    found = list(dict.fromkeys(one for path in paths for one in _found(path)))
    files = distinct(one for one in found if isinstance(one, Path))
    names, seen = dict(zip(files, short_names(files), strict=True)), Counter[str]()
    parts: list[Part] = []
    for one in found:
        if isinstance(one, str):
            seen[public(one)] += 1
            parts.append(RemoteTar(one, seen[public(one)]))
        elif one in names:
            parts.append(TarPart(one, names[one], stated(one)))
    return parts


def _found(path: str) -> Iterator[Path | str]:
    if path.startswith("file://"):
        path = path.removeprefix("file://")
    if is_remote(path):
        return (url for one in expanded(path) for url in listed(one))
    return iter(local_files(path))
