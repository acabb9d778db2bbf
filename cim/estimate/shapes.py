"""Numbers of a model, counted on the meta device from its configuration: no weights are read, no memory is taken."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cim.errors import CimError
from cim.tuning.policy import vision_tower

LONGEST = 200
"""Letters of a library's message that are shown."""


class UnknownSizes(CimError):
    """A captioner of which nothing can be summed up, though it may well be tuned."""


@dataclass(frozen=True)
class Tower:
    """A stack of equal layers. heads: of attention. kv: width of a token's keys (and values), all heads together."""

    layers: int
    hidden: int
    intermediate: int
    heads: int
    kv: int


@dataclass(frozen=True)
class CaptionerShape:
    """What the sums need of a captioner.

    parameters: all, tied ones once. vision_parameters: those that tune.vision: frozen keeps as they are, 0 where no
    tower is found.
    layer: parameters of its largest layer. outside: parameters in no layer (embeddings, head).
    lora, vision_lora: adapters' parameters a unit of rank, inputs + outputs of every linear layer but the head.
    context: tokens that the text takes at most.
    patch: width of a patch in pixels. merge: patches a side that become one token. patch_values: numbers of one patch.
    fixed_side: pixels a side of every image, None where the processor keeps an image's size.
    """

    parameters: int
    vision_parameters: int
    layer: int
    outside: int
    lora: int
    vision_lora: int
    text: Tower
    vision: Tower
    vocabulary: int
    context: int
    patch: int
    merge: int
    patch_values: int
    fixed_side: int | None

    def patches(self, pixels: int) -> int:
        """Patches of an image of so many pixels."""
        return (self.fixed_side**2 if self.fixed_side else pixels) // self.patch**2

    def image_tokens(self, pixels: int) -> int:
        """Tokens of that image in the prompt."""
        return self.patches(pixels) // self.merge**2


def captioner_shape(config: Mapping[str, Any] | Any, name: str) -> CaptionerShape:
    """The shape of `config`, a transformers config or the values of one, named `name` in errors.

    Raises CimError for what the installed transformers knows no image-text-to-text model for; UnknownSizes.
    """
    import torch
    from transformers import AutoConfig, AutoModelForImageTextToText

    config = _as_config(AutoConfig, config, name)
    try:
        with torch.device("meta"):
            model = AutoModelForImageTextToText.from_config(config)
    except ValueError as error:
        raise CimError(
            f"{name}, of type {config.model_type} ({error})".splitlines()[0][:LONGEST],
            "a model of AutoModelForImageTextToText",
            "name another models.captioner",
        ) from error
    try:
        return _shape(config, model)
    except (AttributeError, RuntimeError) as error:  # RuntimeError: sizes that differ from layer to layer
        raise UnknownSizes(
            f"a config of {name}, of type {config.model_type}, that says its sizes otherwise ({error})"[:LONGEST],
            "those of Qwen-VL, LLaVA, Gemma 3, Idefics and their kin",
            "estimate without it; it may be tuned all the same",
        ) from error


def _shape(config: Any, model: Any) -> CaptionerShape:
    import torch

    text, vision = config.get_text_config(), config.vision_config
    heads = text.num_attention_heads
    width = getattr(text, "head_dim", None) or text.hidden_size // heads
    patch, channels = _one(vision.patch_size), int(getattr(vision, "in_channels", 0) or 3)
    merge = int(getattr(vision, "spatial_merge_size", 0) or getattr(config, "spatial_merge_size", 1))
    frames = _one(getattr(vision, "temporal_patch_size", 1))
    seen = _tower(model)
    layers = [_size(layer) for stack in _stacks(model) for layer in stack]
    linear = {n: m for n, m in model.named_modules() if isinstance(m, torch.nn.Linear)}
    head = model.get_output_embeddings()
    lora = {n: m.in_features + m.out_features for n, m in linear.items() if m is not head}
    return CaptionerShape(
        parameters=_size(model),
        vision_parameters=_size(model.get_submodule(seen)) if seen else 0,
        layer=max(layers),
        outside=_size(model) - sum(layers),
        lora=sum(lora.values()),
        vision_lora=sum(value for n, value in lora.items() if seen and n.startswith(f"{seen}.")),
        text=Tower(
            text.num_hidden_layers,
            text.hidden_size,
            text.intermediate_size,
            heads,
            (getattr(text, "num_key_value_heads", None) or heads) * width,
        ),
        vision=Tower(
            vision.num_hidden_layers,
            vision.hidden_size,
            int(getattr(vision, "intermediate_size", 0) or 4 * vision.hidden_size),
            int(getattr(vision, "num_heads", 0) or vision.num_attention_heads),
            vision.hidden_size,
        ),
        vocabulary=text.vocab_size,
        context=text.max_position_embeddings,
        patch=patch,
        merge=merge,
        patch_values=channels * frames * patch**2,
        fixed_side=_one(vision.image_size) if merge == 1 and getattr(vision, "image_size", None) else None,
    )


def text_encoder_parameters(config: Mapping[str, Any] | Any, name: str) -> tuple[int, int]:
    """Parameters and width of vectors of a text encoder's transformer."""
    import torch
    from transformers import AutoConfig, AutoModel

    config = _as_config(AutoConfig, config, name)
    with torch.device("meta"):
        return _size(AutoModel.from_config(config)), int(config.hidden_size)


def clip_parameters(config: Mapping[str, Any]) -> tuple[int, int, int]:
    """Parameters and d of the open_clip model with this model_cfg, and parameters of its text tower."""
    import open_clip
    import torch

    from cim.encoders.clip import keep_tower

    own = {name: value for name, value in config.items() if name != "custom_text"}
    kind = open_clip.CustomTextCLIP if config.get("custom_text") else open_clip.CLIP
    with torch.device("meta"):
        model = kind(**own)
    whole = _size(model)
    keep_tower(model, "text")
    return whole, int(config["embed_dim"]), _size(model)


def _as_config(auto: Any, config: Any, name: str) -> Any:
    if not isinstance(config, Mapping):
        return config
    values = dict(config)
    try:
        return auto.for_model(values.pop("model_type"), **values)
    except (KeyError, ValueError) as error:
        raise CimError(
            f"a config of {name} that the installed transformers does not know ({error})".splitlines()[0][:LONGEST],
            "the model_type of an architecture that it has",
            "update transformers, or name another model",
        ) from error


def _size(module: Any) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _tower(model: Any) -> str:
    """The name of the vision tower; empty where transformers finds none, which only freezing it needs."""
    try:
        return vision_tower(model)
    except CimError:
        return ""


def _stacks(model: Any) -> list[Any]:
    """The repeated layers of both towers."""
    import torch

    found = [m for m in model.modules() if isinstance(m, torch.nn.ModuleList) and len(m)]
    inner = {id(m) for stack in found for layer in stack for m in layer.modules()}
    return [stack for stack in found if id(stack) not in inner]


def _one(value: Any) -> int:
    """A side given as a number or as a list of equal ones."""
    return int(value[0] if isinstance(value, list | tuple) else value)
