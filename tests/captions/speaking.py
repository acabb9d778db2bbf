"""A captioner made in a second, untrained but not mute: what it says depends on the image."""

from pathlib import Path

from safetensors.torch import load_file, save_file

from cim.params import TinyCaptioner
from cim.warm_start.tiny import make_tiny_captioner

SIZES = {"hidden": 64, "layers": 1, "vision_hidden": 64, "vision_depth": 1, "vocabulary": 320}


def make_speaking(folder: Path, seed: int) -> None:
    """An untrained model repeats its input's last token, a line break; layers that count for more end that."""
    make_tiny_captioner(TinyCaptioner(kind="tiny", **SIZES), ["a red circle"] * 9, seed, folder)  # type: ignore[arg-type]
    path = folder / "model.safetensors"
    weights = load_file(path)
    for name, weight in weights.items():
        if name.endswith(("o_proj.weight", "down_proj.weight")) and "visual" not in name:
            weight *= 50
    save_file(weights, path, metadata={"format": "pt"})
