"""What a captioning run displays: whom it waits for, and the same rows in the terminal and on its page."""

import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from cim.captions.cost import NO_COST, Cost
from cim.captions.job import ShardJob
from cim.captions.prompts import PromptsJob
from cim.captions.summary import counted, named_captions
from cim.lock import holder
from cim.provenance import licenses_text

NAMED = 10  # shards named in one line
Rows = Mapping[str, str | Path]  # by name, in order


@dataclass(frozen=True)
class Run:
    """What a run itself did: seconds it took; captions and tokens it made; where its output and its log lie.

    not_done: shards that failed. lost: messages that could not be displayed on the way, with counts. cost: beside them.
    """

    seconds: float
    made: Mapping[str, int]
    folder: Path
    log: Path
    not_done: int = 0
    lost: Mapping[str, int] = field(default_factory=dict)
    cost: Cost = NO_COST


def display_rows(summary: Mapping[str, Any], run: Run) -> Rows:
    """Every row to display. summary: see `summarize`; counts over the whole folder, whichever run made it."""
    images, rejects, cut_short = summary["images"], summary["rejects"], summary["cut_short"]
    share = f" ({rejects / images:.2%})" if images and rejects else ""
    speed = ", ".join(f"{run.made[name] / max(run.seconds, 1e-9):,.1f} {name}/s" for name in ("captions", "tokens"))
    return {
        "images": f"{images:,} in {summary['shards']:,} shards",
        **({"shards not done": f"{run.not_done:,}"} if run.not_done else {}),
        "captions": f"{summary['captions']:,}",
        "finish reasons": counted(summary["finish_reasons"]) or "none",
        "rejects": f"{rejects:,}{share}",
        "reject reasons": counted(summary["reject_reasons"]) or "none",
        **({"shards cut short": f"{cut_short:,} (broken tar)"} if cut_short else {}),
        **({"licences": licenses_text(summary["provenance"])} if "provenance" in summary else {}),
        "tokens": f"{summary['tokens']:,} written, {summary['tokens_in']:,} read",
        **{f"{unit} a caption": _spread(found) for unit, found in summary["lengths"].items()},
        "captions that repeat": _repeated(summary["repeated"]),
        "this run": f"{run.made['captions']:,} captions in {timedelta(seconds=round(run.seconds))}, {speed}",
        **({"engine": cost_text(run.cost)} if run.cost.busy else {}),
        **({"could not be displayed": counted(run.lost)} if run.lost else {}),
        "shards": run.folder.absolute(),
        "list of rejects": run.folder.absolute() / "rejects",
        "a line a shard": run.log.absolute(),
    }


def cost_text(cost: Cost) -> str:
    """What a run cost beside its captions."""
    return (
        f"waited {cost.share:.1%} of its time, {cost.nbytes / 2**20:,.1f} MiB of images read, {cost.retries:,} retries"
    )


def unfinished_shards(jobs: Sequence[ShardJob] | Sequence[PromptsJob], done: Container[str]) -> str:
    """The first shards that are not done, and who is at them. done: stems."""
    left = [job for job in jobs if job.stem not in done]
    named = [f"{job.stem} ({holder(job.outer_lock) or 'nobody yet'})" for job in left[:NAMED]]
    more = f" and {len(left) - NAMED:,} more" if len(left) > NAMED else ""
    return f"shards not done yet, and who is at them: {', '.join(named)}{more}"


def as_text(rows: Rows) -> str:
    """A line a row, for the terminal."""
    return "\n".join(f"{name}: {value}" for name, value in rows.items())


def as_page(rows: Rows) -> str:
    """A table in Markdown."""
    cells = {name: f"`{value}`" if isinstance(value, Path) else _plain(value) for name, value in rows.items()}
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {cell} |" for name, cell in cells.items())]) + "\n"


def _spread(found: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in found.items())


def _repeated(found: Mapping[str, Any]) -> str:
    if not found["captions"]:
        return "none"
    return f"{found['captions']:,} ({found['share']:.2%}), most often {named_captions(found['most'])}"


def _plain(text: str) -> str:
    """Text that a cell shows as it is: captions may hold what Markdown or HTML takes for its own."""
    return re.sub(r"[\\`*_{}\[\]<>|#&~]", lambda found: f"&#{ord(found[0])};", text)
