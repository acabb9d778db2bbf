"""Finished shards as a dataset folder: what goes where in it, and its card."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cim.errors import CimError
from cim.export.dataset_card import dataset_card
from cim.export.finished import SUMMARY, Finished, open_finished
from cim.export.folder import README, Contents, ExportFolder, publish
from cim.export.lineage import note_of
from cim.export.seen import Seen
from cim.export.shard import LookJob
from cim.layout import Layout
from cim.params.export import DatasetExport

SECTION = "export.dataset"


@dataclass(frozen=True)
class DatasetJob:
    """What is exported, where to. title: of the card. workspace: whose models the card tells of."""

    finished: Finished
    folder: ExportFolder
    title: str
    workspace: Path
    params: DatasetExport

    def __str__(self) -> str:
        return str(self.folder.root)

    @classmethod
    def of(cls, params: DatasetExport, workspace: Path) -> "DatasetJob":
        """Raises CimError where the shards are not finished, or the folder is not ours: before anything is written."""
        finished = open_finished(Path(params.shards).expanduser(), params.splits)
        folder = ExportFolder(Path(params.output).expanduser(), SECTION)
        folder.check(finished.root)
        return cls(finished, folder, params.title or folder.root.name, workspace, params)

    def looks(self) -> list[LookJob]:
        """A job a shard."""
        places = self.folder.looked
        return [
            LookJob(shard, places / shard.split / f"{shard.tar.stem}.json", self.params.provenance)
            for shard in self.finished.shards
        ]


def export_dataset(job: DatasetJob, facts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Write the folder; counts. facts: of each shard. Raises CimError where there is nothing, or a flow runs there."""
    finished, seen = job.finished, Seen(job.finished, facts)
    if not seen.samples:
        raise CimError(f"no sample in {finished.root}", "at least one", "mend export.dataset.shards")
    if not (finished.root / SUMMARY).is_file() or open_finished(finished.root, job.params.splits) != finished:
        raise CimError(f"{finished.root} changed meanwhile", "shards that stay as they are", "run export again")
    models = dict.fromkeys(str(one["model_fingerprint"]) for one, _ in seen.captions())
    notes = [note_of(fingerprint, Layout(job.workspace)) for fingerprint in models]
    links = {f"data/{shard.split}/{shard.tar.name}": shard.tar for shard in finished.shards}
    texts = {f"records/{path.name}": path.read_text(encoding="utf-8") for path in finished.records}
    texts[README] = dataset_card(job.title, seen, notes)
    found = {"samples": seen.samples, "shards": len(finished.shards), "provenance": seen.provenance}
    kept = {look.facts for look in job.looks()}
    for path in set(job.folder.looked.rglob("*.json")) - kept:
        path.unlink()
    return publish(job.folder, Contents(links, texts, tuple(shard.made_from for shard in finished.shards)), found)
