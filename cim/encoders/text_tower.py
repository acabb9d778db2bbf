"""Text towers of Hugging Face in open_clip models: from a folder beside the weights, never from the hub."""

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch

from cim.atomic import read_json, write_json
from cim.errors import CimError

FOLDER = "text"  # of a model's folder: the tower's config.json; its weights are in the model's own file
IN_CONFIG = f"./{FOLDER}"  # to open_clip a path from where it is called; the dot keeps it from being asked of the hub
CONFIG = "config.json"
_TOKENIZER = ("tokenizer", "special_tokens", "vocab", "merges", "spiece", "sentencepiece", "added_tokens")


def bring_text_tower(source: Path, folder: Path) -> dict[str, Any]:
    """Put what open_clip reads of the text model in `source` into `folder`; the text_cfg entries that name it.

    Its configuration goes to FOLDER, its tokenizer beside the weights, where open_clip looks for it.
    Raises CimError where `source` is no model of transformers, or wants code of its own.
    """
    _configuration(source)
    (folder / FOLDER).mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source / CONFIG, folder / FOLDER / CONFIG)
    for file in source.iterdir():
        if file.is_file() and file.name.startswith(_TOKENIZER):
            shutil.copyfile(file, folder / file.name)
    return {"hf_model_name": IN_CONFIG, "hf_tokenizer_name": IN_CONFIG}


def adopt_text_tower(config_file: Path) -> None:
    """Where the text tower of an open_clip folder's config is a model folder elsewhere on this machine, bring it in."""
    config = read_json(config_file)
    text: dict[str, Any] = config["model_cfg"]["text_cfg"]
    name = text.get("hf_model_name")
    if name is None or _inside(config_file.parent, name) is not None or not Path(name).expanduser().is_dir():
        return
    text |= bring_text_tower(Path(name).expanduser(), config_file.parent)
    write_json(config_file, config)


def text_cfg_here(folder: Path, config: Mapping[str, Any]) -> dict[str, Any] | None:
    """text_cfg of the model in `folder` with its text tower's place as a path; None where none lies in the folder."""
    text = config["text_cfg"]
    place = _inside(folder, text.get("hf_model_name") or "")
    if place is None:
        return None
    _configuration(place)
    return {**text, "hf_model_name": str(place), "hf_model_pretrained": False}


def pad_of(model: Any) -> int | None:
    """The token that an open_clip model's tower of transformers leaves out; None for towers of open_clip's own."""
    config = getattr(getattr(model, "text", None), "config", None)
    return getattr(config, "pad_token_id", None)


def by_length(tokens: torch.Tensor, pad: int, size: int) -> Iterable[torch.Tensor]:
    """The rows of (n, context) token ids in groups of `size` of about one length, the longest first."""
    lengths = (tokens != pad).sum(dim=1)
    return torch.split(lengths.argsort(descending=True, stable=True), size)


def trimmed(tokens: torch.Tensor, pad: int) -> torch.Tensor:
    """(n, m) of (n, context) token ids: without the columns at the end that are padding in all rows.

    open_clip pads each text to the whole context, which costs a tower of transformers five times the work.
    """
    used = (tokens != pad).any(dim=0).nonzero()
    return tokens[:, : int(used.max()) + 1 if len(used) else 1]


def _inside(folder: Path, name: str) -> Path | None:
    """The place in `folder` that a config names, None for a name that is none, absolute or leading out of it."""
    place = folder / name
    inside = name and not Path(name).is_absolute() and ".." not in Path(name).parts
    return place if inside and (place / CONFIG).is_file() else None


def _configuration(folder: Path) -> None:
    if not (folder / CONFIG).is_file():
        raise CimError(f"no {CONFIG} in {folder}", "a model folder of transformers", "mend the name of the text tower")
    if "auto_map" in read_json(folder / CONFIG):
        raise CimError(
            f"{folder / CONFIG} names code of its own (auto_map)",
            "an architecture that transformers has: nothing found in a model folder is executed",
            "take another text tower",
        )
