"""Files by address: a path of this machine or a URL that fsspec knows. Both are listed, matched and read alike."""

import errno
import os
import posixpath
import re
from collections.abc import Iterator
from contextlib import contextmanager
from glob import glob
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote_to_bytes

from cim.errors import CimError
from cim.readers.address import PIPE, expanded, is_remote, public
from cim.readers.stores import asking, store_of

MAX_BYTES = 2**30  # no single image is read above this
MAX_TEXT = 16 * 2**20  # bytes of a .txt or .json: parsed, JSON takes many times its size
_WILD = re.compile(r"[*?\[]")


def read_file(address: str, most: int = MAX_BYTES) -> tuple[bytes | None, str]:
    """(bytes, "") of a file; (None, "") when there is none; (None, problem) when it can't be read, or is too large."""
    if is_remote(address):
        return _read_remote(address, most)
    try:
        path = Path(address)
        if not path.exists():
            return None, ""
        if not path.is_file():
            return None, "not a regular file"  # a pipe would be waited on forever
        if path.stat().st_size > most:
            return None, f"{path.stat().st_size} bytes, more than {most}"
        return path.read_bytes(), ""
    except ValueError:  # a NUL in it: no file has that
        return None, ""
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            return None, ""  # no file can have it: a.jpg's name may be as long as one can be, a.json's is longer
        return None, error.strerror or str(error)


def _read_remote(url: str, most: int) -> tuple[bytes | None, str]:
    with asking(url):
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
def opened(address: str) -> Iterator[Any]:
    """A seekable binary file. Raises OSError for a local one, PassingError for a remote one that can't be opened."""
    if not is_remote(address):
        with open(address, "rb") as stream:
            yield stream
        return
    with asking(address):
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
    with asking(url):
        system, path = store_of(url)
        system.invalidate_cache()  # drivers keep listings for as long as the process lives
        if "*" not in path and system.isfile(path):
            return [url]
        found = system.glob(path, detail=True)
    names = sorted(name for name, info in found.items() if info["type"] != "directory")
    shown = [name for name in names if "/." in path or "/." not in name]  # as in a shell
    return [f"{url.partition('://')[0]}://{name.lstrip('/')}" for name in shown]


def local_address(address: str) -> str:
    """`file:///a` as `/a`; any other address as it is."""
    return address.removeprefix("file://")


def joined(folder: str, name: str) -> str:
    """The address of `name` below the folder."""
    return f"{folder.rstrip('/')}/{name}" if is_remote(folder) else os.path.join(folder, name)


def folder_of(address: str) -> str:
    """The address of the folder that a file lies in."""
    return posixpath.dirname(address) if is_remote(address) else os.path.dirname(address)


def to_locator(name: str) -> str:
    """A file name as valid UTF-8, reversibly: names that are not UTF-8 are percent-encoded after a "%"."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return "%" + quote(bytes_of(name))
    return "%" + quote(name) if name.startswith("%") else name


def from_locator(locator: str) -> str:
    """The file name that `to_locator` was given."""
    return os.fsdecode(unquote_to_bytes(locator[1:])) if locator.startswith("%") else locator


def bytes_of(text: str) -> bytes:
    """Undo a decoding with errors="surrogateescape". Other lone surrogates give bytes that are not UTF-8."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")
