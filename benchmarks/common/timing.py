"""Seconds that a call takes, and how fast this machine is now: without that, no time in a table says anything."""

import os
import platform
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from statistics import median

ADDITIONS = 10_000_000  # takes about 0.5 s on a laptop


def seconds(run: Callable[[], object]) -> float:
    """Wall seconds of one call."""
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def seconds_for_additions() -> float:
    """Wall seconds for 10 million additions in a plain Python loop."""
    started, total = time.perf_counter(), 0
    for number in range(ADDITIONS):
        total += number
    return time.perf_counter() - started


def times_as_fast(turns: Sequence[tuple[float, float]]) -> str:
    """The median ratio of before to after, and its range, of turns in which both were timed."""
    ratios = [before / after for before, after in turns]
    return f"{median(ratios):.2f} times as fast ({min(ratios):.2f} to {max(ratios):.2f})"


def cores() -> int:
    """That this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def machine(*packages: str) -> str:
    """One line: cores, processor, Python and the versions of `packages`."""
    versions = [f"{name} {version(name)}" for name in packages]
    return ", ".join([f"{cores()} cores of {_processor()}, Python {platform.python_version()}", *versions])


def _processor() -> str:
    try:
        with open("/proc/cpuinfo") as lines:
            names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    except FileNotFoundError:  # not Linux
        names = []
    return names[0] if names else platform.processor() or platform.machine()


if __name__ == "__main__":
    print(f"{seconds_for_additions():.2f} s for {ADDITIONS:,} additions; {machine()}")
