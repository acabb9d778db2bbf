"""Model files from the Hugging Face hub, at a pinned commit, or one clear error."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cim.errors import CimError
from cim.params.models import COMMIT


@contextmanager
def downloaded(name: str, revision: str | None, patterns: list[str], beside: Path) -> Iterator[Path]:
    """A folder with the files of hub repository `name` at commit `revision` that match `patterns`, for a while.

    It lies in `beside`. It goes when the caller has used it and stays when the download breaks off, to be continued.
    Raises CimError without a pinned revision, for an unknown one, and when the hub can't be reached.
    """
    if revision is None or not COMMIT.fullmatch(revision):
        raise CimError(
            f"revision {revision!r} for the hub id {name}",
            "a commit hash of 40 hex digits (branches and tags move, so a run could not be repeated)",
            f"copy it from https://huggingface.co/{name}/commits/main",
        )
    folder = beside / f".download-{name.replace('/', '--')}-{revision[:12]}"
    _download(name, revision, patterns, folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def _download(name: str, revision: str, patterns: list[str], folder: Path) -> None:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, RepositoryNotFoundError, RevisionNotFoundError
    from huggingface_hub.errors import HTTPError as HubTrouble  # type: ignore[attr-defined]  # of its HTTP library

    try:
        snapshot_download(name, revision=revision, local_dir=folder, allow_patterns=patterns)
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
        "check network, proxy and HF_HUB_OFFLINE and run again; or copy the model here by hand and give its path",
    )
