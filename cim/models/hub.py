"""The Hugging Face hub: pinned commits only, whole downloads, and its many errors as one clear one."""

import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from glob import escape
from pathlib import Path

from cim.errors import CimError
from cim.params.models import COMMIT


def check_pinned(name: str, revision: str | None) -> str:
    """`revision`, a commit hash. Raises CimError for anything else."""
    if revision is None or not COMMIT.fullmatch(revision):
        raise CimError(
            f"revision {revision!r} for the hub id {name}",
            "a commit hash of 40 hex digits (branches and tags move, so a run could not be repeated)",
            f"copy it from https://huggingface.co/{name}/commits/main",
        )
    return revision


def download(name: str, commit: str, folder: Path, wanted: Callable[[Iterable[str], str], list[str]]) -> None:
    """Bring files of hub repository `name` at `commit` into `folder`, going on with what an earlier call left there.

    wanted: given the names of all its files and where they are, those to bring. It is asked before anything arrives.
    Raises CimError when the hub can't be reached or refuses, and when a file is missing afterwards.
    """
    from huggingface_hub import HfApi, snapshot_download

    with _hub_errors(name, commit):
        files = HfApi().list_repo_files(name, revision=commit)
    names = wanted(files, f"the {len(files)} files of {name} at {commit}")
    with _hub_errors(name, commit):
        snapshot_download(name, revision=commit, local_dir=folder, allow_patterns=[escape(one) for one in names])
    if lacking := [one for one in names if not (folder / one).is_file()]:
        raise CimError(
            f"a partial download of {name}: {len(lacking)} files are missing, first {lacking[0]}",
            "all files of the revision",
            "run it again; it continues where it stopped",
        )
    shutil.rmtree(folder / ".cache", ignore_errors=True)  # the hub client's bookkeeping


@contextmanager
def _hub_errors(name: str, revision: str) -> Iterator[None]:
    """What goes wrong with the hub inside becomes a CimError that says what to do."""
    from huggingface_hub.errors import HFValidationError, RepositoryNotFoundError, RevisionNotFoundError
    from huggingface_hub.errors import HTTPError as HubTrouble  # type: ignore[attr-defined]  # of its HTTP library

    try:
        yield
    except (RepositoryNotFoundError, RevisionNotFoundError, HFValidationError) as error:
        raise CimError(
            f"the hub refuses {name} at {revision} ({type(error).__name__}: {error})",
            "a model and commit that exist and that this account may read",
            "check name and revision; for gated models accept the licence and log in with `hf auth login`",
        ) from error
    except (HubTrouble, OSError) as error:  # no network, a time-out, offline mode, a server error, a full disk
        raise unreachable(name, error) from error


def unreachable(name: str, error: Exception) -> CimError:
    """The error for a download that did not come about."""
    return CimError(
        f"no download of {name} ({type(error).__name__}: {error})",
        "a server that can be reached (HF_ENDPOINT, default https://huggingface.co) and room on the disk",
        "check network, proxy and HF_HUB_OFFLINE and run again; or copy the model folder here by other means and"
        " give its path as the name",
    )
