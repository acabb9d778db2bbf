"""The summary of a captioning run as Markdown, for whoever looks at the run's page."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from cim.captions.summary import most_first


@dataclass(frozen=True)
class Run:
    """What a run itself did: seconds it took; captions and tokens it made; where its output and its log lie."""

    seconds: float
    made: Mapping[str, int]
    folder: Path
    log: Path


def as_page(summary: Mapping[str, Any], run: Run) -> str:
    """summary: see `summarize`; counts over the whole folder, whichever run made it."""
    images, rejects = summary["images"], summary["rejects"]
    share = f" ({rejects / images:.2%})" if images and rejects else ""
    speed = ", ".join(f"{run.made[name] / max(run.seconds, 1e-9):,.1f} {name}/s" for name in ("captions", "tokens"))
    rows = {
        "images": f"{images:,} in {summary['shards']:,} shards",
        "captions": f"{summary['captions']:,}",
        "ended by": _counts(summary["finish_reasons"]),
        "rejects": f"{rejects:,}{share}",
        "rejected for": _counts(summary["reject_reasons"]),
        "tokens": f"{summary['tokens']:,} written, {summary['tokens_in']:,} read",
        "this run": f"{run.made['captions']:,} captions in {timedelta(seconds=round(run.seconds))}, {speed}",
        "shards": f"`{run.folder.absolute()}`",
        "list of rejects": f"`{run.folder.absolute() / 'rejects'}`",
        "a line a shard": f"`{run.log.absolute()}`",
    }
    lines = ["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows.items())]
    lengths = summary["lengths"]
    if lengths:
        columns = list(next(iter(lengths.values())))
        lines += ["", f"| a caption's | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
        lines += [
            f"| {unit} | {' | '.join(f'{found[name]:g}' for name in columns)} |" for unit, found in lengths.items()
        ]
    return "\n".join(lines) + "\n"


def _counts(reasons: Mapping[str, int]) -> str:
    return ", ".join(f"{reason}: {count:,}" for reason, count in most_first(reasons)) or "none"
