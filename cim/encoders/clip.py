"""Images and captions to vectors of one space by an open_clip model."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import open_clip
import torch
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL.Image import Image
from safetensors.torch import save_model

from cim.atomic import read_json, write_json
from cim.encoders.base import CPU_BATCH, Pixels, Towers, Vectors, unit
from cim.encoders.prepare import Prepare
from cim.encoders.text_tower import by_length, pad_of, text_cfg_here, trimmed
from cim.errors import CimError
from cim.models.device import autocast, pick_device
from cim.models.folder import check_folder
from cim.models.load import loading
from cim.trunks.frozen import freeze

CONFIG, WEIGHTS = "open_clip_config.json", "open_clip_model.safetensors"
TRUNK = "frozen_trunk"  # of the config, ours: how its trunk computes, {precision}


class OpenClipEncoder:
    """An open_clip model in a local folder (open_clip_config.json, safetensors). Meets ClipEncoder.

    towers: the ones that come to the device; the other's method must not be called. fingerprint: of the whole folder.
    outputs: where those of a frozen trunk are kept.
    """

    def __init__(
        self, folder: Path, fingerprint: str, device: str, towers: Towers = "both", outputs: Path | None = None
    ) -> None:
        self.fingerprint = fingerprint
        self._device = pick_device(device)
        self._model = open_clip_model(folder, self._device if towers == "both" else torch.device("cpu"), outputs)
        with loading(folder):
            self._tokenize: Any = open_clip.get_tokenizer(f"local-dir:{folder}")
        self.prepare, mean, std = transforms(self._model.visual.preprocess_cfg)
        self._mean, self._std = (255 * torch.tensor(n, device=self._device) for n in (mean, std))
        self._pad = pad_of(self._model)
        self.dim = embed_dim(self._model)
        if towers != "both":
            keep_tower(self._model, towers)
            self._model.to(self._device)

    def encode_images(self, images: list[Image]) -> Vectors:
        """(n, d) float32 unit vectors, NaN where there is none. One forward pass: the caller bounds n."""
        if not images:
            return np.zeros((0, self.dim), dtype=np.float32)
        return self.encode_pixels(np.stack([self.prepare(image.convert("RGB")) for image in images]))

    def encode_pixels(self, pixels: Pixels) -> Vectors:
        """As `encode_images`, of what `prepare` makes, (n, h, w, 3)."""
        inputs = torch.from_numpy(pixels).to(self._device).float()
        width = inputs.shape[2]  # a whole line of pixels at once: three numbers fill no vector register
        inputs.sub_(self._mean.repeat(width, 1)).div_(self._std.repeat(width, 1))
        return self._run(self._model.encode_image, inputs.permute(0, 3, 1, 2))

    def encode_texts(self, texts: list[str]) -> Vectors:
        """As for images; what exceeds the model's context length is cut off."""
        if not texts:
            return np.zeros((0, self.dim), dtype=np.float32)
        tokens = self._tokenize(texts)
        if self._pad is None:
            return self._run(self._model.encode_text, tokens)
        vectors = np.empty((len(texts), self.dim), dtype=np.float32)
        for rows in by_length(tokens, self._pad, CPU_BATCH if self._device.type == "cpu" else len(texts)):
            vectors[rows.numpy()] = self._run(self._model.encode_text, trimmed(tokens[rows], self._pad))
        return vectors

    def _run(self, encode: Any, inputs: torch.Tensor) -> Vectors:
        with torch.inference_mode(), autocast(self._device):
            vectors: torch.Tensor = encode(inputs.to(self._device))
        return unit(vectors.float().cpu().numpy())


def transforms(preprocess_cfg: Mapping[str, Any]) -> tuple[Prepare, Sequence[float], Sequence[float]]:
    """How pictures are made ready as a model declares it, and the mean and std by which its floats are made.

    Making floats knows of no neighbouring pixels: a batch at a time.
    """
    *steps, _, normalize = image_transform_v2(PreprocessCfg(**preprocess_cfg), is_train=False).transforms
    return Prepare(tuple(steps)), normalize.mean, normalize.std


def open_clip_model(folder: Path, device: torch.device, outputs: Path | None = None) -> Any:
    """The model in `folder` in eval mode. outputs: as `freeze` takes it, for a model fitted to a frozen trunk.

    Raises CimError when it does not load, or wants weights from elsewhere.
    """
    check_folder(folder, [CONFIG])
    if pickles := [*folder.glob("*.bin"), *folder.glob("*.pth")]:
        raise CimError(
            f"pickled weights {pickles[0]}, which open_clip may prefer to others", "safetensors only", "delete them"
        )
    with loading(folder):
        config = read_json(folder / CONFIG)
        text = text_cfg_here(folder, config["model_cfg"])
        own: dict[str, Any] = {} if text is None else {"text_cfg": text}
        check_alone(config["model_cfg"] | ({} if text is None else {"text_cfg": {}}))
        # It is strict: the weights must be the model's, each by its name.
        model = open_clip.create_model(f"local-dir:{folder}", device=device, require_pretrained=True, **own).eval()
    if trunk := config.get(TRUNK):
        freeze(model.visual.trunk, trunk["precision"], outputs)
    return model


def save_clip(model: Any, config: dict[str, Any], folder: Path) -> None:
    """Write weights (safetensors) and `config` (model_cfg, preprocess_cfg) into `folder`, for `open_clip_model`."""
    folder.mkdir(parents=True, exist_ok=True)
    save_model(model.cpu(), str(folder / WEIGHTS))
    write_json(folder / CONFIG, config)


def keep_tower(model: Any, tower: Literal["text", "image"]) -> None:
    """Take out of an open_clip model what only the other tower uses. What both share, as the logit scale, stays."""
    visual = {name for name, _ in model.named_children() if name == "visual"}
    textual = {name for name, _ in model.named_children()} - visual
    for name in visual if tower == "text" else textual:
        delattr(model, name)
    if tower == "image":  # models without a text module of their own hold its weights themselves
        for name in {"positional_embedding", "text_projection"} & set(dict(model.named_parameters(recurse=False))):
            delattr(model, name)


def check_alone(config: Mapping[str, Any]) -> None:
    """Raise CimError when an open_clip model of `config` (model_cfg) would ask the hub at every start."""
    inner = config["text_cfg"].get("hf_model_name")
    if inner is None and str(config["vision_cfg"].get("timm_model_name")).startswith("hf"):
        inner = config["vision_cfg"]["timm_model_name"]
    if inner:
        raise CimError(
            f"an open_clip model with a tower that is the Hugging Face model {inner}, fetched anew at every start",
            "a model that works without network",
            "name one with towers of its own (ViT, ResNet, SigLIP, MetaCLIP, DFN and others); or put that text model's"
            " folder here and its path into open_clip_config.json as hf_model_name",
        )


def embed_dim(model: Any) -> int:
    """d of an open_clip model: every tower knows it under another name, so a text is encoded."""
    with torch.inference_mode():
        length = getattr(model, "context_length", None) or model.text.context_length
        device = next(model.parameters()).device
        return int(model.encode_text(torch.zeros(1, length, dtype=torch.long, device=device)).shape[1])
