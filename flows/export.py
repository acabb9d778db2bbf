"""What is finished as folders for the Hugging Face hub, with cards; nothing is uploaded. Beside the pipeline."""

from contextlib import ExitStack
from pathlib import Path
from typing import Any

from prefect import flow

from cim.export.dataset import DatasetJob
from cim.export.folder import owned
from cim.export.model import ModelJob
from cim.params.export import Exporting
from cim.params.load import load_section
from cim.provenance import UNKNOWN
from flows.command import main
from flows.progress import logger
from flows.shards import map_shards
from tasks.export import dataset_task, look_task, model_task


@flow(name="export")
def export(params_path: str = "export.yaml", overrides: dict[str, Any] | None = None) -> dict[str, Any]:
    """Write finished shards as a dataset folder, a tuned captioner as a model folder, or both, each with its card.

    Killed anywhere, the same command goes on, to the same bytes. Nothing is uploaded. overrides: values in place of the
    file's, by dotted name ({"export.dataset.output": "data/other"}).
    """
    params = load_section(Path(params_path), Exporting, overrides or {})
    section, runtime = params.export, params.runtime
    workspace = Path(section.workspace).expanduser()
    model = ModelJob.of(section.model, workspace) if section.model else None
    dataset = DatasetJob.of(section.dataset, workspace) if section.dataset else None
    found: dict[str, Any] = {}
    with ExitStack() as held:
        for job in filter(None, (dataset, model)):
            held.enter_context(owned(job.folder))
        if dataset:
            facts = map_shards(look_task, dataset.looks(), runtime, "looking at shards", root=dataset.folder.root)
            given = {"workers": 1, "facts": facts}
            (found["dataset"],) = map_shards(dataset_task, [dataset], runtime, "writing the dataset", **given)
            _tell(found["dataset"], dataset)
        if model:
            (found["model"],) = map_shards(model_task, [model], runtime, "writing the captioner", workers=1)
            print(f"{model}: captioner with README.md; {found['model']['files']} files", flush=True)
    return found


def _tell(facts: dict[str, Any], job: DatasetJob) -> None:
    samples, unknown = facts["samples"], facts["provenance"]["license"][UNKNOWN]
    print(f"{job}: {samples:,} samples in {facts['shards']:,} shards, README.md", flush=True)
    if unknown:
        logger().warning("the licence of %s of %s images is unknown: the card says so", f"{unknown:,}", f"{samples:,}")


if __name__ == "__main__":
    main(export, "export", whole=Exporting)
