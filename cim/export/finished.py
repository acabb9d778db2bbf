"""Finished shards of any flow: which flow made them, which tars there are, what it recorded. Or why they are not."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from cim.atomic import marker_of
from cim.captions.write import captions_path
from cim.errors import CimError
from cim.export.records import record

Kind = Literal["shard", "caption", "recaption", "remix", "refine", "curate"]
CARDS: dict[str, Kind] = {
    "remix.json": "remix", "refine.json": "refine", "recaption.json": "recaption", "curate.json": "curate",
}  # fmt: skip
SUMMARY = "summary.json"
OTHER_SPLIT = "train"  # of shards that belong to no split


@dataclass(frozen=True)
class FinishedShard:
    """A tar, the split that it belongs to, and the fingerprint of what it was made from."""

    split: str
    tar: Path
    made_from: str

    def __str__(self) -> str:
        return self.tar.name


@dataclass(frozen=True)
class Finished:
    """A folder of finished shards. card: the flow's own note of how they were made. records: these files, to pass on.

    table: captions of one shard, where there are any.
    """

    kind: Kind
    root: Path
    shards: tuple[FinishedShard, ...]
    summary: dict[str, Any]
    card: dict[str, Any] = field(default_factory=dict)
    records: tuple[Path, ...] = ()
    table: Path | None = None

    def splits(self) -> list[str]:
        """In the order of their shards."""
        return list(dict.fromkeys(shard.split for shard in self.shards))

    def rejects(self) -> dict[str, int]:
        """What is not in the shards, by reason."""
        name = {"shard": "rejects", "curate": "dropped"}.get(self.kind, "reject_reasons")
        return dict(self.summary.get(name) or {})


def open_finished(root: Path, splits: Sequence[str] | None = None) -> Finished:
    """What lies in `root`. splits: of `data/shards` alone, those wanted.

    Raises CimError for a folder that no flow has finished, one without tars, and one whose files are not those that
    its done markers name.
    """
    if not root.is_dir():
        raise CimError(f"no folder {root}", "finished shards", "mend export.dataset.shards")
    name = next((name for name in CARDS if (root / name).is_file()), None)
    summary = record(root / SUMMARY) if (root / SUMMARY).is_file() else None
    if summary is None:
        what = f"{name}, but no {SUMMARY}" if name else f"neither {SUMMARY} nor a card such as recaption.json"
        raise CimError(
            f"{root} with {what}: not finished",
            "the output of a run that has ended",
            "run the flow that makes it until it ends without an error, or mend export.dataset.shards",
        )
    kind = CARDS[name] if name else _stage(root, summary)
    if splits is not None and kind != "shard":
        raise CimError(
            f"export.dataset.splits {list(splits)} for shards of flows.{kind}",
            "splits of data/shards",
            "leave splits out",
        )
    card = record(root / name) if name else {}
    if kind == "shard":
        shards = _of_splits(root, summary, splits)
    elif kind == "curate":
        shards = [_marked(tar, OTHER_SPLIT, tar, _size) for tar in sorted(root.glob("*.tar"))]
    else:
        shards = _captioned(root, kind)
    stated = card.get("shards", summary.get("shards") if kind != "curate" else None)
    if not shards:
        raise _without_tars(root, kind)
    if isinstance(stated, int) and stated != len(shards):
        raise CimError(f"{len(shards)} finished tars in {root}", f"the {stated} that it says it has", "run it again")
    records = tuple(path for path in (root / SUMMARY, root / (name or "")) if path.is_file())
    tables = [captions_path(root, shard.tar.stem) for shard in shards[:1]]
    return Finished(kind, root, tuple(shards), summary, card, records, next((t for t in tables if t.is_file()), None))


def _stage(root: Path, summary: dict[str, Any]) -> Kind:
    """Of a folder that has no card: an output of a stage of the pipeline."""
    if "splits" in summary:
        return "shard"
    if "finish_reasons" in summary:
        return "caption"
    inner = [str(path.parent.relative_to(root)) for path in sorted(root.glob(f"*/*/{SUMMARY}"))]
    raise CimError(
        f"a {SUMMARY} in {root} that is of no finished shards",
        "shards of flows.shard, flows.recaption, flows.remix, flows.refine, flows.curate, or captions of one split",
        f"name one of {', '.join(inner)} in it" if inner else "mend export.dataset.shards",
    )


def _of_splits(root: Path, summary: dict[str, Any], wanted: Sequence[str] | None) -> list[FinishedShard]:
    there = [split for split in summary["splits"] if (root / split).is_dir()]
    if unknown := [split for split in wanted or () if split not in there]:
        raise CimError(
            f"export.dataset.splits with {unknown[0]}", f"some of {', '.join(there)}", "mend export.dataset.splits"
        )
    found = []
    for split in there if wanted is None else dict.fromkeys(wanted):
        tars = sorted((root / split).glob("*.tar"))
        if len(tars) != summary["splits"][split]["shards"]:
            stated = summary["splits"][split]["shards"]
            raise CimError(f"{len(tars)} tars in {root / split}", f"the {stated} of {SUMMARY}", "run flows.shard again")
        found += [_marked(tar, split, tar, _size) for tar in tars]
    return found


def _captioned(root: Path, kind: str) -> list[FinishedShard]:
    """Tars beside tables, whose done markers stand for both."""
    tables = sorted(root.glob("*.parquet"), key=lambda path: (len(path.name), path.name))
    tars = [path.with_suffix(".tar") for path in tables]
    if not any(tar.is_file() for tar in tars):
        return []
    split = OTHER_SPLIT if kind != "caption" else tables[0].stem.partition("-")[0]
    return [_marked(table, split, tar, _stated) for table, tar in zip(tables, tars, strict=True)]


def _marked(artefact: Path, split: str, tar: Path, stated: Any) -> FinishedShard:
    marker = marker_of(artefact)
    if not marker.is_file():
        raise CimError(f"{artefact} without {marker.name}: not finished", "finished shards", "run its flow again")
    content = record(marker)
    if not tar.is_file() or tar.stat().st_size != stated(content):
        raise CimError(
            f"{tar} {'has changed' if tar.is_file() else 'is missing'}",
            f"the file that {marker.name} stands for",
            "run its flow again" if tar.is_file() else "copy it there, from its store if it has one",
        )
    return FinishedShard(split, tar, str(content.get("fingerprint")))


def _size(marker: dict[str, Any]) -> Any:
    return marker.get("holds")


def _stated(marker: dict[str, Any]) -> Any:
    return (marker.get("facts") or {}).get("tar_bytes")


def _without_tars(root: Path, kind: Kind) -> CimError:
    remedies = {
        "caption": "export the tuned captioner's target split, or caption with flows.recaption, which writes images",
        "curate": "run flows.curate with curate.shards changed",
    }
    return CimError(
        f"no tar in {root}",
        "shards with images",
        remedies.get(kind, "copy the tars there; with recaption.store they lie in the store"),
    )
