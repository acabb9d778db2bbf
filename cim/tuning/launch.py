"""Several processes for one training: `accelerate launch` with TRL's own configurations, watched to its end."""

import re
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from cim.atomic import read_json
from cim.errors import CimError, TransientError
from cim.params.runtime import Ranks, Strategy
from cim.tuning.policy import is_installed

LAUNCHER = "cim.tuning.launcher"
CONFIGS = {"ddp": "multi_gpu.yaml", "fsdp": "fsdp2.yaml", "zero2": "zero2.yaml", "zero3": "zero3.yaml"}
LAST_LINES = 40
ROOT_CAUSE = re.compile(r"Root Cause.*?rank\s*:\s*(\d+).*?exitcode\s*:\s*(-?\d+)", re.DOTALL)


@dataclass(frozen=True)
class Launch:
    """A module with a command line, to be run in every rank.

    error: the file where a rank leaves {"found", "expected", "remedy"} of what a user can mend, see
    `cim.tuning.worker`. precision: that ranks compute in beside float32, as accelerate calls it.
    """

    module: str
    arguments: Sequence[str]
    ranks: Ranks
    error: Path
    precision: str = "no"

    def command(self) -> list[str]:
        """`accelerate launch` of this machine's ranks. Raises CimError where the strategy lacks its package."""
        ranks = self.ranks
        check_strategy(ranks.strategy)
        config = files("trl") / "accelerate_configs" / CONFIGS[ranks.strategy]
        return [
            sys.executable, "-m", LAUNCHER, "--config_file", str(config), "--mixed_precision", self.precision,
            "--num_processes", str(ranks.size), "--num_machines", str(ranks.machines),
            "--machine_rank", str(ranks.machine_rank), "--main_process_port", str(ranks.main_port),
            *(["--main_process_ip", ranks.main_address] if ranks.main_address else []),
            "--module", self.module, *self.arguments,
        ]  # fmt: skip

    def run(self, show: Callable[[str], object]) -> None:
        """Run all ranks to their end, each line that they print through `show`.

        The launcher ends the other ranks where one ends before its time, and they all end with it, as it does with
        this process. Raises CimError, what a rank left in `error` or, for one that was killed, TransientError.
        """
        self.error.unlink(missing_ok=True)
        last = deque[str](maxlen=LAST_LINES)
        command = self.command()
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as run:
            assert run.stdout is not None
            try:
                for line in run.stdout:
                    last.append(line)
                    show(line.rstrip("\n"))
            except BaseException:
                run.terminate()
                raise
        if run.returncode:
            raise self._failure(run.returncode, "".join(last))

    def _failure(self, code: int, last: str) -> CimError:
        if self.error.is_file():
            left = read_json(self.error)
            return CimError(left["found"], left["expected"], left["remedy"])
        rank, code = (int(one) for one in cause.groups()) if (cause := ROOT_CAUSE.search(last)) else (None, code)
        who = "the launcher" if rank is None else f"rank {rank} of {self.ranks.size}"
        again = "run the same command again: training goes on from its last checkpoint"
        if code < 0:
            name = signal.Signals(-code).name
            why = f"look for why (out of memory?), and {again}"
            return TransientError(f"{who} ended by {name}", "ranks that all end by themselves", why)
        return CimError(f"{who} with exit code {code}", "ranks that all end with 0", f"see its traceback, and {again}")


def check_strategy(strategy: Strategy) -> None:
    """Raises CimError where the strategy lacks its package."""
    if strategy.startswith("zero") and not is_installed("deepspeed"):
        raise CimError(
            f"runtime.train.strategy {strategy} without its package",
            "deepspeed installed",
            "pip install deepspeed, or set strategy: fsdp, which shards as much",
        )
