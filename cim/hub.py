"""The Hugging Face hub: pinned commits only, and its many errors as one clear one."""

from collections.abc import Iterator
from contextlib import contextmanager

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


@contextmanager
def hub_errors(name: str, revision: str) -> Iterator[None]:
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
