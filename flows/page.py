"""What a run of a deployment shows on Prefect's page, read from the artefacts it leaves."""

import json
from collections.abc import Iterator
from pathlib import Path

from prefect.artifacts import create_markdown_artifact, create_table_artifact

from cim.atomic import read_json
from cim.layout import Layout
from cim.markdown import plain
from cim.report.lineage import reject_counts
from flows.evaluate import create_artifacts
from flows.remote import address_of, configured

LOGS = "caption-*.jsonl"


def publish() -> None:
    """Create the artefacts of what is in data/: before and after, the report's essence, rejects, captions a second.

    What is not made yet is left out.
    """
    layout = Layout()
    if (metrics := layout.report / "metrics.json").is_file():
        create_artifacts(layout, read_json(metrics), address_of(layout.report / "report.html"))
    if layout.shard_summary.is_file():
        create_markdown_artifact(rejects(layout), key="rejects", description="Images and captions that are not used")
    if rows := list(speeds(layout.root / "logs")):
        create_table_artifact(rows, key="captions-per-second", description="The last run over each folder of captions")


def rejects(layout: Layout) -> str:
    """What the quarantine holds by reason, and where the whole list is, as Markdown."""
    where = f"All of them: `{layout.rejects.resolve()}`"
    if not (counts := reject_counts(layout.rejects)):
        return f"None. {where}"
    rows = [f"| {one.reason} | {one.count:,} | {' · '.join(plain(text) for text in one.examples)} |" for one in counts]
    return "\n".join(["| reason | number | examples |", "|---|---|---|", *rows, "", where])


def speeds(logs: Path) -> Iterator[dict[str, str | int | float]]:
    """Of each log of captioning the last run: captions, captions and tokens a second, rejects."""
    for log in sorted(logs.glob(LOGS)):
        runs = [line for line in map(json.loads, log.read_text(encoding="utf-8").splitlines()) if "run" in line]
        if not runs:
            continue
        last = runs[-1]
        yield {
            "captions": last["summary"]["captions"],
            "of": log.stem.removeprefix("caption-"),
            "captions_per_second": last["captions_per_second"],
            "tokens_per_second": last["tokens_per_second"],
            "seconds": last["seconds"],
            "rejects": last["summary"]["rejects"],
        }


def pushed() -> None:
    """Create the artefact of a push: the remote's address, and the report's in it."""
    remote, report = configured(), address_of(Layout().report / "report.html")
    lines = [f"Remote `{remote.name}`: {remote.url}" if remote else "", f"The report: {report}" if report else ""]
    create_markdown_artifact("\n\n".join(filter(None, lines)), key="pushed", description="Where the artefacts are")
