"""The files below a folder: hidden ones left out, linked folders followed once."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cim.errors import CimError
from cim.images.checks import Reason
from cim.readers.address import is_remote, public
from cim.readers.base import Problem
from cim.readers.stores import asking, said_of, store_of


@dataclass
class Walked:
    """files: names relative to the folder, as their system has them. problems: of names that are not followed.

    versions: what a store said of each file; empty for a folder of this machine.
    """

    files: list[str] = field(default_factory=list)
    problems: dict[str, Problem] = field(default_factory=dict)
    versions: Mapping[str, dict[str, str]] = field(default_factory=dict)


def walk(folder: str) -> Walked:
    """All files below `folder`. Raises CimError where there is no folder, or one of its folders can't be read."""
    if is_remote(folder):
        return _walk_store(folder)
    if not os.path.isdir(folder):
        raise CimError(f"no folder at {folder}", "a folder of images", "mend path of this source")
    found, seen, links = Walked(), set[str](), list[str]()
    _walk_real(folder, "", found, seen, links)
    while links:  # real folders first: their files keep their names
        name = links.pop(0)
        target = os.path.realpath(os.path.join(folder, name))
        if target in seen or Path(os.path.realpath(folder)).is_relative_to(target):
            found.problems[name] = Reason.NOT_A_FILE, "a link to a folder that is read already, or that holds this one"
        else:
            _walk_real(os.path.join(folder, name), name, found, seen, links)
    return found


def _walk_real(folder: str, prefix: str, found: Walked, seen: set[str], links: list[str]) -> None:
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


def _walk_store(folder: str) -> Walked:
    with asking(folder):
        system, root = store_of(folder)
        system.invalidate_cache()
        listed = dict(_below(system.find(root, detail=True), root))
    if not listed:
        raise CimError(f"no file below {public(folder)}", "a folder of images", "mend path of this source")
    return Walked(sorted(listed), versions={name: said_of(info) for name, info in listed.items()})


def _below(found: Mapping[str, Any], root: str) -> Iterator[tuple[str, Any]]:
    for name, info in found.items():
        relative = name.removeprefix(root).lstrip("/")
        if relative and not any(part.startswith(".") for part in relative.split("/")):
            yield relative, info
