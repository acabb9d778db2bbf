"""What a photo's vector is before the linear head that brings it beside captions."""

from pathlib import Path

import numpy as np
import torch

from cim.atomic import read_json
from cim.encoders.base import Vectors, unit
from cim.encoders.clip import CONFIG, TRUNK, open_clip_model, transforms
from cim.images.decode import decode_rgb


class TrunkEncoder:
    """The trunk of an open_clip folder that was fitted to a frozen one. outputs: where its outputs are kept."""

    def __init__(self, folder: Path, outputs: Path) -> None:
        visual = open_clip_model(folder, torch.device("cpu"), outputs).visual
        self._trunk, self.dim = visual.trunk, int(visual.trunk.num_features)
        self._prepare, *scale = transforms(visual.preprocess_cfg)
        self._mean, self._std = (torch.tensor(one).view(3, 1, 1) for one in scale)

    @staticmethod
    def is_in(folder: Path) -> bool:
        """Whether the model in `folder` has such a trunk."""
        return TRUNK in read_json(folder / CONFIG)

    def encode_photos(self, paths: list[Path]) -> Vectors:
        """(n, d) unit vectors."""
        pixels = np.stack([self._prepare(decode_rgb(path.read_bytes())) for path in paths])
        levels = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255
        with torch.inference_mode():
            return unit(self._trunk((levels - self._mean) / self._std).float().numpy())
