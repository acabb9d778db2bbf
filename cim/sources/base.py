"""What every source of images is, and the file reading they share."""

import errno
import os
from collections.abc import Iterator
from glob import glob
from pathlib import Path
from typing import Protocol
from urllib.parse import quote, unquote_to_bytes

from braceexpand import braceexpand

from cim.errors import CimError
from cim.records import Candidate

MAX_BYTES = 2**30  # no single image is read above this


class ImageSource(Protocol):
    """Images with captions, in an order that does not change while the data does not.

    name: short, without machine-specific folders; stored in shards. Sources are made by `open_source`.
    """

    name: str

    def expected(self) -> int | None:
        """How many candidates `scan` will yield, for progress; None when that is not known beforehand."""
        ...

    def scan(self) -> Iterator[Candidate]:
        """Every candidate, good or bad, one at a time. Raises CimError where the source itself is broken."""
        ...

    def fetch(self, locator: str) -> bytes:
        """The original bytes of one candidate again. Cheap in scan order. Raises OSError."""
        ...


def read_image(path: Path) -> tuple[bytes | None, str]:
    """(bytes, "") of a file; (None, "") when there is none; (None, problem) when it can't be read."""
    try:
        if not path.exists():
            return None, ""
        if not path.is_file():
            return None, "not a regular file"  # a pipe would be waited on forever
        if path.stat().st_size > MAX_BYTES:
            return None, f"{path.stat().st_size} bytes, more than {MAX_BYTES}"
        return path.read_bytes(), ""
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            return None, ""  # no file can have it: a.jpg's name may be as long as one can be, a.json's is longer
        return None, error.strerror or str(error)


def text_of(caption: bytes) -> str | bytes:
    """The caption as text, or the bytes themselves where they are not UTF-8."""
    try:
        return caption.decode("utf-8")
    except UnicodeDecodeError:
        return caption


def bytes_of(caption: str) -> bytes:
    """Undo a decoding with errors="surrogateescape". Other lone surrogates give bytes that are not UTF-8."""
    try:
        return caption.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return caption.encode("utf-8", "surrogatepass")


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


def source_name(kind: str, path: str | Path) -> str:
    """`kind:` and the last two parts of the path: tells sources apart, the same on every machine."""
    return f"{kind}:{'/'.join([part for part in Path(path).parts if part != '/'][-2:])}"


def local_files(pattern: str) -> list[Path]:
    """Files of a path, glob or brace pattern, sorted in each brace expansion.

    Raises CimError when there is none for one of the expansions: one that is missing from `{0000..0123}` must not go
    unnoticed, and a glob says that any will do.
    """
    try:
        patterns = [os.path.expanduser(one) for one in braceexpand(pattern)]
    except ValueError as error:
        raise CimError(
            f"unbalanced braces in {pattern}",
            "a } for every {",
            r"mend path in shard.sources; a brace that belongs to a file's name is written \{",
        ) from error
    files = {one: [one] if Path(one).is_file() else sorted(glob(one)) for one in patterns}
    if missing := [one for one in files if not files[one]]:
        named = ", ".join(missing[:3]) + (f" and {len(missing) - 3} more" if len(missing) > 3 else "")
        raise CimError(
            f"no file at {named}",
            "a file for each address that a brace pattern stands for, or a glob",
            "mend path in shard.sources or recaption.corpus",
        )
    return [Path(name) for name in dict.fromkeys(name for found in files.values() for name in found)]
