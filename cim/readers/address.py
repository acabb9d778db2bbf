"""Addresses of files and sources as text: what may be said of them, whether one lies in another, names in lineage."""

import hashlib
import os
import posixpath
import re
import shlex
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from urllib.parse import quote, unquote_to_bytes

from braceexpand import braceexpand

from cim.errors import CimError

PIPE = "pipe:"


def is_remote(path: str) -> bool:
    """Whether `path` is a URL or a command rather than a local path."""
    return path.startswith(PIPE) or "://" in path


def public(url: str) -> str:
    """The address without what may hold secrets: a query, credentials, all of a command but its program.

    A command is told from others by the beginning of its text's SHA-256: `pipe:curl#1f0c9d52a4e87b36`.
    """
    if url.startswith(PIPE):
        return f"{PIPE}{_program(url.removeprefix(PIPE))}#{hashlib.sha256(url.encode()).hexdigest()[:16]}"
    return re.sub(r"://[^/]*@", "://", url.partition("?")[0])


def without_secrets(text: str, url: str) -> str:
    """What a driver or a command said, with `url` replaced by what is public of it."""
    command = url.removeprefix(PIPE)
    for secret in (repr(command), url, command) if command else ():  # webdataset quotes a command
        text = text.replace(secret, public(url))
    query = url.partition("?")[2]
    return text.replace(query, "...") if query else text


def expanded(pattern: str) -> list[str]:
    """The addresses that a brace pattern stands for. Raises CimError where its braces are not balanced."""
    try:
        return list(braceexpand(pattern))
    except ValueError as error:
        raise CimError(
            f"unbalanced braces in {public(pattern)}",
            "a } for every {",
            r"mend path of this source; a brace that is meant as it stands is written \{",
        ) from error


def lies_in(url: str, folder: str) -> bool:
    """Whether `url` means something in the store's folder `folder`, in whatever spelling.

    Of a command: whether it names the folder, with any scheme. One that takes its bucket from elsewhere is not seen.
    """
    kind, parts = _place(folder)
    if url.startswith(PIPE):
        return re.search("://+" + "/+".join(map(re.escape, parts)) + r"(?![\w.-])", url) is not None
    places = [_place(link) for link in url.split("::") if "://" in link]  # a::b://c is b://c, cached or unpacked by a
    return any(its_kind == kind and its_parts[: len(parts)] == parts for its_kind, its_parts in places)


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


def source_name(kind: str, address: str) -> str:
    """`kind:` and the last two parts of the address: tells sources apart, the same on every machine."""
    parts = [part for part in Path(_shown(address)).parts if part != "/"]
    return f"{kind}:{'/'.join(parts[-2:])}"


def short_names(files: Sequence[str]) -> list[str]:
    """The file's name, with as many of the folders above it as tell it from the files before it.

    Names do not depend on what comes later, so that a corpus to which files are added keeps those that it has, and
    with them its finished shards. files: no two the same.
    """
    taken: dict[str, None] = {}
    for file in files:
        parts = Path(_shown(file)).absolute().parts
        names = (to_locator(os.path.join(*parts[-many:])) for many in range(1, len(parts) + 1))
        taken[next(name for name in names if name not in taken)] = None
    return list(taken)


def _place(url: str) -> tuple[object, list[str]]:
    """The driver's class, which s3:// and s3a:// have in common, and the parts of the path, slashes never doubled."""
    import fsspec

    kind, _, path = url.partition("://")
    try:
        driver = fsspec.get_filesystem_class(kind)
    except (ImportError, ValueError):  # not installed, not known
        return kind, path.split("/")
    return driver, [part for part in driver._strip_protocol(url).split("/") if part]


def _program(command: str) -> str:
    """The name of a shell command's program; variables set before it may be secrets."""
    try:
        words = shlex.split(command)
    except ValueError:  # quotes that only a shell understands
        return "command"
    first = next((word for word in words if not re.match(r"\w+=", word)), "")
    name = PurePosixPath(first).name
    return name if re.fullmatch(r"[\w.+-]{1,40}", name) else "command"


def _shown(address: str) -> str:
    """Of a remote address, what stands behind its scheme and may be said."""
    found = public(local_address(address)) if is_remote(local_address(address)) else local_address(address)
    return found.partition("://")[2] if "://" in found else found
