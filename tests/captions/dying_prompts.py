"""Captioning by several prompts, killed again and again: `dying_prompts.py KIND STEP`, in a prepared folder.

The flow runs in forks of this process, which has imported all and done nothing: in one alone undisturbed, then in one
after another, each killed (-9) once STEP things have been put on disk, of every fourth one more. How many died so is
written to the file `kills`.
"""

import os
import sys
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

from captioned_shards import in_turn
from dying import killed

import flows.captioning
import flows.mixing
import flows.recaption
import tasks.caption
from benchmarks.feed.engine import FixedLatency, colour_of
from cim.captioners.decoding import Decoding, Generated
from cim.engines.continuous import ContinuousCaptioning
from cim.engines.spec import AnyEngine, EngineBatch, EngineResults, Request, as_it_is

BATCH = 2


class Batches:
    """Says what it was asked of what it sees; each answer is a line of the file `asked`."""

    prepare = staticmethod(as_it_is)
    retried = 0

    def __init__(self, asked: Path) -> None:
        self.asked = asked

    def plan(self, sizes: Any) -> list[list[int]]:
        return [list(range(start, min(start + BATCH, len(sizes)))) for start in range(0, len(sizes), BATCH)]

    def __call__(self, batches: Iterable[EngineBatch]) -> EngineResults:
        for images, keys in batches:
            found: list[Any] = list(images)
            yield [self.say(one.prompt, one.prepared, key) for one, key in zip(found, keys, strict=True)]

    def say(self, prompt: str | None, picture: Any, key: str) -> Generated:
        with self.asked.open("a") as lines:
            lines.write(f"{key} {prompt}\n")
        return Generated(f"{prompt} {colour_of(picture)}", "stop", 3)

    def answer(self, request: Request) -> Generated:
        return self.say(request.prompt, request.prepared, request.key)


def engine_of(kind: str, asked: Path) -> AnyEngine:
    batches = Batches(asked)
    if kind == "batches":
        return batches
    return ContinuousCaptioning(FixedLatency(BATCH, 0.0, answers=batches.answer), Decoding(4))


def recaptioned(kind: str, out: str) -> object:
    tasks.caption._opened = lambda model: engine_of(kind, Path(f"{out}.asked"))
    return flows.recaption.recaption.fn(overrides={"recaption.output": out})


if __name__ == "__main__":
    os.dup2(2, 1)  # what the flow prints is not asked for
    for module in (flows.captioning, flows.mixing, flows.recaption):
        module.map_shards = in_turn  # type: ignore[attr-defined]
    kind, step, kills = sys.argv[1], int(sys.argv[2]), 0
    if killed(partial(recaptioned, kind, "undisturbed"), -1):
        sys.exit("killed by nobody here")
    while killed(partial(recaptioned, kind, "out"), step + kills // 4):
        kills += 1
        if Path("out/summary.json").exists():
            sys.exit(f"it looks finished after {kills} kills")
    Path("kills").write_text(str(kills))
