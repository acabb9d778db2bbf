"""The card: what it is, what is in use of it, when it has done what it was asked."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from typing import Literal

from benchmarks.common.memory import added_memory
from benchmarks.gpu.bench import MIB

PACKAGES = ("torch", "transformers", "trl", "peft", "open_clip_torch", "faiss-cpu", "faiss-gpu", "bitsandbytes", "vllm")


def found_device() -> Literal["cpu", "cuda"]:
    """cuda where torch sees a GPU."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def settle(device: str) -> None:
    """Wait until the GPU has done all that it was asked."""
    if device == "cuda":
        import torch

        torch.cuda.synchronize()


@contextmanager
def peak_mib(device: str) -> Iterator[list[float]]:
    """Most MiB that torch holds on the GPU while this is open, on a CPU what the process grows by; one number at the
    end."""
    found: list[float] = []
    if device == "cpu":
        with added_memory() as added:
            yield found
        found.append(added["VmRSS"] / MIB)
        return
    import torch

    torch.cuda.reset_peak_memory_stats()
    yield found
    found.append(torch.cuda.max_memory_allocated() / MIB)


def card_memory() -> tuple[int, int]:
    """Bytes free, and all, of the GPU, whoever holds the rest."""
    import torch

    free, whole = torch.cuda.mem_get_info()
    return int(free), int(whole)


def heading(device: str) -> str:
    """One paragraph: the card, its driver, versions of what is measured."""
    versions = [f"{name} {found}" for name in PACKAGES if (found := _version(name))]
    absent = [name for name in PACKAGES if not _version(name)]
    where = _card() if device == "cuda" else "**Device cpu, toy shapes: no figure here is one of a GPU.**"
    return f"{where} {', '.join(versions)}; not installed: {', '.join(absent) or 'nothing'}."


def _card() -> str:
    import torch

    names = [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
    more = f" (of {len(names)} visible GPUs the first)" if len(names) > 1 else ""
    return f"**{names[0]}**{more}, driver {_driver()}, CUDA {torch.version.cuda}."


def _driver() -> str:
    if shutil.which("nvidia-smi") is None:
        return "unknown (no nvidia-smi)"
    asked = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    return (done.stdout.split() or ["unknown"])[0]


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
