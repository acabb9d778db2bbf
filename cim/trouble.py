"""What the machine refuses, disk or memory, said as one error that a user can mend, whatever library met it."""

import re

from cim.disk import chain, disk_trouble, on_one_line
from cim.errors import CimError

# torch on CUDA, HIP, MPS; torch on a CPU, in Linux's words and in the others'. NumPy and Python raise MemoryError.
SAID = re.compile(r"out of memory|DefaultCPUAllocator: (can't allocate|not enough) memory", re.I)


def machine_trouble(error: BaseException) -> CimError | None:
    """What is to be said where `error`, or what it comes from, is the machine's refusal; None for every other error."""
    return disk_trouble(error) or memory_trouble(error)


def memory_trouble(error: BaseException) -> CimError | None:
    """The same of memory alone, the device's or the machine's."""
    for one in chain(error):
        if isinstance(one, CimError):
            return None  # it says what is to be said
        if isinstance(one, MemoryError) or (isinstance(one, RuntimeError) and SAID.search(str(one))):
            return CimError(
                f"memory that ran out ({on_one_line(one) or type(one).__name__})",
                "room for the model and what it works on at once",
                "lower caption.batch_size, embed.batch_size or, in training, tune.micro_batch; end what else takes"
                " memory, or take a larger device; then run the same command again: what was finished is kept",
            )
    return None


def reason_of(error: BaseException) -> str:
    """An error as one of several in a message: what it says, with its kind unless it was meant for a user."""
    told = error if isinstance(error, CimError) else machine_trouble(error)
    return f"{type(error).__name__}: {error}" if told is None else str(told)
