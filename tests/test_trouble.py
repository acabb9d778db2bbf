"""Memory that runs out, in whatever words, is known as such; other errors are left as they are."""

import errno

import numpy as np
import pytest
import torch

from cim.errors import CimError
from cim.trouble import machine_trouble, memory_trouble, reason_of

PETABYTE = 10**15  # more than a process can address


def test_numpy_and_torch_on_a_cpu_as_they_say_so() -> None:
    with pytest.raises(MemoryError) as numpy_said:
        np.empty(PETABYTE, np.uint8)
    with pytest.raises(RuntimeError) as torch_said:
        torch.empty(PETABYTE, dtype=torch.uint8)
    for refused in (numpy_said, torch_said):
        trouble = memory_trouble(refused.value)
        assert trouble is not None
        assert trouble.found.startswith("memory that ran out (")


@pytest.mark.parametrize(
    "error", [torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), MemoryError()]
)
def test_a_gpu_s_and_one_without_a_word(error: BaseException) -> None:
    trouble = memory_trouble(error)
    assert trouble is not None
    assert "tune.micro_batch" in trouble.remedy


def no_batch() -> None:
    try:
        raise MemoryError("for 3 GiB")
    except MemoryError as error:
        raise RuntimeError("no batch") from error


def test_what_lies_beneath_another_error() -> None:
    with pytest.raises(RuntimeError) as told:
        no_batch()
    assert "for 3 GiB" in reason_of(told.value)


@pytest.mark.parametrize(
    "error", [ValueError("out of memory"), RuntimeError("shape"), CimError("MemoryError", "b", "c")]
)
def test_others_are_none(error: Exception) -> None:
    assert machine_trouble(error) is None


def test_reasons() -> None:
    """A user's error, the disk's and memory's with all three parts, any other with its kind."""
    assert reason_of(CimError("a", "b", "c")) == "found a; expected b. Remedy: c"
    assert reason_of(ValueError("x")) == "ValueError: x"
    assert reason_of(OSError(errno.ENOSPC, "No space left on device")).startswith("found a disk, or a folder of it")
