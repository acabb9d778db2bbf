"""What benchmarks.reward measured, as Markdown."""

from dataclasses import dataclass
from statistics import median

import numpy as np

from benchmarks.common.timing import ADDITIONS, machine
from benchmarks.reward.baseline_server import K
from benchmarks.reward.measure import Measurements, Refused
from benchmarks.reward.turns import SGEMM_ROWS, Turns, blas
from benchmarks.reward.vector_statistics import Likeness

PACKAGES = ("numpy", "faiss-cpu", "torch", "sentence-transformers", "fastapi", "uvicorn")

LABELS = {
    "pair": "cosine of any two, mean",
    "pair_spread": "its standard deviation",
    "nearest": "cosine to the nearest, mean",
    "nearest_low": "its 5% quantile",
    "nearest_high": "its 95% quantile",
    "third": "to the 3rd nearest, mean",
    "tenth": "to the 10th",
    "fiftieth": "to the 50th",
    "rank": "effective rank",
    "top8": "share of variance in 8 dimensions",
    "top32": "in 32",
    "top128": "in 128",
    "local": "local intrinsic dimension",
    "listed": "of the 3 nearest, found in 2 of n/48 k-means lists",
    "linked": "found by HNSW, 8 links, 8 nodes in sight",
}


@dataclass(frozen=True)
class Likenesses:
    """Real captions and as many drawn vectors."""

    captions: str
    real: Likeness
    drawn: Likeness


@dataclass(frozen=True)
class Page:
    """Everything that was measured. calibration: seconds before and after."""

    rows: int
    dim: int
    exact: Measurements
    others: list[Measurements | Refused]
    like: Likenesses
    calibration: tuple[float, float]


def page(shown: Page) -> str:
    """Everything between the markers."""
    measured = [shown.exact, *(one for one in shown.others if isinstance(one, Measurements))]
    refused = [f"{one.asked} was refused: {one.why}" for one in shown.others if isinstance(one, Refused)]
    exact, (reached, share) = shown.exact, shown.exact.of_sgemm(shown.rows, shown.dim)
    nearest = float(np.mean([one.scores[0] for one in exact.scores]))
    return "\n\n".join(
        [
            f"A gallery of {shown.rows:,} x {shown.dim}, batches of {exact.lookup.batch:,} captions, K = {K}, the "
            f"source excluded. Calibration ({ADDITIONS:,} additions in Python, about 0.5 s on a laptop): "
            f"{shown.calibration[0]:.2f} s before, {shown.calibration[1]:.2f} s after. {machine(*PACKAGES)}. {blas()}",
            speeds(measured),
            f"flat, multiplying in {exact.coding}, reached {reached:.0f} GFLOP/s over all the time that scoring "
            f"takes, {share:.0%} of the "
            f"{median(exact.lookup.sgemm):.0f} GFLOP/s of a bare float32 matrix product ({exact.lookup.batch:,} queries"
            f" and {SGEMM_ROWS:,} rows, the better of NumPy and torch) in the same turns. Its rewards "
            f"and the baseline's differ by "
            f"{exact.difference:.1e} at most.",
            "The guards judge real captions, and look for copies among as many captions as the gallery has rows. The "
            "baseline has none: those rows weigh our whole reward against its search alone.",
            costs(measured),
            *refused,
            f"The gallery beside {shown.like.captions}, which it was drawn to be like, as many rows of each (in the "
            f"whole gallery, a query's nearest row is at cosine {nearest:.2f}):",
            likenesses(shown.like),
        ]
    )


def speeds(measured: list[Measurements]) -> str:
    """Captions a second of the baseline and of every index."""
    asked = [1 / median([s for one in measured for s in getattr(one, how).baseline]) for how in ("lookup", "encode")]
    lines = ["| | captions/s | x baseline | with the text encoder: captions/s | x baseline |", "|---|---|---|---|---|"]
    lines += [f"| baseline: a POST a caption | {asked[0]:.1f} | 1 | {asked[1]:.1f} | 1 |"]
    for one in measured:
        lines += [f"| {one.asked} | {_speed(one.lookup)} | {_speed(one.encode)} |"]
        lines += [f"| {one.asked}, with the default reward's guards | {_speed(one.guards)} | | |"]
    return "\n".join(lines)


def costs(measured: list[Measurements]) -> str:
    """What every index costs, and what it finds."""
    lines = [f"| | index | recall@{K} at the gate | of these queries | build s | files | memory of its own |"]
    lines += ["|---|---|---|---|---|---|---|"]
    for one in measured:
        kind = " ".join([f"`{one.factory}`", *(f"{name} {value}" for name, value in one.knobs.items())])
        recalls = " | ".join("exact" if share is None else f"{share:.3f}" for share in (one.recall, one.found))
        sizes = f"{one.bytes / 2**20:,.0f} MiB | {one.resident:,.0f} MiB"
        lines.append(f"| {one.asked} | {kind} | {recalls} | {one.build:.0f} | {sizes} |")
    return "\n".join(lines)


def likenesses(like: Likenesses) -> str:
    """Real and drawn, side by side."""
    lines = ["| | real | drawn |", "|---|---|---|"]
    both = [(label, getattr(like.real, name), getattr(like.drawn, name)) for name, label in LABELS.items()]
    return "\n".join([*lines, *(f"| {label} | {real:.3g} | {drawn:.3g} |" for label, real, drawn in both)])


def _speed(turns: Turns) -> str:
    return f"{turns.rate:,.0f} | {turns.times:.1f}"
