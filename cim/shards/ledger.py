"""Where every image and caption that came in has gone."""

import json
from collections.abc import Sequence
from typing import Any

import polars as pl

from cim.provenance import ProvenanceCounts, provenance_of
from cim.shards.merge import Merged
from cim.shards.scan import ScanResult


def summarize(
    samples: pl.DataFrame, rejects: pl.DataFrame, scanned: ScanResult, merged: Merged, names: Sequence[str]
) -> dict[str, Any]:
    """Counts in total, by source, by split and by reason; what summary.json holds.

    images: in = out + rejected + merged (findings of the same bytes beyond the first).
    captions: in = out + rejected + of_rejected_images + merged (said before of the same image).
    rejects: images that are not used; scanned.lost has the captions, and JSON, which counts as one.
    provenance: of images that are written, see ProvenanceCounts.
    A caption merged into another source's sample is out in the source that said it first.
    Raises RuntimeError if the counts, each taken where it arises, do not add up.
    """
    images_out, captions_out = _by(samples, "source"), dict(merged.captions.iter_rows())
    repeats = dict(merged.repeats.iter_rows())
    images_bad, captions_bad = _by(rejects, "source"), _by(scanned.lost, "source")
    usable = dict(scanned.found.group_by("at").agg(pl.col("captions").list.len().sum()).iter_rows())
    sources = {}
    for at, (name, arrived) in enumerate(zip(names, scanned.arrived, strict=True)):
        images = {"in": arrived.images, "out": images_out.get(name, 0), "rejected": images_bad.get(name, 0)}
        captions = {"in": arrived.captions, "out": captions_out.get(at, 0), "rejected": captions_bad.get(name, 0)}
        sources[name] = {
            "images": images | {"merged": repeats.get(at, 0)},
            "captions": captions
            | {"of_rejected_images": arrived.captions_of_rejects, "merged": usable.get(at, 0) - captions["out"]},
        }
    total = {kind: _sum([source[kind] for source in sources.values()]) for kind in ("images", "captions")}
    for name, counts in [*sources.items(), ("all sources", total)]:
        for kind, parts in counts.items():
            if parts["in"] != sum(count for part, count in parts.items() if part != "in"):
                raise RuntimeError(f"{kind} of {name} do not add up: {parts}")
    written = samples["captions"].list.len().sum()
    if (samples.height, written) != (total["images"]["out"], total["captions"]["out"]):
        raise RuntimeError(f"{samples.height} images, {written} captions to write, but counted {total}")
    return total | {
        "sources": sources,
        "splits": _splits(samples),
        "rejects": _by(pl.concat([rejects, scanned.lost]), "reason"),
        "provenance": _provenance(samples),
    }


def _provenance(samples: pl.DataFrame) -> dict[str, Any]:
    counts = ProvenanceCounts()
    telling = samples.filter(pl.col("extra").str.contains('"provenance"', literal=True))["extra"]
    for extra in telling:
        counts.add(provenance_of(json.loads(extra)))
    counts.add({}, samples.height - len(telling))
    return counts.values()


def reasons(rejects: pl.DataFrame) -> str:
    """The counts by reason, most frequent first, each with one example, for messages."""
    if rejects.height == 0:
        return "none rejected"
    grouped = rejects.group_by("reason").agg(pl.len(), pl.col("detail").first())
    rows = grouped.sort(["len", "reason"], descending=[True, False]).iter_rows()
    return "; ".join(f"{count} {reason}, such as {detail!r}" for reason, count, detail in rows)


def _splits(samples: pl.DataFrame) -> dict[str, dict[str, int]]:
    rows = samples.group_by("split").agg(
        pl.len().alias("images"),
        pl.col("captions").list.len().sum().alias("captions"),
        pl.col("shard").n_unique().alias("shards"),
    )
    return {row.pop("split"): row for row in rows.sort("split").iter_rows(named=True)}


def _by(frame: pl.DataFrame, column: str) -> dict[str, int]:
    return dict(frame.group_by(column).len().sort(column).iter_rows())


def _sum(parts: Sequence[dict[str, int]]) -> dict[str, int]:
    return {key: sum(part[key] for part in parts) for key in parts[0]}
