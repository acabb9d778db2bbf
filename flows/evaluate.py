"""Base against tuned on the eval split: two judges, then the report."""

import socket
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.artifacts import create_markdown_artifact

from cim.layout import Layout
from cim.metrics.evalset import read_eval_set
from cim.metrics.yardsticks import with_yardsticks
from cim.params import load_params
from cim.report.essence import essence
from cim.report.table import headline, markdown
from flows.command import main
from flows.shards import map_shards
from tasks.evaluate import JUDGES, judge, print_table, write_report


@flow
def evaluate(params_path: str = "params.yaml") -> dict[str, Any]:
    """Judge the captions of both captioners, write data/report, print the before/after table; returns metrics."""
    params, layout = load_params(Path(params_path)), Layout()
    shared: dict[str, Any] = {"evaluated": with_yardsticks(read_eval_set(layout)), "params": params}
    # Two at a time: METEOR's own process beside one that holds a model.
    found = map_shards(judge, JUDGES, params.runtime, "judging", 2, layout=layout, **shared)
    judged = dict(zip(JUDGES, found, strict=True))
    (metrics,) = map_shards(write_report, [layout], params.runtime, "reporting", 1, judged=judged, **shared)
    print_table(layout)
    create_artifacts(layout, metrics)
    return metrics


def create_artifacts(layout: Layout, metrics: dict[str, Any], address: str | None = None) -> None:
    """For Prefect's page of this run: the numbers, and the essence of the report. address: of a copy of the report."""
    create_markdown_artifact(markdown(metrics), key="before-after", description=headline(metrics))
    text = essence(metrics, layout, socket.gethostname(), address)
    create_markdown_artifact(text, key="report", description="The evaluation's report, in short")


if __name__ == "__main__":
    main(evaluate, "evaluate")
