"""What the files of a corpus are called in lineage: short, different for different files, the same on every machine."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from cim.sources.base import to_locator


def distinct(files: Iterable[Path]) -> list[Path]:
    """Each file once, in the order of first mention, by whatever path to its folder it is mentioned again.

    A file that is a link is one of its own: stores that keep equal files once make such.
    """
    found, folders = dict[str, Path](), dict[Path, str]()
    for file in files:
        if (folder := file.parent) not in folders:
            folders[folder] = os.path.realpath(folder)
        found.setdefault(os.path.join(folders[folder], file.name), file)
    return list(found.values())


def short_names(files: Sequence[Path]) -> list[str]:
    """The file's name, with as many of the folders above it as tell it from the files before it.

    Names do not depend on what comes later, so that a corpus to which files are added keeps those that it has, and
    with them its finished shards. files: no two the same.
    """
    taken: dict[str, None] = {}
    for file in files:
        parts = file.absolute().parts
        names = (to_locator(os.path.join(*parts[-many:])) for many in range(1, len(parts) + 1))
        taken[next(name for name in names if name not in taken)] = None
    return list(taken)
