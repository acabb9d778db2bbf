"""An open_clip model of a locked image model and a text model, with linear heads: made, fitted to a gallery, saved.

The text model is a pretrained one, locked as well, or one made from nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import open_clip
import torch
from open_clip.hf_configs import arch_dict
from open_clip.tokenizer import HFTokenizer
from torch import nn

from cim.batches import batched
from cim.encoders.clip import TRUNK, save_clip, transforms
from cim.encoders.heads import Features, KeptTexts, fit_heads
from cim.encoders.own_text import OwnTexts, write_own_text
from cim.encoders.pairs import check_enough, gallery_captions, gallery_pictures
from cim.encoders.sentence import open_sentence_transformer
from cim.encoders.text_tower import bring_text_tower, pad_of, text_cfg_here, trimmed
from cim.errors import CimError
from cim.models.device import pick_device
from cim.models.fetch import RequiredFiles, fetched
from cim.params import FittedHeads, FittedText
from cim.trunks.frozen import freeze, precision_here
from cim.trunks.pixels import Levels
from cim.trunks.weights import open_trunk

CONTEXT = 77  # tokens of a text; short ones cost no more for it (text_tower.trimmed)
PICTURES, TEXTS = 32, 128  # encoded at once
POOLERS = {"mean": "mean_pooler", "cls": "cls_last_hidden_state_pooler"}


@dataclass(frozen=True)
class Making:
    """Where an encoder is made from. gallery: folder of shards. device: auto, cpu, cuda.

    outputs: where those of frozen trunks are kept, None for nowhere. key: the section of params, for errors.
    """

    gallery: Path
    device: str
    outputs: Path | None
    key: str


def make_heads(params: FittedHeads, making: Making, folder: Path) -> dict[str, object]:
    """Fit heads to the gallery and save the whole model into `folder`; facts about it.

    The pictures of a run that was killed need not be computed again, where outputs are kept.
    Raises CimError for models that can't be had or don't fit together, and a gallery without pairs.
    """
    model, config = locked_clip(params, making, folder)
    head, model.text.proj = model.text.proj, nn.Identity()
    features = _features(model, config, params, making, folder)
    heads, losses = fit_heads(params, features)
    model.text.proj = head
    with torch.no_grad():
        model.visual.head.proj.weight.copy_(heads.image.weight)
        model.text.proj.weight.copy_(heads.text.weight)
        model.logit_scale.copy_(heads.logit_scale)
    save_clip(model, config, folder)
    return {
        "images": len(features.images),
        "captions": len(features.image_of),
        "losses": [round(loss, 4) for loss in losses],
        "trunk_fingerprint": model.visual.trunk.trunk_fingerprint,
        "precision": model.visual.trunk.precision,
    }


def locked_clip(params: FittedHeads, making: Making, folder: Path) -> tuple[Any, dict[str, Any]]:
    """The model with what is pretrained in it, all else of chance, in eval mode, and its open_clip_config.json.

    folder: takes the text model's configuration and tokenizer.
    """
    trunk = open_trunk(params.trunk, f"{making.key}.trunk")
    if isinstance(params.text, FittedText):
        texts, pooler = None, POOLERS["mean"]
        with TemporaryDirectory() as place:
            write_own_text(params.text, gallery_captions(making.gallery, params.pairs), CONTEXT, Path(place))
            text_cfg = bring_text_tower(Path(place), folder)
    else:
        source = fetched(params.text, RequiredFiles(f"{making.key}.text.name"))
        texts, pooler = _text_model(source)
        text_cfg = bring_text_tower(source, folder)
    device = pick_device(making.device)
    precision = precision_here(params.trunk.precision, str(device))
    named = text_cfg | {"hf_pooler_type": pooler}
    config = locked_config(params, trunk.pretrained_cfg, named) | {TRUNK: {"precision": precision}}
    sizes = {name: value for name, value in config["model_cfg"].items() if name != "custom_text"}
    with torch.random.fork_rng():
        torch.manual_seed(params.seed)
        model = open_clip.CustomTextCLIP(**sizes | {"text_cfg": text_cfg_here(folder, config["model_cfg"])})
    model.visual.trunk.load_state_dict(trunk.state_dict())
    if texts is not None:
        own = model.text.transformer.state_dict()
        model.text.transformer.load_state_dict({name: one for name, one in texts.state_dict().items() if name in own})
    model.eval().requires_grad_(False).to(device)
    freeze(model.visual.trunk, precision, making.outputs)
    return model, config


def locked_config(
    params: FittedHeads, declared: Mapping[str, Any], text_cfg: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """open_clip_config.json. declared: pretrained_cfg of the timm model. text_cfg: names the text model's folder."""
    return {
        "model_cfg": {
            "embed_dim": params.embed_dim,
            "custom_text": True,
            "vision_cfg": {
                "timm_model_name": params.trunk.architecture,
                "timm_pool": "",  # its own
                "timm_drop": params.dropout,
                "image_size": params.trunk.size,
            },
            "text_cfg": {"context_length": CONTEXT, "hf_proj_type": "linear", **text_cfg},
        },
        # Squashed, not cropped: a crop would cut away what a caption says lies at the edge.
        "preprocess_cfg": {
            "mean": list(declared["mean"]),
            "std": list(declared["std"]),
            "interpolation": declared["interpolation"],
            "resize_mode": "squash",
        },
    }


