"""The variants of benchmarks.ablation, and which of them stand in one table."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

TUNE = ("tune", "caption", "evaluate")
MODELS = ("models captioner", "models text", "models image", "models heldout", "embed", "index")


@dataclass(frozen=True)
class Variant:
    """changes: dotted names in params.yaml (numbers index lists) -> values. stages: those that run again, in order."""

    stages: tuple[str, ...]
    changes: dict[str, Any] = field(default_factory=dict)

    def params(self, default: Mapping[str, Any]) -> dict[str, Any]:
        """The content of params.yaml for this variant of `default`, which stays as it is."""
        changed: dict[str, Any] = copy.deepcopy(dict(default))
        for name, value in self.changes.items():
            *path, last = name.split(".")
            place: Any = changed
            for part in path:
                place = place[int(part)] if isinstance(place, list) else place[part]
            place[last] = copy.deepcopy(value)  # later changes may lie within it
        return changed


def _seed(seed: int) -> Variant:
    names = ("warm_start", "captioner.align", "image_encoder", "heldout_encoder")
    seeds = {f"models.{name}.seed": 2 * seed + (name == "heldout_encoder") for name in names}
    return Variant((*MODELS, *TUNE), {**seeds, "tune.seed": seed})


def _own_gallery(exclude: str) -> Variant:
    """The train images may be retrieved as well, with their own captions: else there is nothing to exclude."""
    return Variant(("embed", "index", *TUNE), {"index.splits": ["gallery", "train"], "tune.reward.exclude": exclude})


GALLERY = ("shard", "embed", "index", *TUNE)  # the encoders stay: another judge would be no comparison
LONGER = {"models.warm_start.epochs": 6.2}  # what CIM's tuning takes in time, given to the warm start instead

VARIANTS: dict[str, Variant] = {
    "default": Variant(("evaluate",)),
    "seed-1": _seed(1),
    "seed-2": _seed(2),
    "grc-only": Variant(TUNE, {"tune.reward.beta": 0.0}),
    "qir-only": Variant(TUNE, {"tune.reward.alpha": 0.0}),
    "exclude-none": _own_gallery("none"),
    "exclude-self": _own_gallery("self"),
    "exclude-near": _own_gallery("near_duplicates"),
    "vague-gallery": Variant(GALLERY, {"shard.sources.0.detail": 0.35}),
    "longer-sft": Variant(("models captioner", *TUNE), LONGER),
    "small-gallery": Variant(GALLERY, {"shard.sources.0.count": 1500}),
    "space-clip": Variant(TUNE, {"tune.reward.space": "clip"}),
    "space-fused": Variant(TUNE, {"tune.reward.space": "fused"}),
    "k-1": Variant(TUNE, {"tune.reward.k": 1}),
    "k-5": Variant(TUNE, {"tune.reward.k": 5}),
    "k-10": Variant(TUNE, {"tune.reward.k": 10}),
    "beta-3": Variant(TUNE, {"tune.reward.beta": 3.0}),
}


@dataclass(frozen=True)
class Table:
    """rows: label -> (variant, side of its comparison: base or tuned). against: label -> the label it is held against;
    the first one's is the reference, whose judges the others must share."""

    rows: dict[str, tuple[str, str]]
    against: dict[str, str]

    @property
    def reference(self) -> str:
        """The label whose judges count."""
        return next(iter(self.against.values()))


def _all_against(reference: str, rows: dict[str, tuple[str, str]]) -> Table:
    return Table(rows, {label: reference for label in rows if label != reference})


BEFORE, AFTER = ("default", "base"), ("default", "tuned")
SEEDS = {0: "default", 1: "seed-1", 2: "seed-2"}
TABLES: dict[str, Table] = {
    "terms": _all_against(
        "GRC + QIR",
        {
            "base captioner": BEFORE,
            "GRC only": ("grc-only", "tuned"),
            "QIR only": ("qir-only", "tuned"),
            "GRC + QIR": AFTER,
            "GRC + 3 QIR": ("beta-3", "tuned"),
        },
    ),
    "neighbours": _all_against("K = 3", {f"K = {k}": AFTER if k == 3 else (f"k-{k}", "tuned") for k in (1, 3, 5, 10)}),
    "exclusion": _all_against(
        "self",
        {
            "none": ("exclude-none", "tuned"),
            "self": ("exclude-self", "tuned"),
            "near_duplicates": ("exclude-near", "tuned"),
            "no train images there": AFTER,
        },
    ),
    "spaces": _all_against(
        "caption_text",
        {"caption_text": AFTER, "clip": ("space-clip", "tuned"), "fused": ("space-fused", "tuned")},
    ),
    "gallery": _all_against(
        "dense, 6,000",
        {
            "dense, 6,000": AFTER,
            "dense, 1,500": ("small-gallery", "tuned"),
            "vague, 6,000": ("vague-gallery", "tuned"),
        },
    ),
    "supervision": Table(
        {
            "warm start": BEFORE,
            "longer warm start": ("longer-sft", "base"),
            "warm start, then CIM": AFTER,
            "longer warm start, then CIM": ("longer-sft", "tuned"),
        },
        {
            "longer warm start": "warm start",
            "warm start, then CIM": "longer warm start",
            "longer warm start, then CIM": "warm start, then CIM",
        },
    ),
}
