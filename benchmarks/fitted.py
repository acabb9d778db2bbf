"""Image vectors of photos by the tiny open_clip encoder that the pipeline fits when there is no other."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from cim.images.decode import decode_rgb
from cim.params import FittedClip

PARAMS = FittedClip(kind="fit", seed=0, width=16, epochs=20, batch_size=32, learning_rate=0.003)  # examples/photos.yaml


def fitted_vectors(photos: Sequence[Path], captions: Sequence[Sequence[str]]) -> npt.NDArray[np.float32]:
    """(n, d) unit vectors of n photos by an encoder fitted on these very photos and captions."""
    import torch

    from cim.encoders.fit import fit_clip, normalised

    size = (PARAMS.side, PARAMS.side)
    pictures = (decode_rgb(path.read_bytes()).resize(size, Image.Resampling.BICUBIC) for path in photos)
    pixels = np.stack([np.asarray(picture) for picture in pictures])
    model = fit_clip(PARAMS, pixels, captions, "cpu").model
    with torch.no_grad():
        found = model.encode_image(normalised(torch.from_numpy(pixels).permute(0, 3, 1, 2)), normalize=True)
    vectors: npt.NDArray[np.float32] = found.numpy()
    return vectors
