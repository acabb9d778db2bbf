"""A step back to what something was made from, and whether the recorded hashes are still those of the files."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from cim.atomic import marker_of, read_json
from cim.errors import CimError
from cim.fingerprint import hash_path

UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError, CimError)
"""What reading a record that is gone, or no longer what was written, may raise."""


@dataclass(frozen=True)
class Check:
    """One recorded hash. what: the file or folder it is of; found: computes it from the bytes there now."""

    what: str
    recorded: str
    found: Callable[[], str]


def nothing() -> Iterable[Check]:
    """The checks of a link whose record is a part of one that was checked before it."""
    return ()


@dataclass(frozen=True)
class Link:
    """One step. title: which; path: where it lies; recorded_in: the file that names it; facts: what is told of it.

    checks: called to verify it; nothing large is read before.
    """

    title: str
    path: Path
    recorded_in: Path
    facts: Mapping[str, str] = field(default_factory=dict)
    checks: Callable[[], Iterable[Check]] = nothing


def problem(link: Link) -> str | None:
    """What is wrong with the first check that fails, None where all hold."""
    try:
        for check in link.checks():
            found = check.found()
            if found != check.recorded:
                return f"{check.what} is {found or 'nothing'}, recorded as {check.recorded or 'nothing'}"
    except UNREADABLE as error:
        return f"{type(error).__name__}: {error}"
    return None


def whole_folder(folder: Path) -> Iterator[Check]:
    """All bytes of a folder against its done marker."""
    yield Check(f"{folder} with all its files", read_json(marker_of(folder))["holds"], partial(hash_path, folder))


def files_of(artefact: Path, folder: Path) -> Iterator[Check]:
    """The files in `folder` whose hashes the done marker of `artefact` has; tars may have gone to a store."""
    for name, recorded in read_json(marker_of(artefact))["facts"]["sha256"].items():
        if not name.endswith(".tar") or (folder / name).exists():
            yield Check(str(folder / name), recorded, partial(hash_path, folder / name))
