"""export: one finished shard looked at, one folder written: each a task."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from prefect import task

from cim.export.dataset import SECTION, DatasetJob, export_dataset
from cim.export.folder import writing
from cim.export.model import ModelJob, export_model
from cim.export.shard import LookJob, look


@task
def look_task(job: LookJob, root: Path) -> dict[str, Any]:
    """What is in one shard, unless an earlier run has seen it. root: of the export, for messages."""
    with writing(root, SECTION):
        return look(job)


@task
def dataset_task(job: DatasetJob, facts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Write the dataset's folder unless it is there; counts."""
    return export_dataset(job, facts)


@task
def model_task(job: ModelJob) -> dict[str, Any]:
    """Write the captioner's folder unless it is there; counts."""
    return export_model(job)
