"""How far a run is, shard by shard: for the terminal, as JSON lines, and as Prefect artefacts."""

import json
import logging
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from prefect.artifacts import create_markdown_artifact, create_progress_artifact, update_progress_artifact
from prefect.context import FlowRunContext
from prefect.logging import get_run_logger

from cim.captions.cost import Cost
from cim.captions.display import Run, as_page, as_text, display_rows
from cim.captions.output import open_log
from cim.captions.shard import Outcome


class Progress:
    """Counts what `map_shards` hands it. A run's lines are appended to `log`; times are there and nowhere else.

    What can't be told while shards are being made, be it a full disk or a server that is away, is a warning: the
    shards are worth more than the line.
    """

    def __init__(self, title: str, shards: int, images: int | None, log: Path) -> None:
        """images: of all shards, None where some are not counted yet (the rest is then guessed from those done).

        Raises CimError when the log can't be opened.
        """
        open_log(log)
        self.title, self.shards, self.images, self.log = title, shards, images, log
        self.facts: dict[str, dict[str, Any]] = {}
        self.made = {"images": 0, "captions": 0, "tokens": 0}
        self._all = {"images": 0, "rejects": 0, "tokens": 0}  # of `facts`; not summed anew for each shard
        self.cost = Cost()
        self._lost = Counter[str]()
        self._start = time.perf_counter()
        self._artifact = self._begin()

    @property
    def seconds(self) -> float:
        """Since the run began."""
        return time.perf_counter() - self._start

    def found(self, outcomes: Iterable[Outcome]) -> None:
        """Take note of shards that were done before the run began."""
        for outcome in outcomes:
            self._add(outcome)
        if self.facts:
            self._tell(f"{self.title}: {len(self.facts)} of {self.shards} shards, done before")

    def __call__(self, outcome: Outcome | None) -> dict[str, Any]:
        """Take note of a shard that is done (None: left to another worker); what to show beside the bar."""
        new = outcome is not None and outcome.shard not in self.facts
        if outcome is not None and new:
            self._add(outcome)
        seconds = max(self.seconds, 1e-9)
        shown = {
            "captions/s": round(self.made["captions"] / seconds, 1),
            "tokens/s": round(self.made["tokens"] / seconds, 1),
            "eta": _clock(self.eta()),
            "rejects": self._all["rejects"],
            "tokens": self._all["tokens"],
        }
        if self.cost.busy:
            shown["engine waited"] = f"{self.cost.share:.1%}"
            shown |= {"MiB read": round(self.cost.nbytes / 2**20), "retries": self.cost.retries}
        if new:
            said = ", ".join(f"{name} {value}" for name, value in shown.items())
            self._tell(f"{self.title}: {len(self.facts)} of {self.shards} shards, {said}")
        return shown

    def eta(self) -> float | None:
        """Seconds left at the speed of this run; None while there is nothing to go by."""
        done = self._all["images"]
        if not self.facts or not self.made["images"]:
            return None
        total = self.images if self.images is not None else done / len(self.facts) * self.shards
        return max(0.0, total - done) * self.seconds / self.made["images"]

    def end(self, summary: dict[str, Any], folder: Path) -> None:
        """The run's last line; its summary (of what is done), printed and as an artefact. folder: of its output."""
        speed = {f"{name}_per_second": round(count / self.seconds, 3) for name, count in self.made.items()}
        not_done, line = self.shards - len(self.facts), {"run": self.title, "seconds": round(self.seconds, 3), **speed}
        self._write({**line, **self.cost.values(), "shards_not_done": not_done, "summary": summary})
        rows = display_rows(summary, Run(self.seconds, self.made, folder, self.log, not_done, self._lost, self.cost))
        if FlowRunContext.get():
            with self._at_most_a_warning("summary on Prefect's page"):
                create_markdown_artifact(as_page(rows), key="captioning-summary", description=self.title)
        print(as_text(rows), flush=True)

    def _add(self, outcome: Outcome) -> None:
        facts, self.cost = outcome.facts, self.cost + outcome.cost
        self.facts[outcome.shard] = facts
        for name in self._all:
            self._all[name] += facts[name]
        share = 1 - outcome.before / facts["images"] if facts["images"] else 0.0  # of it made by this run
        for name in self.made:
            self.made[name] += round(facts[name] * share)
        counts = {name: facts[name] for name in ("images", "captions", "rejects", "tokens", "tokens_in")}
        speed = round(facts["captions"] * share / outcome.seconds, 3) if outcome.seconds else None
        line = {"shard": outcome.shard, **counts, "made_before": outcome.before, "captions_per_second": speed}
        self._write({**line, "seconds": round(outcome.seconds, 3), "reject_reasons": facts["reject_reasons"]})

    def _write(self, line: dict[str, Any]) -> None:
        with self._at_most_a_warning("line of the log"), self.log.open("a", encoding="utf-8") as log:
            log.write(json.dumps(line, ensure_ascii=False) + "\n")

    def _tell(self, said: str) -> None:
        if self._artifact is not None:
            with self._at_most_a_warning("progress on Prefect's page"):
                update_progress_artifact(self._artifact, 100 * len(self.facts) / self.shards, description=said)

    def _begin(self) -> UUID | None:
        if not FlowRunContext.get():  # called outside a flow run: there is no server to tell
            return None
        with self._at_most_a_warning("progress on Prefect's page"):
            return create_progress_artifact(0.0, key="captioning", description=self.title)  # type: ignore[return-value]
        return None

    @contextmanager
    def _at_most_a_warning(self, what: str) -> Iterator[None]:
        """Count what failed under its name, and say so the first time."""
        try:
            yield
        except Exception as error:  # of the file system, the network, the server: each with kinds of its own
            self._lost[what] += 1
            if self._lost[what] == 1:
                logger().warning("a %s is missing, the run goes on (%s: %s)", what, type(error).__name__, error)


def logger() -> Any:
    """Prefect's, whose lines are on the run's page too, where there is a run."""
    return get_run_logger() if FlowRunContext.get() else logging.getLogger(__name__)


def _clock(seconds: float | None) -> str:
    if seconds is None:
        return "?"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"
