"""Folders of artefacts that are links to other disks: what can't work is said before any work, with what can."""

import os
from collections.abc import Iterator
from pathlib import Path

from cim.errors import CimError
from cim.params.yaml import read_yaml

DVC_YAML = Path("dvc.yaml")


def check_links() -> None:
    """Raises CimError where the outputs of dvc.yaml can't be written, as a folder above them leads nowhere.

    In a stage that DVC runs also as `check_for_dvc` does; without DVC, links may lead anywhere.
    """
    for folder in {folder for out in outputs() for folder in (out, *out.parents)}:
        if folder.is_symlink() and not folder.exists():
            raise CimError(
                f"{folder} is a link to {os.readlink(folder)}, where nothing is",
                "a folder there",
                "make the folder, mount its disk, or remove the link",
            )
    for folder in {out.parent for out in outputs()}:
        if folder.exists() and not folder.is_dir():
            raise CimError(f"a file {folder}", "a folder, or nothing yet", "move the file away")
    if "DVC_STAGE" in os.environ:
        check_for_dvc()


def check_for_dvc() -> None:
    """Raises CimError where DVC would refuse an output after its stage has run.

    DVC writes a .gitignore beside each output, and refuses where that would be outside of the git repository. Told
    to leave git alone (core.no_scm) it takes such outputs, and an output that is itself a link it always takes.
    """
    if not list(_outside(Path.cwd())):
        return
    from dvc.repo import Repo  # a second; for few only
    from dvc.scm import NoSCM

    with Repo() as repo:
        if isinstance(repo.scm, NoSCM):
            return
        root = Path(repo.scm.root_dir)
    for link in _outside(root):
        raise CimError(
            f"{link} is a link to {os.path.realpath(link)}, outside of the git repository {root}: DVC would refuse what"
            " is made there after it is made",
            "outputs inside of the repository, or a DVC that leaves git alone",
            "run `dvc config --local core.no_scm true` (all works but `dvc exp` and `diff`), or mount the other disk"
            " here instead of the link (mount --bind), or put the clone itself on that disk",
        )


def outputs() -> Iterator[Path]:
    """What the stages of dvc.yaml make, those of a foreach with their ${...} as written. None without a dvc.yaml."""
    if not DVC_YAML.is_file():
        return
    for stage in read_yaml(DVC_YAML).get("stages", {}).values():
        made = stage.get("do", stage)
        for out in [out for kind in ("outs", "metrics", "plots") for out in made.get(kind, [])]:
            yield Path(out if isinstance(out, str) else next(iter(out)))


def _outside(root: Path) -> Iterator[Path]:
    """Links through which outputs come to lie outside of `root`."""
    for out in outputs():
        if not out.parent.resolve().is_relative_to(root.resolve()):
            yield next((folder for folder in out.parents if folder.is_symlink()), out)
