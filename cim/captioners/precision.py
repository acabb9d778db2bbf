"""What numbers a captioner computes in: part of its captions' lineage, as it rounds otherwise in others."""

from typing import Literal

Precision = Literal["float32", "bfloat16"]


def precision_of(
    asked: Literal["auto", "float32", "bfloat16"],
    engine: Literal["transformers", "vllm"],
    device: Literal["auto", "cpu", "cuda"],
) -> Precision:
    """What `auto` is on this machine: bfloat16 with vllm or on a GPU, else float32.

    Imports torch only where it must be asked whether there is a GPU.
    """
    if asked != "auto":
        return asked
    if engine == "vllm" or device == "cuda":
        return "bfloat16"
    if device == "cpu":
        return "float32"
    import torch

    return "bfloat16" if torch.cuda.is_available() else "float32"
