"""The output of commands that run side by side, line by line, each line named."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from typing import BinaryIO

LINE_END = re.compile(rb"(?<=[\r\n])")
CURSOR_UP = b"\x1b[A"
EVERY = 10.0
"""Seconds between two states of one progress bar: as lines, more would hide everything else."""


def print_line(line: str) -> None:
    """Print a line at once. With nobody to read it (`| head`) this process ends as by Ctrl-C: stages take hours."""
    try:
        print(line, flush=True)
    except BrokenPipeError:
        os.kill(os.getpid(), signal.SIGTERM)


def run_named(
    name: str, command: Sequence[str], environment: Mapping[str, str], show: Callable[[str], object] = print_line
) -> int:
    """Run `command`, show its output as `name | line`, and return its exit code.

    Progress bars rewrite their line, which two commands at once can't: of theirs, a state now and then is shown.
    """
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0) as run:
        assert run.stdout is not None
        relay(name, run.stdout, show, time.monotonic)
    return run.returncode


def relay(name: str, stream: BinaryIO, show: Callable[[str], object], clock: Callable[[], float]) -> None:
    """Show every whole line of `stream`, and of lines that are rewritten the newest,
    once in EVERY seconds and when they are done."""
    shown, rest = clock(), b""
    while chunk := stream.read(4096):
        *lines, rest = LINE_END.split((rest + chunk).replace(b"\r\n", b"\n"))
        for line in lines:
            text = line.replace(CURSOR_UP, b"").decode(errors="replace").rstrip()
            # Cursor up: a bar below another bar. An unfinished bar may also be ended by what others print.
            rewritten = line.endswith(b"\r") or CURSOR_UP in line or (b"%|" in line and b"100%|" not in line)
            if not text or (rewritten and clock() - shown < EVERY):
                continue
            shown = clock()
            show(f"{name:<17}| {text}")
    if text := rest.decode(errors="replace").strip():
        show(f"{name:<17}| {text}")
