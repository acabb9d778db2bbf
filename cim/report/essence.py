"""The report in a few lines of Markdown, for pages that can't show it whole: what came of it, examples, where it is."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from cim.layout import Layout
from cim.markdown import plain
from cim.report.rows import groups
from cim.report.table import CHANCE, counted, headline, readings

EXAMPLES = 3


def essence(metrics: Mapping[str, Any], layout: Layout, host: str, address: str | None = None) -> str:
    """Headline, verdicts, captions of the first images by id, and where report.html is.

    host: the machine of `layout`. address: of the report where the artefacts are copied to, None for nowhere.
    """
    report = (layout.report / "report.html").resolve()
    lines = [f"**{headline(metrics)}.**", f"{counted(readings(groups(metrics)))} {CHANCE}"]
    if (images := layout.report / "images.parquet").is_file():
        lines.append(_examples(images))
    lines.append(f"The report: `{report}` on {host}" + (f"; after `dvc push` also {address}" if address else ""))
    return "\n\n".join(lines)


def _examples(images: Path) -> str:
    table = pl.scan_parquet(images).select("id", "base_caption", "tuned_caption").sort("id").head(EXAMPLES).collect()
    rows = [f"| {' | '.join(plain(text or '') for text in row)} |" for row in table.iter_rows()]
    return "\n".join(["| image | before | after |", "|---|---|---|", *rows])
