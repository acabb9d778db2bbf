"""The tiny open_clip architecture that is fitted here, as a configuration any open_clip can read."""

from dataclasses import asdict
from typing import Any

import open_clip
from open_clip.model import CLIPTextCfg, CLIPVisionCfg

from cim.params import FittedClip

# Pixels are squashed, not cropped: a crop would cut away what a caption says lies at the edge.
PREPROCESS = {
    "mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25], "interpolation": "bicubic", "resize_mode": "squash",
}  # fmt: skip
TEXT_WIDTH, TEXT_LAYERS, TEXT_HEADS = 64, 2, 2


def tiny_config(params: FittedClip, context_length: int) -> dict[str, Any]:
    """open_clip_config.json of a small ResNet and a small text transformer sharing `embed_dim` dimensions.

    context_length: tokens a caption may have, the two marks included.
    """
    vision = CLIPVisionCfg(
        layers=[1, 1, 1, 1],  # a list makes it a ResNet
        width=params.width,
        head_width=4 * params.width,  # 8 heads in the attention pool, whatever the width
        image_size=params.side,
    )
    text = CLIPTextCfg(context_length=context_length, width=TEXT_WIDTH, heads=TEXT_HEADS, layers=TEXT_LAYERS)
    return {
        "model_cfg": {
            "embed_dim": params.embed_dim,
            "vision_cfg": _changed(vision, CLIPVisionCfg()),
            "text_cfg": _changed(text, CLIPTextCfg()),
        },
        "preprocess_cfg": PREPROCESS,
    }


def tiny_model(config: dict[str, Any]) -> open_clip.CLIP:
    """A new model by `config`, initialised from torch's global random state."""
    model = open_clip.CLIP(**config["model_cfg"])
    model.visual.preprocess_cfg = {**config["preprocess_cfg"], "size": config["model_cfg"]["vision_cfg"]["image_size"]}
    return model


def _changed(config: Any, default: Any) -> dict[str, Any]:
    return {name: value for name, value in asdict(config).items() if value != getattr(default, name)}
