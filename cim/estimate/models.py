"""The models that params name: where each comes from, and its shape, without loading one."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cim.atomic import read_json
from cim.errors import CimError
from cim.estimate.published import CAPTIONERS, OPEN_CLIP, TEXT_ENCODERS
from cim.estimate.shapes import CaptionerShape, UnknownSizes, captioner_shape, clip_parameters, text_encoder_parameters
from cim.models.fetch import PACKAGE, local_folder
from cim.params import FittedClip, FittedHeads, FittedText, Models, TinyCaptioner, TowerCaptioner
from cim.params.models import HUB, ClipEncoder, Loaded, TextEncoder

STAGES = {"text": "models@text", "image": "models@image", "heldout": "models-heldout", "captioner": "models-captioner"}


@dataclass(frozen=True)
class Encoder:
    """An encoder's parameters and the dimensions of its vectors; None for both where its shape is not known.

    text: parameters of what a CLIP model encodes texts by, which alone is loaded to score captions.
    """

    parameters: int | None
    dim: int | None
    text: int | None = None


@dataclass(frozen=True)
class Shapes:
    """What could be learnt of the models. captioner: None where its shape is not known."""

    captioner: CaptionerShape | None
    text: Encoder
    image: Encoder
    heldout: Encoder


def where(params: Models) -> dict[str, str]:
    """Role -> what is said of its model: made here, here already, or the command that fetches it."""
    found = {}
    for role in STAGES:
        model = params.captioner if role == "captioner" else getattr(params, f"{role}_encoder")
        found[role] = _where(model, f"dvc repro {STAGES[role]}")
    return found


def missing(params: Models) -> list[str]:
    """Names of models that are neither made, nor here, nor on a hub."""
    lines = where(params)
    return [f"{role}: {text}" for role, text in lines.items() if text.startswith("not found")]


def shapes(params: Models) -> Shapes:
    """Shapes by local configurations and the table of published ones. Raises CimError for a config not understood."""
    return Shapes(
        _captioner(params.captioner),
        _text(params.text_encoder),
        _clip(params.image_encoder),
        _clip(params.heldout_encoder),
    )


def _where(model: Any, command: str) -> str:
    if isinstance(model, FittedHeads):
        parts = (_where(model.text, command), _trunk(model, command))
        return next((part for part in parts if part.startswith("not found")), f"made by {command}")
    if not isinstance(model, Loaded):
        return f"made by {command}"
    if model.on_hub():
        return f"{model.name.removeprefix(HUB)} at {(model.revision or '')[:12]}, fetched by {command}"
    if model.name.startswith(PACKAGE):
        try:
            local_folder(model.name, "models")
        except CimError as error:
            return f"not found: {error.found}"
        return f"here, {model.name}"
    pretrained = getattr(model, "pretrained", None)
    if pretrained is not None and not Path(pretrained).exists():
        return f"{model.name} with {pretrained}, fetched by {command}"
    if Path(model.name).expanduser().exists() or pretrained is not None:
        return f"here, {model.name}"
    return f"not found: {model.name} is no folder here, and no hub id with a revision"


def _trunk(model: FittedHeads, command: str) -> str:
    from cim.trunks.weights import local_weights

    try:
        here = local_weights(model.trunk)
    except CimError as error:
        return f"not found: {error.found}"
    return f"here, {here}" if here else f"fetched by {command}"


def _captioner(model: Any) -> CaptionerShape | None:
    if isinstance(model, TinyCaptioner):
        from cim.warm_start.tiny import SPECIAL, tiny_captioner_config

        ids = {token: place for place, token in enumerate(SPECIAL)}
        return captioner_shape(tiny_captioner_config(model, model.vocabulary, ids), "the tiny captioner")
    if isinstance(model, TowerCaptioner):
        return None  # a CNN is no stack of equal layers
    config = _config(model, "config.json") or CAPTIONERS.get(model.name)
    try:
        return None if config is None else captioner_shape(config, model.name)
    except UnknownSizes:
        return None


def _text(model: TextEncoder) -> Encoder:
    config = _config(model, "config.json") or TEXT_ENCODERS.get(model.name)
    return Encoder(None, None) if config is None else Encoder(*text_encoder_parameters(config, model.name))


def _clip(model: ClipEncoder) -> Encoder:
    if isinstance(model, FittedClip):
        from cim.encoders.tower import tiny_config

        return Encoder(*clip_parameters(tiny_config(model, 77)["model_cfg"]))
    if isinstance(model, FittedHeads):
        return _heads(model)
    import open_clip

    from cim.encoders.text_tower import text_cfg_here

    name = model.name.removeprefix(HUB)
    local = _config(model, "open_clip_config.json")
    config = local["model_cfg"] if local else open_clip.get_model_config(OPEN_CLIP.get(name, name))
    folder = local_folder(model.name, "models") if local else None
    if folder is not None and (text := text_cfg_here(folder, config)):
        config |= {"text_cfg": text}
    return Encoder(None, None) if config is None else Encoder(*clip_parameters(config))


def _heads(model: FittedHeads) -> Encoder:
    import timm

    declared = timm.get_pretrained_cfg(model.trunk.architecture)
    if declared is None:
        return Encoder(None, None)
    if isinstance(model.text, FittedText):
        from cim.encoders.locked import CONTEXT
        from cim.encoders.own_text import SPECIAL, own_text_config

        with TemporaryDirectory() as folder:
            own_text_config(model.text, model.text.vocabulary + len(SPECIAL), CONTEXT).save_pretrained(folder)
            return _of_heads(model, asdict(declared), folder)
    if _config(model.text, "config.json") is None:
        return Encoder(None, None)
    return _of_heads(model, asdict(declared), str(local_folder(model.text.name, "models")))


def _of_heads(model: FittedHeads, declared: Mapping[str, Any], folder: str) -> Encoder:
    from cim.encoders.locked import locked_config

    text = {"hf_model_name": folder, "hf_model_pretrained": False}
    return Encoder(*clip_parameters(locked_config(model, declared, text)["model_cfg"]))


def _config(model: Loaded, name: str) -> Mapping[str, Any] | None:
    """The configuration in the model's folder here, None where there is no such folder, or no such package."""
    try:
        folder = local_folder(model.name, "models")
    except CimError:  # said by `where`
        return None
    if folder is None:
        return None
    if not (folder / name).is_file():
        raise CimError(
            f"no {name} in {folder}", "a whole model folder", "mend the name of the model, or fetch it again"
        )
    values: Mapping[str, Any] = read_json(folder / name)
    return values
