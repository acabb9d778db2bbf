"""Bring an open_clip model into a model folder: by architecture and tag, from the hub, or from local files."""

import difflib
import json
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import open_clip
from open_clip.factory import get_model_config

from cim.encoders.fetch import PATTERNS, copy_safe
from cim.encoders.hub import downloaded
from cim.encoders.save import CONFIG, save_clip
from cim.errors import CimError
from cim.hub import unreachable
from cim.params import LoadedClip
from cim.params.models import HUB, HUB_ID

WHERE = "models.image_encoder or heldout_encoder"


def fetch_open_clip(params: LoadedClip, out: Path) -> None:
    """Put the model that `params` names into the folder `out`, as safetensors, usable without network from then on.

    name is `hf-hub:ORG/NAME` (or ORG/NAME) with a pinned revision, a local folder with open_clip_config.json, or an
    architecture that open_clip knows; the last needs `pretrained`, a tag or a local checkpoint file.
    Raises CimError when it is none of these.
    """
    name = params.name.removeprefix(HUB)
    if Path(name).is_dir():
        _copy(Path(name), out)
    elif params.name.startswith(HUB) or HUB_ID.fullmatch(name):
        with downloaded(name, params.revision, PATTERNS, out.parent) as source:
            _copy(source, out)
    else:
        _create(name, params.pretrained, out)


def _copy(source: Path, out: Path) -> None:
    if not (source / CONFIG).is_file():
        raise CimError(f"no {CONFIG} in {source}", "an open_clip model folder", f"mend {WHERE}.name")
    config = json.loads((source / CONFIG).read_text(encoding="utf-8"))
    if inner := config["model_cfg"]["text_cfg"].get("hf_model_name"):
        raise _needs_hub(inner)
    copy_safe(source, out)


def _create(name: str, pretrained: str | None, out: Path) -> None:
    config = get_model_config(name)
    if config is None:
        near = difflib.get_close_matches(name, open_clip.list_models(), n=3)
        raise CimError(
            f"{WHERE}.name {name!r}",
            "an architecture of open_clip" + (f" (near: {', '.join(near)})" if near else ""),
            "see open_clip.list_models(), or give hf-hub:ORG/NAME or a local folder",
        )
    if inner := config["text_cfg"].get("hf_model_name"):
        raise _needs_hub(inner)
    local = pretrained is not None and Path(pretrained).is_file()
    tags = open_clip.list_pretrained_tags_by_model(name)
    if not local and pretrained not in tags:
        raise CimError(
            f"{WHERE}.pretrained {pretrained!r} for {name}",
            f"a local checkpoint file, or one of {', '.join(tags) or '(there is no tag for it)'}",
            f"mend {WHERE}.pretrained",
        )
    try:
        model = open_clip.create_model(name, pretrained=pretrained, weights_only=True)
        tokenizer = open_clip.get_tokenizer(name)
    except (OSError, RuntimeError, ValueError, UnpicklingError) as error:
        if local:
            raise CimError(
                f"{pretrained} does not load as {name} ({type(error).__name__}: {error})",
                "a checkpoint of that architecture that holds nothing but weights",
                f"mend {WHERE}",
            ) from error
        raise unreachable(f"{name} {pretrained}", error) from error
    save_clip(model, {"model_cfg": config, "preprocess_cfg": _preprocess(model)}, out)
    if hasattr(tokenizer, "tokenizer"):  # a Hugging Face tokenizer: its files must lie in the folder
        tokenizer.tokenizer.save_pretrained(str(out))


def _preprocess(model: Any) -> dict[str, Any]:
    return {
        k: v for k, v in model.visual.preprocess_cfg.items() if k in ("mean", "std", "interpolation", "resize_mode")
    }


def _needs_hub(inner: str) -> CimError:
    return CimError(
        f"an open_clip model whose text tower is the Hugging Face model {inner}, fetched anew at every start",
        "a model that works without network",
        f"give {WHERE} one with a text tower of its own (ViT, ResNet, SigLIP, MetaCLIP, DFN and others)",
    )
