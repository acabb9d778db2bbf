"""Where a model runs and in which precision."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch

from cim.errors import CimError


def pick_device(wanted: str) -> torch.device:
    """The device for `wanted`: auto, cpu, cuda or cuda:N. Raises CimError for a GPU that is not there."""
    if wanted.startswith("cuda") and not torch.cuda.is_available():
        raise CimError(f"device {wanted}, but torch sees no GPU", "a CUDA device", "set runtime.device to auto or cpu")
    if wanted == "auto":
        wanted = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(wanted)


def autocast(device: torch.device) -> AbstractContextManager[Any]:
    """bfloat16 on GPUs that compute in it, float16 on older ones, float32 on CPU (repeatable, and fast enough)."""
    if device.type != "cuda":
        return nullcontext()
    dtype = torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
    return torch.autocast("cuda", dtype=dtype)
