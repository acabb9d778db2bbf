"""The texts of a corpus' samples in the tables of captions that were made of it, a table a named prompt."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from cim.atomic import marker_of, read_json
from cim.captions.commit import changed
from cim.captions.tar import sample_key
from cim.captions.write import captions_path, rejects_path
from cim.errors import CimError
from cim.images.ids import content_hash
from cim.readers.base import Item
from cim.records import Reject
from cim.rewrite.sample_texts import ORIGINAL, SampleTexts, unusable

_LINEAGE = (
    "seed", "prompt", "prompt_hash", "model_fingerprint", "decoding", "pipeline_version", "source_key", "source_shard",
    "source_sha256",
)  # fmt: skip
_OWN = ("finish_reason", "cut", "tokens", "tokens_in", "cim_score")  # of a caption


@dataclass(frozen=True)
class CaptionTables:
    """Of one shard, number `number` of the corpus, named `stem`. folders: of the tables, by the prompt's name."""

    number: int
    stem: str
    folders: tuple[tuple[str, Path], ...]

    def identity(self) -> list[str]:
        """What the tables were made from. Raises CimError where one is not done."""
        found = []
        for name, folder in self.folders:
            marker = marker_of(captions_path(folder, self.stem))
            if not marker.is_file():
                raise CimError(
                    f"no captions {name} of shard {self.stem} in {folder}",
                    "a finished table for every prompt of recaption.texts",
                    "run flows.recaption again",
                )
            found.append(str(read_json(marker)["fingerprint"]))
        return found

    def read(self) -> "TableTexts":
        """All rows, in memory."""
        rows = {name: _by(captions_path(folder, self.stem), "key") for name, folder in self.folders}
        rejects = [_by(rejects_path(folder, self.stem), "id") for _, folder in self.folders]
        return TableTexts(self.number, rows, rejects)


@dataclass(frozen=True)
class TableTexts:
    """A `SampleReader`. rows: by name and key. rejects: of each table, by the sample's name in the corpus."""

    number: int
    rows: Mapping[str, Mapping[str, Mapping[str, Any]]]
    rejects: Sequence[Mapping[str, Mapping[str, Any]]]

    def __call__(self, at: int, item: Item) -> SampleTexts | Reject:
        """As a sample of a re-captioned shard; "" where a prompt has no caption of it, a reject where none has."""
        if (reject := unusable(item)) is not None:
            return reject
        key = sample_key(self.number, at)
        found = {name: row for name, rows in self.rows.items() if (row := rows.get(key)) is not None}
        if not found:
            why = next((one[item.name] for one in self.rejects if item.name in one), None)
            return Reject(item.name, why["reason"] if why else "no caption", why["detail"] if why else "")
        any_row = next(iter(found.values()))
        assert item.image is not None
        sha256 = content_hash(item.image)
        if not all(sha256.startswith(row["id"]) for row in found.values()):
            raise changed(item.name)
        texts = {ORIGINAL: any_row["alt_text"] or ""}
        texts |= {name: found[name]["caption"] if name in found else "" for name in self.rows}
        facts = {"width": any_row["width"], "height": any_row["height"], "sha256": sha256, "original": item.facts}
        return SampleTexts(
            key, any_row["suffix"], texts, facts | {"recaption": {n: _lineage(row) for n, row in found.items()}}
        )


def _lineage(row: Mapping[str, Any]) -> dict[str, Any]:
    """Of a row what a sample's JSON says of its caption."""
    return {name: row[name] for name in (*_OWN, *_LINEAGE)}


def _by(table: Path, name: str) -> dict[str, dict[str, Any]]:
    return {row[name]: row for row in pl.read_parquet(table).iter_rows(named=True)}
