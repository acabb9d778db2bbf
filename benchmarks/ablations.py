"""The variants of benchmarks.ablation, and which of them stand in one table."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from cim.metrics.seeds import Spread, combine

Metrics = Mapping[str, Any]
"""The content of a metrics.json."""

TUNE = ("tune", "caption", "evaluate")
MODELS = ("models captioner", "models text", "models image", "models heldout", "embed", "index")


@dataclass(frozen=True)
class Variant:
    """changes: dotted names in params.yaml (numbers index lists) -> values. stages: those that run again, in order."""

    stages: tuple[str, ...]
    changes: dict[str, Any] = field(default_factory=dict)


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

Found = Mapping[str, Metrics]
Shown = dict[str, dict[str, str]]
Show = Callable[[str, float | None], str]


def side_by_side(rows: Mapping[str, tuple[str, str]]) -> Callable[[Found, Show], Shown | None]:
    """A table of labels -> (variant, side); variants that have not run are left out, None when all are."""

    def build(found: Found, show: Show) -> Shown | None:
        there = {label: found[variant][side] for label, (variant, side) in rows.items() if variant in found}
        return {label: dict(_shown(groups, show)) for label, groups in there.items()} or None

    return build


def _shown(groups: Mapping[str, Mapping[str, float | None]], show: Show) -> Iterator[tuple[str, str]]:
    """By "group.metric"."""
    for group, values in groups.items():
        yield from ((f"{group}.{name}", show(f"{group}.{name}", value)) for name, value in values.items())


def seeds(found: Found, show: Show) -> Shown | None:
    """Mean and standard deviation over the seeds that have run, and in how many a difference is clear, for better or
    worse, or a loss of precision over a point is excluded; None for fewer than two."""
    runs = [found[name] for name in ("default", "seed-1", "seed-2") if name in found]
    if len(runs) < 2:
        return None
    rows = {f"{group}.{name}": one for group, named in combine(runs).items() for name, one in named.items()}
    parts: Shown = {
        f"{part}, {len(runs)} seeds": {name: _spread(name, getattr(one, part), show) for name, one in rows.items()}
        for part in ("base", "tuned", "difference")
    }
    of = f"of {len(runs)}"
    return parts | {
        "clearly better (words: changed)": {name: f"{one.better + one.changed} {of}" for name, one in rows.items()},
        "clearly worse": {name: f"{one.worse} {of}" for name, one in rows.items()},
        "no loss over 1 point": {
            name: f"{one.no_loss} {of}" for name, one in rows.items() if name.endswith("_precision")
        },
    }


def _spread(name: str, over: Spread, show: Show) -> str:
    """Mean and spread; nothing where a run has no value."""
    if None in over.values:
        return show(name, None)
    return f"{show(name, over.mean)} ± {show(name, over.spread)}"


BEFORE = ("default", "base")
TABLES: dict[str, Callable[[Found, Show], Shown | None]] = {
    "seeds": seeds,
    "terms": side_by_side(
        {
            "base captioner": BEFORE,
            "GRC only": ("grc-only", "tuned"),
            "QIR only": ("qir-only", "tuned"),
            "GRC + QIR": ("default", "tuned"),
            "GRC + 3 QIR": ("beta-3", "tuned"),
        }
    ),
    "neighbours": side_by_side({f"K = {k}": ("default" if k == 3 else f"k-{k}", "tuned") for k in (1, 3, 5, 10)}),
    "exclusion": side_by_side(
        {
            "none": ("exclude-none", "tuned"),
            "self": ("exclude-self", "tuned"),
            "near_duplicates": ("exclude-near", "tuned"),
        }
    ),
    "spaces": side_by_side(
        {
            "caption_text": ("default", "tuned"),
            "clip": ("space-clip", "tuned"),
            "fused": ("space-fused", "tuned"),
        }
    ),
    "gallery": side_by_side(
        {
            "dense, 6,000": ("default", "tuned"),
            "dense, 1,500": ("small-gallery", "tuned"),
            "vague, 6,000": ("vague-gallery", "tuned"),
        }
    ),
    "supervision": side_by_side(
        {
            "warm start": BEFORE,
            "longer warm start": ("longer-sft", "base"),
            "warm start, then CIM": ("default", "tuned"),
            "longer warm start, then CIM": ("longer-sft", "tuned"),
        }
    ),
}
