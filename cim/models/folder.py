"""The files of a model folder that count: weights in safetensors and text, never pickles."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePath

from cim.errors import CimError
from cim.fingerprint import hash_files

WEIGHTS, CODE = ".safetensors", ".py"
MODEL_CARD = "README.md"
_FRONT_MATTER = re.compile(r"\s*---[\r\n]+(.*?)[\r\n]+---", re.S)
_SUFFIXES = (WEIGHTS, ".json", ".jinja", ".txt", ".model", CODE)
# Lineage and what a training leaves: nothing of the model.
_OTHER = ("cim.json", ".done.json", "trainer_state.json", "all_results.json", "eval_results.json", "train_results.json")


def is_model_file(path: PurePath) -> bool:
    """Whether the file at `path`, relative to its model folder, has a say in what the model computes."""
    hidden = any(part.startswith(".") for part in path.parts)
    return path.suffix in _SUFFIXES and not path.name.endswith(_OTHER) and not hidden


def model_files(folder: Path) -> list[Path]:
    """Files of `folder` that decide what the model computes, sorted: weights, configuration, tokenizer, code."""
    return sorted(p for p in folder.rglob("*") if is_model_file(p.relative_to(folder)) and p.is_file())


def folder_fingerprint(folder: Path) -> str:
    """16 hex digits naming exactly the model in `folder`, by its `model_files`. Imports no torch."""
    return hash_files(folder, model_files(folder))[:16]


def stated_license(folder: Path) -> str | None:
    """The licence that the model card in `folder` states in its front matter; None where it states none."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        front = _FRONT_MATTER.match((folder / MODEL_CARD).read_text(encoding="utf-8"))
        found = YAML(typ="safe").load(front[1]) if front else None
    except (OSError, ValueError, YAMLError):  # no card, or a broken one
        return None
    stated = [found.get(name) for name in ("license_name", "license")] if isinstance(found, dict) else []
    return next((name for name in stated if isinstance(name, str) and name.strip()), None)


def check_complete(names: Iterable[str], where: str, needs: Sequence[str] = ()) -> None:
    """Raise CimError unless `names`, the files of the model at `where`, have safetensors weights and all of `needs`."""
    names = set(names)
    if lacking := [name for name in needs if name not in names]:
        raise CimError(
            f"no {lacking[0]} in {where}", f"a model folder with {', '.join(needs)}", "mend the name or path"
        )
    if not any(name.endswith(WEIGHTS) for name in names):
        raise CimError(
            f"no {WEIGHTS} file in {where}",
            "weights in safetensors (pickled .bin and .pt files can run code and are never read)",
            "take a revision that has them (many hub repositories keep one on refs/pr/N) or another model, or convert"
            " with save_pretrained on a machine you trust",
        )


def check_folder(folder: Path, needs: Sequence[str] = ()) -> None:
    """Raise CimError unless `folder` holds safetensors weights and all of `needs`, names relative to it."""
    check_complete((path.relative_to(folder).as_posix() for path in model_files(folder)), str(folder), needs)
