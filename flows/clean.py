"""What takes room and can go, and what it would cost to have it again; removes what is named.

python -m flows.clean [NAME ...]
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from shutil import disk_usage, rmtree

from cim.command import plain_exit
from cim.errors import CimError

MIB = 2**20
KEPT = ("README.md", ".gitignore")  # of data/, which git has
CACHE = Path(".dvc/cache")


@dataclass(frozen=True)
class Removable:
    """Folders and files, by globs from the repository's root, and what their loss costs."""

    name: str
    globs: tuple[str, ...]
    cost: str

    def paths(self) -> list[Path]:
        """What is there, without what git has."""
        found = sorted({path for glob in self.globs for path in Path().glob(glob)})
        return [path for path in found if not (path.parent == Path("data") and path.name in KEPT)]


REMOVABLE = (
    Removable("rests", ("data/**/.*.partial", "data/shards/.plan", "data/shards/.copies"), "nothing: of killed runs"),
    Removable("checkpoints", ("data/tuned/checkpoints",), "a training that was killed begins anew"),
    Removable("training", ("data/tuned/training",), "the next tuning trains again, also for another interpolation"),
    Removable("downloads", ("data/models/recaption",), "captioners of re-captioning are fetched again"),
    Removable("logs", ("data/logs",), "captions a second of earlier runs"),
    Removable("cache", (str(CACHE),), "earlier results are made again, or pulled; those of now are kept"),
    Removable("all", ("data/*", str(CACHE), ".dvc/tmp"), "the whole of `make run`, or `dvc pull`"),
)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command: see the module's docstring."""
    parser = argparse.ArgumentParser(prog="python -m flows.clean", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(one.name for one in REMOVABLE)}")
    options = parser.parse_args(arguments)
    with plain_exit("clean"):
        clean(options.names)


def clean(names: Sequence[str]) -> None:
    """Remove what is named, or list all. Raises CimError outside of the repository, and for a name that is none.

    Not while a run works: it would make again what goes, or fail for lack of it.
    """
    if not Path("dvc.yaml").is_file():
        raise CimError("no dvc.yaml here", "the repository's root as the working directory", "cd there first")
    known = {one.name: one for one in REMOVABLE}
    if unknown := [name for name in names if name not in known]:
        raise CimError(f"{', '.join(unknown)} to remove", f"some of {', '.join(known)}", "name one of these")
    if not names:
        print("\n".join(table()))
    for name in names:
        before = size(known[name].paths())
        remove(known[name])
        print(f"{name}: {(before - size(known[name].paths())) / MIB:,.1f} MiB removed")


def table() -> Iterator[str]:
    """A line each, and what the disk has left."""
    for one in REMOVABLE:
        yield f"{one.name:<12} {size(one.paths()) / MIB:>10,.1f} MiB  costs: {one.cost}"
    yield f"{'free':<12} {disk_usage(Path()).free / MIB:>10,.1f} MiB"


def remove(one: Removable) -> None:
    """Of the cache what the artefacts of now do not need; everything else whole."""
    if one.name == "cache":
        command = [sys.executable, "-m", "dvc", "gc", "--workspace", "--force"]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            raise CimError(f"dvc gc failed:\n{done.stdout}", "a DVC project that nothing works in", "see above")
        return
    for path in one.paths():
        if path.is_dir() and not path.is_symlink():
            rmtree(path)
        else:
            path.unlink()


def size(paths: Sequence[Path]) -> int:
    """Bytes of all files in `paths`: links not followed, a file of several names counted once, one that is gone not."""
    seen: dict[tuple[int, int], int] = {}
    for path in paths:
        folders = os.walk(path) if path.is_dir() and not path.is_symlink() else [(path.parent, [], [path.name])]
        for file in (Path(folder, name) for folder, _, names in folders for name in names):
            with suppress(FileNotFoundError):  # a run may be at it
                at = file.lstat()
                seen[at.st_dev, at.st_ino] = at.st_size
    return sum(seen.values())


if __name__ == "__main__":
    main()
