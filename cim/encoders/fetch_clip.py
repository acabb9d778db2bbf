"""Bring an open_clip model into a model folder: by architecture and tag, from the hub, or from local files."""

import difflib
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import open_clip
from open_clip.factory import get_model_config

from cim.encoders.clip import CONFIG, check_alone, save_clip
from cim.errors import CimError
from cim.models.fetch import PACKAGE, Wanted, fetch, unreachable
from cim.params import LoadedClip
from cim.params.models import HUB, HUB_ID


def fetch_open_clip(params: LoadedClip, out: Path, key: str) -> None:
    """Put the model that `params` names into the folder `out`, as safetensors, usable without network from then on.

    name is `hf-hub:ORG/NAME` (or ORG/NAME) with a pinned revision, a local folder with open_clip_config.json, or an
    architecture that open_clip knows; the last needs `pretrained`, a tag or a local checkpoint file. key: the section
    of params, for errors. Raises CimError when it is none of these.
    """
    name = params.name.removeprefix(HUB)
    if params.name.startswith((HUB, PACKAGE)) or HUB_ID.fullmatch(name) or Path(name).expanduser().is_dir():
        fetch(params, out, Wanted(f"{key}.name", [CONFIG]))
    else:
        _create(params.name, params.pretrained, out, key)


def _create(name: str, pretrained: str | None, out: Path, key: str) -> None:
    if name not in open_clip.list_models():
        near = difflib.get_close_matches(name, open_clip.list_models(), n=3)
        raise CimError(
            f"{key}.name {name!r}",
            "an architecture of open_clip" + (f" (near: {', '.join(near)})" if near else ""),
            "see open_clip.list_models(), or give hf-hub:ORG/NAME or a local folder",
        )
    config = get_model_config(name)
    check_alone(config)
    local = pretrained is not None and Path(pretrained).is_file()
    tags = open_clip.list_pretrained_tags_by_model(name)
    if not local and pretrained not in tags:
        raise CimError(
            f"{key}.pretrained {pretrained!r} for {name}",
            f"a local checkpoint file, or one of {', '.join(tags) or '(there is no tag for it)'}",
            f"mend {key}.pretrained",
        )
    try:
        model = open_clip.create_model(name, pretrained=pretrained, weights_only=True)
        tokenizer = open_clip.get_tokenizer(name)
    except (OSError, RuntimeError, ValueError, UnpicklingError) as error:
        if local:
            raise CimError(
                f"{pretrained} does not load as {name} ({type(error).__name__}: {error})",
                "a checkpoint of that architecture that holds nothing but weights",
                f"mend {key}",
            ) from error
        raise unreachable(f"{name} {pretrained}", error) from error
    save_clip(model, {"model_cfg": config, "preprocess_cfg": _preprocess(model)}, out)
    if hasattr(tokenizer, "tokenizer"):  # a Hugging Face tokenizer: its files must lie in the folder
        tokenizer.tokenizer.save_pretrained(str(out))


def _preprocess(model: Any) -> dict[str, Any]:
    return {
        k: v for k, v in model.visual.preprocess_cfg.items() if k in ("mean", "std", "interpolation", "resize_mode")
    }
