"""How much of its time the GPU has nothing to do while captions are made: what is not covered by any kernel."""

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

from benchmarks.common.clock import Clock
from benchmarks.common.timing import seconds
from benchmarks.gpu.bench import Bench
from benchmarks.gpu.captioning import pictures, spec_of
from benchmarks.gpu.device import settle
from cim.engines.spec import captions_of
from cim.errors import CimError

BATCHES = 2
AHEAD = (0, 1, 2)
"""Threads that prepare batches while the captioner is busy: runtime.prefetch."""


def measure(bench: Bench) -> None:
    """A row for each AHEAD. On a CPU: the time outside forward passes, there being no kernels to look at."""
    from dataclasses import replace

    from cim.captioners.load import load_captioner
    from cim.engines.captioning import Captioning
    from cim.engines.local import Local

    try:
        spec = spec_of(bench)
    except CimError as error:
        return bench.skip("transformers", error)
    captioner = load_captioner(spec.folder, bench.device)
    images, keys = pictures(bench, BATCHES * spec.batch_size)
    for ahead in AHEAD:
        engine = Captioning(Local.around(captioner, replace(spec, prefetch=ahead)), spec.decoding)

        def run(engine: Any = engine) -> None:
            captions_of(engine, images, keys)
            settle(bench.device)

        run()
        what = f"{BATCHES} batches of {spec.batch_size}, {ahead} threads ahead"
        if bench.device == "cpu":
            busy, wall = _forward(captioner.model, run)
            share = f"{1 - busy / wall:.1%}"
            bench.row(what, images=len(images), s=wall, s_in_forward_passes=busy, share_of_time_outside=share)
            continue
        wall = seconds(run)  # before anything looks on
        busy = _kernels(run)
        if not busy:
            bench.skip(what, "the profiler saw no kernel (CUPTI may be reserved for administrators)")
            continue
        share = f"{max(0.0, 1 - busy / wall):.1%}"
        bench.row(what, images=len(images), s=wall, s_under_kernels=busy, share_of_time_the_GPU_waits=share)


def covered(spans: Iterable[tuple[float, float]]) -> float:
    """Length of the union of spans (begin, end)."""
    whole, reached = 0.0, float("-inf")
    for begin, end in sorted(spans):
        whole += max(0.0, end - max(begin, reached))
        reached = max(reached, end)
    return whole


def _kernels(run: Callable[[], None]) -> float:
    """Seconds in which some kernel or copy ran, as CUPTI saw it; nothing of the CPU is recorded, which would cost."""
    from torch.autograd import DeviceType
    from torch.profiler import ProfilerActivity, profile

    with profile(activities=[ProfilerActivity.CUDA]) as found:
        run()
    on_gpu = [one.time_range for one in found.events() if one.device_type == DeviceType.CUDA]
    return covered((one.start, one.end) for one in on_gpu) / 1e6


def _forward(model: Any, run: Callable[[], None]) -> tuple[float, float]:
    clock = Clock()
    model.forward = wraps(model.forward)(clock.timed("forward", model.forward))  # its signature is asked for
    try:
        wall = seconds(run)
    finally:
        del model.forward  # the class has its own
    return clock.seconds["forward"], wall
