"""What came of a run, read from its files: counts, lengths, why captions ended, why there are none."""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from cim.captions.write import captions_path
from cim.errors import CimError
from cim.images.checks import Reason

PERCENTILES = {"p5": 0.05, "p50": 0.5, "p95": 0.95}


def summarize(folder: Path, facts: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Counts over the shards `facts` (stem -> facts of its done marker) and lengths of their captions in `folder`.

    cut_short: shards whose tar is broken. words, characters, tokens: mean, p5, p50, p95, max of the captions.
    No times: the same work, the same summary.
    """
    total: dict[str, Any] = {"shards": len(facts)}
    for name in ("images", "captions", "rejects", "tokens", "tokens_in"):
        total[name] = sum(one[name] for one in facts.values())
    for name in ("finish_reasons", "reject_reasons"):
        total[name] = dict(sorted(sum((Counter(one[name]) for one in facts.values()), Counter[str]()).items()))
    total["cut_short"] = sum(Reason.BROKEN_TAR in one["reject_reasons"] for one in facts.values())
    return total | {"lengths": _lengths([captions_path(folder, stem) for stem in facts])}


def check_rejects(summary: Mapping[str, Any], most: float, name: str, rejects: Path) -> None:
    """Raise CimError when no image got a caption, or more than the share `most` went without. name: of the images."""
    images, without = summary["images"], summary["rejects"]
    reasons = counted(summary["reject_reasons"])
    if not summary["captions"]:
        raise CimError(
            f"no caption for any of {images} images of {name}" + (f" ({reasons})" if reasons else ""),
            "at least one image that the captioner takes",
            f"read the reasons in {rejects}",
        )
    if without > most * images:
        raise CimError(
            f"{without} of {images} images of {name} without a caption ({reasons})",
            f"at most {most:.1%}; the others are written",
            f"read {rejects}, mend the images, or raise caption.max_reject_share",
        )


def counted(reasons: Mapping[str, int]) -> str:
    """Reasons with their counts, the commonest first, those as common by name."""
    ordered = sorted(reasons.items(), key=lambda one: (-one[1], one[0]))
    return ", ".join(f"{reason}: {count:,}" for reason, count in ordered)


def _lengths(tables: Iterable[Path]) -> dict[str, dict[str, float]]:
    columns = {
        "words": pl.col("caption").str.count_matches(r"\S+"),
        "characters": pl.col("caption").str.len_chars(),
        "tokens": pl.col("tokens"),
    }
    parts = [pl.scan_parquet(table).select(**columns) for table in tables]
    frame = pl.concat(parts).cast(pl.Float64).collect() if parts else pl.DataFrame()
    if frame.is_empty():
        return {}
    return {name: _spread(frame[name]) for name in columns}


def _spread(values: pl.Series) -> dict[str, float]:
    spread = {"mean": round(float(values.mean()), 3)}  # type: ignore[arg-type]
    for name, share in PERCENTILES.items():
        spread[name] = float(values.quantile(share, "nearest") or 0)
    return spread | {"max": float(values.max())}  # type: ignore[arg-type]
