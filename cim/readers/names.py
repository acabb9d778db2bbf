"""What sources and files are called in lineage: short, different for different files, the same on every machine."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from cim.readers.address import is_remote, public
from cim.readers.files import local_address, to_locator


def source_name(kind: str, address: str) -> str:
    """`kind:` and the last two parts of the address: tells sources apart, the same on every machine."""
    parts = [part for part in Path(_path(address)).parts if part != "/"]
    return f"{kind}:{'/'.join(parts[-2:])}"


def distinct(files: Iterable[str]) -> list[str]:
    """Each file once, in the order of first mention, by whatever path to its folder it is mentioned again.

    A file that is a link is one of its own: stores that keep equal files once make such.
    """
    found, folders = dict[str, str](), dict[str, str]()
    for file in files:
        if is_remote(file):
            found.setdefault(file, file)
            continue
        folder, name = os.path.split(file)
        if folder not in folders:
            folders[folder] = os.path.realpath(folder)
        found.setdefault(os.path.join(folders[folder], name), file)
    return list(found.values())


def short_names(files: Sequence[str]) -> list[str]:
    """The file's name, with as many of the folders above it as tell it from the files before it.

    Names do not depend on what comes later, so that a corpus to which files are added keeps those that it has, and
    with them its finished shards. files: no two the same.
    """
    taken: dict[str, None] = {}
    for file in files:
        parts = Path(_path(file)).absolute().parts
        names = (to_locator(os.path.join(*parts[-many:])) for many in range(1, len(parts) + 1))
        taken[next(name for name in names if name not in taken)] = None
    return list(taken)


def _path(address: str) -> str:
    """Of a remote address, what stands behind its scheme and may be said."""
    found = public(local_address(address)) if is_remote(local_address(address)) else local_address(address)
    return found.partition("://")[2] if "://" in found else found
