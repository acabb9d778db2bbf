"""Images and captions to vectors of one space by an open_clip model."""

from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import torch
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL.Image import Image

from cim.encoders.base import Vectors, unit
from cim.encoders.device import autocast, pick_device


class OpenClipEncoder:
    """An open_clip model in a local folder (open_clip_config.json, safetensors). Meets ClipEncoder."""

    def __init__(self, folder: Path, fingerprint: str, device: str) -> None:
        self.fingerprint = fingerprint
        self._device = pick_device(device)
        name = f"local-dir:{folder}"
        self._model: Any = open_clip.create_model(name, device=self._device).eval()
        self._tokenize: Any = open_clip.get_tokenizer(name)
        self._prepare = image_transform(self._model)
        self.dim = embed_dim(self._model)

    def encode_images(self, images: list[Image]) -> Vectors:
        """(n, d) float32 unit vectors, NaN where there is none. One forward pass: the caller bounds n."""
        if not images:
            return np.zeros((0, self.dim), dtype=np.float32)
        pixels = torch.stack([self._prepare(image.convert("RGB")) for image in images])
        return self._run(self._model.encode_image, pixels)

    def encode_texts(self, texts: list[str]) -> Vectors:
        """As for images; what exceeds the model's context length is cut off."""
        if not texts:
            return np.zeros((0, self.dim), dtype=np.float32)
        return self._run(self._model.encode_text, self._tokenize(texts))

    def _run(self, encode: Any, inputs: torch.Tensor) -> Vectors:
        with torch.inference_mode(), autocast(self._device):
            vectors: torch.Tensor = encode(inputs.to(self._device))
        return unit(vectors.float().cpu().numpy())


def image_transform(model: Any) -> Any:
    """PIL image to float tensor (3, side, side), as this model was trained."""
    return image_transform_v2(PreprocessCfg(**model.visual.preprocess_cfg), is_train=False)


def embed_dim(model: Any) -> int:
    """d of an open_clip model: every tower knows it under another name, so a text is encoded."""
    with torch.inference_mode():
        length = getattr(model, "context_length", None) or model.text.context_length
        device = next(model.parameters()).device
        return int(model.encode_text(torch.zeros(1, length, dtype=torch.long, device=device)).shape[1])
