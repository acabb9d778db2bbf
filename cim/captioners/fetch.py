"""Bring a captioner that exists into the data folder: from the hub at a pinned revision, or from a local folder."""

import shutil
from fnmatch import fnmatch
from pathlib import Path

from cim.captioners.load import captioner_files, check_captioner_folder
from cim.errors import CimError
from cim.fingerprint import fingerprint
from cim.hub import check_pinned, hub_errors
from cim.params import LoadedCaptioner
from cim.params.models import HUB_ID

# Weights only as safetensors; the rest is text. Python files come along only when the user trusts them.
PATTERNS = ("*.safetensors", "*.json", "*.jinja", "*.txt", "*.model")


def fetch_captioner(params: LoadedCaptioner, out: Path) -> None:
    """Make the folder `out` hold the captioner that `params` names, whole or not at all.

    A hub download continues where an earlier one of the same model broke off. Raises CimError for an unpinned or
    unknown revision, a model without safetensors, an unreachable hub, or a path where nothing is.
    """
    partial = out.with_name(f"{out.name}.{fingerprint(params)}.partial")  # never mixed with another model's files
    for stale in set(out.parent.glob(f"{out.name}.*.partial")) - {partial}:
        shutil.rmtree(stale)
    if Path(params.name).is_dir():
        _copy(params, partial)
    else:
        _download(params, partial)
    check_captioner_folder(partial)
    if out.exists():
        shutil.rmtree(out)
    partial.replace(out)


def _copy(params: LoadedCaptioner, out: Path) -> None:
    source = Path(params.name)
    check_captioner_folder(source)
    if out.exists():
        shutil.rmtree(out)
    for path in captioner_files(source):
        if path.suffix == ".py" and not params.trust_remote_code:
            continue
        target = out / path.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)


def _download(params: LoadedCaptioner, out: Path) -> None:
    if not HUB_ID.fullmatch(params.name):
        raise CimError(
            f"models.captioner.name {params.name!r}: no such folder, and not a hub id",
            "a local model folder or a hub id like Qwen/Qwen2.5-VL-3B-Instruct",
            "mend models.captioner.name",
        )
    revision = check_pinned(params.name, params.revision)
    from huggingface_hub import HfApi, snapshot_download

    patterns = [*PATTERNS, *(["*.py"] if params.trust_remote_code else [])]
    with hub_errors(params.name, revision):
        names = HfApi().list_repo_files(params.name, revision=revision)
        if not any(name.endswith(".safetensors") for name in names):
            raise CimError(
                f"no .safetensors file among the {len(names)} files of {params.name} at {revision}",
                "weights in safetensors (pickled .bin files can run code and are never fetched)",
                "pin a revision that has them (many repositories keep one on refs/pr/N), or convert the model yourself",
            )
        snapshot_download(params.name, revision=revision, local_dir=out, allow_patterns=patterns)
    wanted = [name for name in names if any(fnmatch(name, pattern) for pattern in patterns)]
    if lacking := sorted(name for name in wanted if not (out / name).is_file()):
        raise CimError(
            f"a partial download of {params.name}: {len(lacking)} files are missing, first {lacking[0]}",
            "all files of the revision",
            "run the stage again; it continues where it stopped",
        )
    shutil.rmtree(out / ".cache", ignore_errors=True)  # the hub client's bookkeeping
