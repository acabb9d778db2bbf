"""The folder that is exported to: ours or not touched, held alone, its README and done marker written last."""

import errno
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from cim.atomic import link_or_copy, marker_of, unmark, write_bytes, write_json
from cim.captions.output import check_no_others
from cim.errors import CimError
from cim.export.records import record_if_any
from cim.fingerprint import code_of, fingerprint
from cim.lock import file_lock, holder

CARD, README = "export.json", "README.md"
_FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True)
class ExportFolder:
    """The folder `root`. section: of the params that name it, as their `output`."""

    root: Path
    section: str

    @property
    def lock(self) -> Path:
        """Beside the folder, whose files are to be uploaded."""
        return self.root.with_name(f".{self.root.name}.lock")

    @property
    def looked(self) -> Path:
        """What was seen of each shard, so that the next run need not look again."""
        return self.root.with_name(f"{self.root.name}.export")

    def check(self, source: Path) -> None:
        """Raise CimError for a folder with other files in it, and one that lies in `source` or holds it."""
        inner, outer = self.root.resolve(), source.resolve()
        if inner.is_relative_to(outer) or outer.is_relative_to(inner):
            raise CimError(
                f"{self.section}.output {self.root}, and what is exported in {source}",
                "folders of which none lies in the other",
                f"set {self.section}.output to a folder of its own",
            )
        if self.root.exists() and not self.root.is_dir():
            raise CimError(
                f"{self.root} is no folder", "a new or empty folder", f"set {self.section}.output to another"
            )
        check_no_others(self.root / CARD, self.section)


@contextmanager
def owned(folder: ExportFolder) -> Iterator[None]:
    """Hold the folder alone. Raises CimError where another run has it, or nothing can be written there."""
    with ExitStack() as stack:
        with writing(folder.root, folder.section):
            mine = stack.enter_context(file_lock(folder.lock))
        if mine is None:
            raise CimError(
                f"{folder.root} in use by another run ({holder(folder.lock) or 'unknown'})",
                "one run at a time in a folder",
                f"wait until it has ended, or set {folder.section}.output to another folder",
            )
        yield


@dataclass(frozen=True)
class Contents:
    """All that a folder is to hold. links: files under a second name, by their names in the folder. texts: others.

    made_from: of what the links are made, as fingerprints.
    """

    links: Mapping[str, Path]
    texts: Mapping[str, str]
    made_from: tuple[str, ...]

    def fingerprint(self) -> str:
        """Of what decides the folder."""
        sizes = {name: path.stat().st_size for name, path in self.links.items()}
        return fingerprint("export", code_of(__name__), sizes, dict(self.texts), list(self.made_from))


def publish(folder: ExportFolder, contents: Contents, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Make the folder hold `contents` and nothing else but hidden files; `facts` with how many are linked, and copied.

    README.md, which makes it look finished, goes first and comes last; then the done marker beside the folder. For the
    holder of the lock. Raises CimError where the disk is full or can't be written.
    """
    made_from = contents.fingerprint()
    if (known := done(folder, made_from, contents)) is not None:
        return known
    with writing(folder.root, folder.section):
        unmark(folder.root)
        (folder.root / README).unlink(missing_ok=True)
        write_json(folder.root / CARD, {"made by": "flows.export"})
        _clear(folder.root, {CARD, *contents.links}, contents.texts)
        how = [link_or_copy(path, folder.root / name) for name, path in contents.links.items()]
        for name, text in sorted(contents.texts.items(), key=lambda one: one[0] == README):
            write_bytes(folder.root / name, text.encode())
        found = {**facts, "linked": how.count("linked"), "copied": how.count("copied")}
        write_json(marker_of(folder.root), {"fingerprint": made_from, "holds": _sizes(folder), "facts": found})
    return found


def done(folder: ExportFolder, made_from: str, contents: Contents) -> dict[str, Any] | None:
    """The facts of an earlier run that made the folder from just this, if all its files are still there."""
    marker = record_if_any(marker_of(folder.root))
    if marker.get("fingerprint") != made_from or marker.get("holds") != _sizes(folder):
        return None
    pairs = [(folder.root / name, path) for name, path in contents.links.items()]
    same = all(one.stat().st_mtime_ns == other.stat().st_mtime_ns for one, other in pairs)
    return dict(marker.get("facts") or {}) if same else None


def _clear(root: Path, kept: Collection[str], texts: Collection[str]) -> None:
    """Remove files of other exports, and temporary ones of runs that were killed; folders left empty by that."""
    known = {PurePosixPath(name).name for name in (*kept, *texts)}
    for path in sorted(root.rglob("*"), reverse=True):
        name = path.relative_to(root).as_posix()
        if path.is_dir() and not _hidden(name) and not any(path.iterdir()):
            path.rmdir()
        elif path.is_file() and name not in kept:
            temporary = any(path.name.startswith(f".{one}.") for one in known)
            if temporary or not _hidden(name):
                path.unlink()


def _hidden(name: str) -> bool:
    """Of git, and of what uploads: not ours."""
    return any(part.startswith(".") for part in name.split("/"))


def _sizes(folder: ExportFolder) -> dict[str, int]:
    """Bytes of every file that is not hidden: there may be thousands of large ones, too many to hash."""
    files = {
        path.relative_to(folder.root).as_posix(): path for path in sorted(folder.root.rglob("*")) if path.is_file()
    }
    return {name: path.stat().st_size for name, path in files.items() if not _hidden(name)}


@contextmanager
def writing(root: Path, section: str) -> Iterator[None]:
    """An OSError inside becomes a CimError that says what to do. section: of the params that name `root`."""
    try:
        yield
    except OSError as error:
        full = error.errno in _FULL
        other = f"mend its rights, or set {section}.output to another folder"
        raise CimError(
            f"{root} can't be written ({error.strerror or error})",
            "a folder with room that you may write to",
            "free space and run it again: what is there is kept" if full else other,
        ) from error
