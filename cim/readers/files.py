"""Files by address: a path of this machine or a URL that fsspec knows. Both are read, matched and listed alike."""

import errno
import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from glob import glob
from pathlib import Path
from typing import Any

from cim.errors import CimError
from cim.images.checks import Reason
from cim.readers.address import PIPE, expanded, is_remote, local_address, public
from cim.readers.base import Problem
from cim.readers.stores import store_errors, store_of, version_info

MAX_BYTES = 2**30  # no single image is read above this
MAX_TEXT = 16 * 2**20  # bytes of a .txt or .json: parsed, JSON takes many times its size
_WILD = re.compile(r"[*?\[]")
# No file there, or in a circle of links. No name is so long: a.jpg's may be as long as one can be, a.json's is longer.
_ABSENT = (errno.ENOENT, errno.ENOTDIR, errno.EBADF, errno.ELOOP, errno.ENAMETOOLONG)


def read_file(address: str, most: int = MAX_BYTES) -> tuple[bytes | None, str]:
    """(bytes, "") of a file; (None, "") when there is none; (None, problem) when it can't be read, or is too large."""
    if is_remote(address):
        return _read_remote(address, most)
    if not address or address.endswith(("/", "/.")):  # names in tables: a file's all the same
        address = str(Path(address))
    try:
        found = os.stat(address)
        if not stat.S_ISREG(found.st_mode):
            return None, "not a regular file"  # a pipe would be waited on forever
        if found.st_size > most:
            return None, f"{found.st_size} bytes, more than {most}"
        with open(address, "rb", buffering=0) as file:
            return file.readall(), ""
    except ValueError:  # a NUL in it: no file has that
        return None, ""
    except OSError as error:
        return None, "" if error.errno in _ABSENT else error.strerror or str(error)


def _read_remote(url: str, most: int) -> tuple[bytes | None, str]:
    with store_errors(url):
        system, path = store_of(url)
        try:
            info = system.info(path)
            if info["type"] == "directory":
                return None, "not a regular file"
            if (info.get("size") or 0) > most:
                return None, f"{info['size']} bytes, more than {most}"
            return bytes(system.cat_file(path)), ""
        except FileNotFoundError:
            return None, ""


@contextmanager
def open_file(address: str) -> Iterator[Any]:
    """A seekable binary file. Raises OSError for a local one, TransientError for a remote one that can't be opened."""
    if not is_remote(address):
        with open(address, "rb") as stream:
            yield stream
        return
    with store_errors(address):
        system, path = store_of(address)
        stream = system.open(path, "rb")
    with stream:
        yield stream


def files_at(pattern: str) -> list[str]:
    """Addresses of the files that a path, glob or brace pattern stands for, sorted in each brace expansion.

    A glob means the same here and in a store: `**` any folders, hidden files and folders left out. Web servers list
    nothing, so an address there stands for itself. Raises CimError when there is none for one of the expansions: one
    that is missing from `{0000..0123}` must not go unnoticed, and a glob says that any will do.
    """
    pattern = local_address(pattern)
    found = {one: _matching(one) for one in expanded(pattern)}
    if missing := [public(one) for one in found if not found[one]]:
        named = ", ".join(missing[:3]) + (f" and {len(missing) - 3} more" if len(missing) > 3 else "")
        raise CimError(
            f"no file at {named}",
            "a file for each address that a brace pattern stands for, or a glob",
            "mend path of this source",
        )
    return list(dict.fromkeys(name for names in found.values() for name in names))


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


def _matching(one: str) -> list[str]:
    if one.startswith((PIPE, "http:", "https:")):
        return [one]
    if any("**" in part and part != "**" for part in one.split("/")):
        raise CimError(f"the glob {public(one)}", "** as a whole part of a path: folder/**/*.tar", "mend the glob")
    if is_remote(one):
        return _matching_in_store(one) if _WILD.search(one) else [one]
    one = os.path.expanduser(one)
    found = [one] if os.path.isfile(one) else sorted(glob(one, recursive=True))
    return [name for name in found if os.path.isfile(name)]  # a folder may be called 0001.tar


def _matching_in_store(url: str) -> list[str]:
    with store_errors(url):
        system, path = store_of(url)
        system.invalidate_cache()  # drivers keep listings for as long as the process lives
        if "*" not in path and system.isfile(path):
            return [url]
        found = system.glob(path, detail=True)
    names = sorted(name for name, info in found.items() if info["type"] != "directory")
    shown = [name for name in names if "/." in path or "/." not in name]  # as in a shell
    return [f"{url.partition('://')[0]}://{name.lstrip('/')}" for name in shown]


@dataclass
class Listing:
    """files: names relative to the folder, as their system has them. problems: of names that are not followed.

    versions: what a store said of each file; empty for a folder of this machine.
    """

    files: list[str] = field(default_factory=list)
    problems: dict[str, Problem] = field(default_factory=dict)
    versions: Mapping[str, dict[str, str]] = field(default_factory=dict)


def walk(folder: str) -> Listing:
    """All files below `folder`. Raises CimError where there is no folder, or one of its folders can't be read."""
    if is_remote(folder):
        return _walk_store(folder)
    if not os.path.isdir(folder):
        raise CimError(f"no folder at {folder}", "a folder of images", "mend path of this source")
    found, seen, links = Listing(), set[str](), list[str]()
    _walk_real(folder, "", found, seen, links)
    while links:  # real folders first: their files keep their names
        name = links.pop(0)
        target = os.path.realpath(os.path.join(folder, name))
        if target in seen or Path(os.path.realpath(folder)).is_relative_to(target):
            found.problems[name] = Reason.NOT_A_FILE, "a link to a folder that is read already, or that holds this one"
        else:
            _walk_real(os.path.join(folder, name), name, found, seen, links)
    return found


def _walk_real(folder: str, prefix: str, found: Listing, seen: set[str], links: list[str]) -> None:
    """Files of a folder and of those in it that are no links; links to folders are noted."""
    for place, subfolders, files in os.walk(folder, onerror=_stop):
        seen.add(os.path.realpath(place))
        below = os.path.normpath(os.path.join(prefix, os.path.relpath(place, folder)))
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        for name in list(subfolders):
            if os.path.islink(os.path.join(place, name)):
                links.append(os.path.normpath(os.path.join(below, name)))
            elif os.path.realpath(os.path.join(place, name)) in seen:  # an earlier link led into this one
                subfolders.remove(name)
        found.files += [os.path.normpath(os.path.join(below, name)) for name in files if not name.startswith(".")]


def _stop(error: OSError) -> None:
    raise CimError(
        f"{error.filename} can't be read ({error.strerror})", "readable folders", "mend its rights"
    ) from error


def _walk_store(folder: str) -> Listing:
    with store_errors(folder):
        system, root = store_of(folder)
        system.invalidate_cache()
        listed = dict(_below(system.find(root, detail=True), root))
    if not listed:
        raise CimError(f"no file below {public(folder)}", "a folder of images", "mend path of this source")
    return Listing(sorted(listed), versions={name: version_info(info) for name, info in listed.items()})


def _below(found: Mapping[str, Any], root: str) -> Iterator[tuple[str, Any]]:
    for name, info in found.items():
        relative = name.removeprefix(root).lstrip("/")
        if relative and not any(part.startswith(".") for part in relative.split("/")):
            yield relative, info
