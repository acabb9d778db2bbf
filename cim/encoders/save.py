"""An open_clip model to the files that open_clip's own `local-dir:` loading reads."""

from pathlib import Path
from typing import Any

from safetensors.torch import save_model

from cim.atomic import write_json

CONFIG = "open_clip_config.json"
WEIGHTS = "open_clip_model.safetensors"


def save_clip(model: Any, config: dict[str, Any], folder: Path) -> None:
    """Write weights (safetensors) and `config` (model_cfg, preprocess_cfg) into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    save_model(model.cpu(), str(folder / WEIGHTS))
    write_json(folder / CONFIG, config)
