"""DVC's remote: which one is configured, and where in it an artefact is."""

from pathlib import Path
from typing import NamedTuple

from cim.errors import CimError
from flows.server import without_secret


class Remote(NamedTuple):
    """A DVC remote. url: without credentials."""

    name: str
    url: str


def remote_of(name: str | None = None) -> Remote:
    """The remote of that name, or the default one. Raises CimError where it is not configured."""
    if (found := configured(name)) is not None:
        return found
    raise CimError(
        f"no DVC remote {name!r}" if name else "no default DVC remote",
        "one that the artefacts can be copied to",
        "run `dvc remote add -d store ADDRESS`, with s3://BUCKET/PATH or a folder of another disk as ADDRESS",
    )


def configured(name: str | None = None) -> Remote | None:
    """The same; None where there is none."""
    from dvc.repo import Repo  # a second; not for those who never ask

    with Repo() as repo:
        chosen = name or repo.config["core"].get("remote")
        values = repo.config["remote"].get(chosen)
        return None if values is None else Remote(chosen, without_secret(str(values["url"])))


def address_of(path: Path) -> str | None:
    """Where `dvc push` puts the artefact at `path` in the default remote; None without one, or for none of DVC's."""
    if configured() is None:  # get_url would name a file of the local cache
        return None
    from dvc.api import get_url
    from dvc.exceptions import DvcException

    try:
        return without_secret(str(get_url(str(path))))
    except DvcException:
        return None
