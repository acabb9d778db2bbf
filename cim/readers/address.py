"""Addresses of what lies elsewhere, as text: what may be said of them, and whether one lies in another."""

import hashlib
import re
import shlex
from pathlib import PurePosixPath

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
