"""Memory of this process as Linux counts it: now, at its most, and what a piece of work adds."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MIB = 2**20
KINDS = ("VmRSS", "RssAnon", "RssFile")
"""All that is resident; of it anonymous, which is private; of it pages of files, which processes share."""


@contextmanager
def added_memory() -> Iterator[dict[str, float]]:
    """Most bytes above the start by KINDS, looked at every 20 ms while this is open; NaN where there is no /proc."""
    before, stop = resident(), threading.Event()
    most = {kind: size - size for kind, size in before.items()}

    def watch() -> None:
        while not stop.wait(0.02):
            most.update({kind: max(most[kind], size - before[kind]) for kind, size in resident().items()})

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield most
    finally:
        stop.set()
        watching.join()


def resident() -> dict[str, float]:
    """Bytes by KINDS; NaN where there is no /proc."""
    sizes = _status()
    return {kind: sizes.get(kind, float("nan")) for kind in KINDS}


def most_resident() -> int:
    """Most bytes resident at once. Not ru_maxrss: that begins with what the parent had."""
    return _status()["VmHWM"]


def private() -> int:
    """Bytes of pages that only this process maps (smaps_rollup: Private_Clean + Private_Dirty)."""
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return 1024 * sum(int(line.split()[1]) for line in lines if line.startswith("Private_"))


def _status() -> dict[str, int]:
    """Bytes by name, of what /proc/self/status gives in kB; nothing where there is no such file."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except FileNotFoundError:  # not Linux
        return {}
    return {line.split(":")[0]: 1024 * int(line.split()[1]) for line in lines if line.endswith(" kB")}