def _text_model(source: Path) -> tuple[Any, str]:
    """The transformers model inside a sentence-transformers model, and open_clip's name of how it pools."""
    modules = list(open_sentence_transformer(source))
    kinds = [type(module).__name__ for module in modules]
    inner = getattr(modules[0], "model", None)
    architecture = getattr(getattr(inner, "config", None), "model_type", None)
    pooling = str(getattr(modules[1], "pooling_mode", None)) if len(modules) > 1 else ""
    if architecture not in arch_dict or kinds[1:] not in (["Pooling"], ["Pooling", "Normalize"]):
        raise CimError(
            f"a text model of {architecture} with {', '.join(kinds)} in {source}",
            f"one of {', '.join(arch_dict)} with pooling alone, which open_clip can hold",
            "name another text model",
        )
    if pooling not in POOLERS:
        raise CimError(
            f"a text model in {source} that pools by {pooling}", f"one of {', '.join(POOLERS)}", "name another one"
        )
    return inner, POOLERS[pooling]


@torch.no_grad()
def _features(model: Any, config: dict[str, Any], params: FittedHeads, making: Making, folder: Path) -> Features:
    """What both models make of the gallery's pairs, their heads left out."""
    prepare, mean, std = transforms({**config["preprocess_cfg"], "size": model.visual.image_size})
    scale, device = Levels(tuple(mean), tuple(std)), pick_device(making.device)
    images, said = list[torch.Tensor](), list[tuple[str, ...]]()
    for group in batched(gallery_pictures(making.gallery, params.pairs), PICTURES):
        levels = torch.from_numpy(np.stack([prepare(picture) for picture, _ in group])).permute(0, 3, 1, 2)
        images.append(model.visual.trunk(scale.normalised(levels).to(device)).float().cpu())
        said += [captions for _, captions in group]
    check_enough(len(said), making.gallery)
    texts = [caption for captions in said for caption in captions]
    image_of = torch.tensor([number for number, captions in enumerate(said) for _ in captions])
    tokenize = HFTokenizer(str(folder), context_length=CONTEXT)
    if isinstance(params.text, FittedText):
        said_as = OwnTexts(model.text.cpu(), tokenize(texts), pad_of(model) or 0)
        return Features(torch.cat(images), said_as, image_of)
    return Features(torch.cat(images), KeptTexts(_texts(model, texts, tokenize, device)), image_of)


def _texts(model: Any, texts: Sequence[str], tokenize: HFTokenizer, device: torch.device) -> torch.Tensor:
    """(n, t) of n texts by the text model, in their order; those of about one length together."""
    found: list[torch.Tensor | None] = [None] * len(texts)
    for numbers in batched(sorted(range(len(texts)), key=lambda number: len(texts[number])), TEXTS):
        tokens = trimmed(tokenize([texts[number] for number in numbers]), pad_of(model) or 0)
        for number, vector in zip(numbers, model.encode_text(tokens.to(device)).float().cpu(), strict=True):
            found[number] = vector
    return torch.stack([vector for vector in found if vector is not None])
