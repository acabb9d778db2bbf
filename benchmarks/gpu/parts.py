"""The parts by name, in an order in which later ones find what earlier ones left; each in a process of its own."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from benchmarks.gpu import captioning, embedding, search, tuning, waiting
from benchmarks.gpu.bench import Bench

MEASURES: dict[str, Callable[[Bench], None]] = {
    "embed": embedding.measure,
    "search": search.measure,
    "caption-transformers": captioning.by_transformers,
    "caption-vllm": captioning.by_vllm,
    "wait": waiting.measure,
    **dict.fromkeys(tuning.VARIANTS, tuning.measure),
}
LIMIT = 480
"""Seconds a part may take."""


def run_apart(bench: Bench, command: Sequence[str], limit: float = LIMIT) -> None:
    """Run `command`, which measures that part, and leave a row where it fails or takes longer than `limit` seconds.

    What it prints goes to <part>.log in the scratch folder.
    """
    log = bench.scratch / f"{bench.part}.log"
    with log.open("w") as out:
        child = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env=_one_card(), start_new_session=True)
        try:
            code = child.wait(limit)
        except subprocess.TimeoutExpired:
            return bench.fail("the part", f"not done after {limit:g} s")
        finally:
            _end(child)
    if code:
        bench.fail("the part", f"ended with {_name(code)}: {_last_line(log)}")


def command_of(bench: Bench) -> list[str]:
    """What measures that part in another process."""
    options = ["--device", bench.device, "--scratch", str(bench.scratch), "--rows", str(bench.rows)]
    options += ["--toy"] if bench.toy else []
    options += [] if bench.layers is None else ["--layers", str(bench.layers)]
    return [sys.executable, "-m", "benchmarks.gpu", "--part", bench.part, *options]


def _one_card() -> dict[str, str]:
    """The environment with one GPU: a training in one process refuses to see several. Idle threads sleep."""
    seen = os.environ.get("CUDA_VISIBLE_DEVICES", "0")
    return {"OMP_WAIT_POLICY": "PASSIVE", **os.environ, "CUDA_VISIBLE_DEVICES": seen.split(",")[0]}


def _end(child: subprocess.Popen[bytes]) -> None:
    """End the part and all that it started, such as vLLM's engine, which would keep the card's memory."""
    with suppress(ProcessLookupError):  # all gone
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def _name(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"code {code}"


def _last_line(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1][:300] if lines else "it said nothing"
