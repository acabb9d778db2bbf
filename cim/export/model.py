"""A tuned captioner as a model folder: its files, its records, its card."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from cim.captioners.load import captioner_fingerprint
from cim.errors import CimError
from cim.export.folder import README, Contents, ExportFolder, publish
from cim.export.lineage import CARD, note_of
from cim.export.model_card import ModelRecords, model_card
from cim.export.records import record, record_if_any
from cim.layout import Layout
from cim.models.folder import model_files
from cim.params.export import ModelExport

SECTION = "export.model"
_RECORDS = ("summary.json", "alarms.json", "curves.csv")  # beside the captioner
_HOW = ["model_fingerprint", "prompt", "decoding", "pipeline_version"]  # of a row of captions


@dataclass(frozen=True)
class ModelJob:
    """What is exported, where to. fingerprint: of the model as it was when the run began."""

    model: Path
    fingerprint: str
    folder: ExportFolder
    title: str
    layout: Layout

    def __str__(self) -> str:
        return str(self.folder.root)

    @classmethod
    def of(cls, params: ModelExport, workspace: Path) -> "ModelJob":
        """Raises CimError for what is no captioner that flows.tune made, and for a folder that is not ours."""
        model = Path(params.model).expanduser()
        found, card = captioner_fingerprint(model), record_if_any(model / CARD)
        if "base" not in card:
            raise CimError(
                f"no {CARD} in {model} that names a base",
                "a captioner that flows.tune made",
                "mend export.model.model; other models have a card of their own",
            )
        if card.get("fingerprint") != found:
            raise CimError(
                f"{model} is not what its {CARD} tells of (fingerprint {found}, there {card.get('fingerprint')})",
                "the files that flows.tune wrote",
                "run flows.tune again, or copy the folder again",
            )
        folder = ExportFolder(Path(params.output).expanduser(), SECTION)
        folder.check(model)
        return cls(model, found, folder, params.title or folder.root.name, Layout(workspace))


def export_model(job: ModelJob) -> dict[str, Any]:
    """Write the folder; its facts. Raises CimError where the model has changed meanwhile."""
    links = {path.relative_to(job.model).as_posix(): path for path in model_files(job.model)}
    texts = {CARD: (job.model / CARD).read_text(encoding="utf-8")}
    records = records_of(job)
    beside = [path for name in _RECORDS if (path := job.model.parent / name).is_file()]
    if records.metrics is not None:
        beside.append(job.layout.report / "metrics.json")
    for path in beside:
        name = "training.json" if path.name == "summary.json" else path.name
        texts[f"records/{name}"] = path.read_text(encoding="utf-8")
    texts[README] = model_card(job.title, records)
    if captioner_fingerprint(job.model) != job.fingerprint:
        raise CimError(f"{job.model} changed meanwhile", "a captioner that stays as it is", "run export again")
    size = sum(path.stat().st_size for path in links.values())
    return publish(job.folder, Contents(links, texts, (job.fingerprint,)), {"files": len(links), "bytes": size})


def records_of(job: ModelJob) -> ModelRecords:
    """All that is recorded of the captioner, beside it and in the workspace."""
    layout, card = job.layout, record_if_any(job.model / CARD)
    row = _row(layout, job.fingerprint)
    metrics = _record(layout.report / "metrics.json") if row and row["split"] == "eval" else {}
    architectures = _record(job.model / "config.json").get("architectures") or []
    return ModelRecords(
        card=card,
        note=note_of(job.fingerprint, layout, card),
        summary=_record(job.model.parent / "summary.json"),
        alarms=_record(job.model.parent / "alarms.json"),
        metrics=metrics or None,
        shards=_record(layout.shard_summary),
        caption=row,
        architecture=", ".join(map(str, architectures)),
    )


def _row(layout: Layout, fingerprint: str) -> dict[str, Any] | None:
    """How the captions were made that the workspace has of the captioner; None where it has none of it."""
    for split in ("eval", "target"):
        tables = sorted(layout.captions("tuned", split).glob("*.parquet"))
        rows = pl.read_parquet(tables[0], columns=_HOW, n_rows=1).to_dicts() if tables else []
        if rows and rows[0]["model_fingerprint"] == fingerprint:
            return rows[0] | {"split": split}
    return None


def _record(path: Path) -> dict[str, Any]:
    """{} where there is none; see `record`."""
    return record(path) if path.is_file() else {}
