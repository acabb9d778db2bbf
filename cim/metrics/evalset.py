"""The eval split with what both captioners said of it, joined by sample id."""

import json
from dataclasses import dataclass, field

import polars as pl

from cim.captions.read import read_captions, read_rejects
from cim.errors import CimError
from cim.layout import Layout
from cim.metrics.scenes import Graph
from cim.shards.read import read_manifest

CAPTIONERS = ("base", "tuned")


@dataclass(frozen=True)
class EvalSet:
    """Images that both captioners described; every list has one entry an image, in the order of ids.

    truths: scene graphs, None where unknown (photos). objects: COCO names in the sample's extra["coco_objects"],
    None where it has none; empty when unknown for all. captions, truncated: by captioner.
    left_out: images of the split, by captioner that gave no caption for them. held: by captioner whose captions are
    references themselves, which one of an image's it is, None where it is none.
    """

    ids: list[str]
    references: list[list[str]]
    truths: list[Graph | None]
    captions: dict[str, list[str]]
    truncated: dict[str, list[bool]]
    left_out: dict[str, int]
    objects: list[list[str] | None] = field(default_factory=list)
    held: dict[str, list[int | None]] = field(default_factory=dict)

    def against(self, captioner: str) -> list[list[str]]:
        """The references that a captioner's captions are held against: of each image all but its own caption."""
        if captioner not in self.held:
            return self.references
        pairs = zip(self.references, self.held[captioner], strict=True)
        return [[text for j, text in enumerate(several) if j != own] for several, own in pairs]


def read_eval_set(layout: Layout) -> EvalSet:
    """Manifest and captions of the eval split.

    Raises CimError when captions are of other images than the manifest's, when images are neither
    captioned nor rejected (a run that has not ended), or when no image has both captions.
    """
    manifest = read_manifest(layout.shards("eval"))
    tables = {name: _captions(layout, name, set(manifest["id"].to_list())) for name in CAPTIONERS}
    both = set.intersection(*(set(table["id"].to_list()) for table in tables.values()))
    described = manifest.filter(pl.col("id").is_in(sorted(both)))
    if described.height == 0:
        raise CimError("no image of eval with a caption by both captioners", "at least one", "dvc repro caption")
    ids = described["id"].to_list()
    keys = described.select("id")
    ordered = {name: keys.join(table, on="id", maintain_order="left") for name, table in tables.items()}
    extras = [json.loads(extra) if extra else {} for extra in described["extra"].to_list()]
    scenes, objects = ([extra.get(name) for extra in extras] for name in ("scene", "coco_objects"))
    return EvalSet(
        ids=ids,
        references=[list(captions) for captions in described["captions"].to_list()],
        truths=[scene if isinstance(scene, dict) else None for scene in scenes],
        captions={name: table["caption"].to_list() for name, table in ordered.items()},
        truncated={name: (table["finish_reason"] == "length").to_list() for name, table in ordered.items()},
        objects=[names if isinstance(names, list) else None for names in objects],
        left_out={name: manifest.height - table.height for name, table in tables.items()},
    )


def _captions(layout: Layout, captioner: str, known: set[str]) -> pl.DataFrame:
    folder = layout.captions(captioner, "eval")
    table = read_captions(folder)
    captioned, rejected = set(table["id"].to_list()), set(read_rejects(folder)["id"].to_list())
    remedy = "dvc repro caption"
    if strange := captioned - known:
        raise CimError(f"{len(strange)} captions in {folder} of images that eval lacks", "captions of eval", remedy)
    if missing := known - captioned - rejected:
        raise CimError(f"{len(missing)} of {len(known)} images without a caption in {folder}", "none", remedy)
    return table
