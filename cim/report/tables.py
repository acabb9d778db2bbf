"""The numbers behind the report as files: a row an image, and CSVs for `dvc plots`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from cim.atomic import replacing, write_parquet
from cim.metrics.catalogue import METRICS
from cim.metrics.measurements import Measurements
from cim.metrics.scenes import KINDS
from cim.report.charts import MOST_K
from cim.retrieval import recall_curve


def write_plots(folder: Path, metrics: Mapping[str, Any], measured: Mapping[str, Measurements]) -> None:
    """CSVs in `folder`.

    before_after.csv: name ("R@1, base"), percent; shares only. recall_at_k.csv: k, base, tuned (percent).
    caption_lengths.csv: words, base, tuned (captions).
    """
    _write_csv(folder / "before_after.csv", _shares(metrics))
    most = min(MOST_K, max(1, len(measured["base"].captions)))
    recall = {name: 100 * recall_curve(one.ranks, most) for name, one in measured.items()}
    _write_csv(folder / "recall_at_k.csv", pl.DataFrame({"k": np.arange(1, most + 1), **recall}))
    lengths = {name: one.lengths for name, one in measured.items()}
    top = max(max(counts, default=0) for counts in lengths.values())
    counted = {name: np.bincount(counts, minlength=top + 1) for name, counts in lengths.items()}
    _write_csv(folder / "caption_lengths.csv", pl.DataFrame({"words": np.arange(top + 1), **counted}))


def write_images(path: Path, ids: Sequence[str], measured: Mapping[str, Measurements]) -> None:
    """images.parquet: id, then for each captioner <captioner>_caption, _truncated, _rank, _grc, _qir, _total, _rouge_l
    and counts _<kind>_matched, _predicted, _true; null where there is no value. Where captions were held against
    references also _capture, _capture_words and _unmentioned (objects that no reference names)."""
    columns: dict[str, Sequence[Any]] = {"id": ids}
    for name, one in measured.items():
        columns[f"{name}_caption"] = list(one.captions)
        columns[f"{name}_truncated"] = list(one.truncated)
        columns[f"{name}_rank"] = [None if np.isnan(rank) else int(rank) for rank in one.ranks]
        columns[f"{name}_rouge_l"] = list(one.overlap)
        for part in ("grc", "qir", "total"):
            columns[f"{name}_{part}"] = [None if row is None else getattr(row, part) for row in one.identity]
        for kind in KINDS:
            for part in ("matched", "predicted", "true"):
                values = [None if row is None else getattr(row[kind], part) for row in one.facts]
                columns[f"{name}_{kind}_{part}"] = values
        if one.referenced:
            for part in ("capture", "capture_words", "unmentioned"):
                values = [None if row is None else getattr(row, part) for row in one.referenced]
                columns[f"{name}_{part}"] = [list(value) if isinstance(value, tuple) else value for value in values]
    write_parquet(path, pl.DataFrame(columns, strict=False))


def _shares(metrics: Mapping[str, Any]) -> pl.DataFrame:
    rows = [
        (f"{metric.label}, {side}", 100 * value)
        for metric in METRICS
        if metric.unit == "share" and metric.group != "details"
        for side in ("base", "tuned")
        if (value := metrics[side].get(metric.group, {}).get(metric.name)) is not None
    ]
    return pl.DataFrame(rows, schema={"name": pl.String, "percent": pl.Float64}, orient="row")


def _write_csv(path: Path, table: pl.DataFrame) -> None:
    with replacing(path) as temporary:
        table.write_csv(temporary, float_precision=3)
