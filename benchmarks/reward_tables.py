"""What benchmarks.reward measured, as Markdown."""

from statistics import median

import numpy as np

from benchmarks.baseline_server import K
from benchmarks.calibration import ADDITIONS, machine
from benchmarks.embeddinglike import Likeness
from benchmarks.reward_measure import Measured
from benchmarks.turns import SGEMM_ROWS, Turns

PACKAGES = ("numpy", "faiss-cpu", "torch", "sentence-transformers", "fastapi", "uvicorn")


def page(
    measured: list[Measured], likeness: tuple[Likeness, Likeness], calibration: tuple[float, float], dim: int
) -> str:
    """Everything between the markers."""
    exact = next(one for one in measured if one.recall is None)
    reached, share = exact.of_sgemm(dim)
    nearest = float(np.mean([one.scores[0] for one in exact.scores]))
    return "\n\n".join(
        [
            f"Batches of {exact.lookup.batch:,} captions, vectors of {dim} dimensions, K = {K}, the source excluded. "
            f"Calibration ({ADDITIONS:,} additions in Python, about 0.5 s on a laptop): {calibration[0]:.2f} s before, "
            f"{calibration[1]:.2f} s after. {machine(*PACKAGES)}. {threads()}",
            speeds(measured),
            f"Flat over {exact.rows:,} rows: {reached:.0f} GFLOP/s over all the time that scoring takes, {share:.0%} "
            f"of the {median(exact.lookup.sgemm):.0f} GFLOP/s that NumPy's float32 matrix product of "
            f"{exact.lookup.batch:,} queries and {SGEMM_ROWS:,} rows reached in the same turns. Largest difference of "
            f"a reward from the baseline's: {exact.difference:.1e}.",
            costs(measured),
            "The gallery beside the captions that it was drawn to be like, as many of each "
            f"(at full size, a query's nearest row is at cosine {nearest:.2f}):",
            likenesses(*likeness),
        ]
    )


def speeds(measured: list[Measured]) -> str:
    """Captions a second of every index and of the baseline over as many rows."""
    lines = ["| rows | search | captions/s | x baseline | with text encoder: captions/s | x baseline |"]
    lines += ["|---|---|---|---|---|---|"]
    for rows in dict.fromkeys(one.rows for one in measured):
        mine = [one for one in measured if one.rows == rows]
        asked = [1 / median([s for one in mine for s in getattr(one, how).baseline]) for how in ("lookup", "encode")]
        lines.append(f"| {rows:,} | baseline: a POST a caption | {asked[0]:.1f} | 1 | {asked[1]:.1f} | 1 |")
        lines += [f"| {rows:,} | {one.factory} | {_speed(one.lookup)} | {_speed(one.encode)} |" for one in mine]
    return "\n".join(lines)


def costs(measured: list[Measured]) -> str:
    """What every index costs, and what it finds."""
    lines = ["| rows | search | recall@3 at the gate | of these queries | build s | files | memory of its own |"]
    lines += ["|---|---|---|---|---|---|---|"]
    for one in measured:
        recalls = " | ".join("exact" if share is None else f"{share:.3f}" for share in (one.recall, one.found))
        lines.append(
            f"| {one.rows:,} | {one.factory} | {recalls} | {one.build:.0f} | {one.bytes / 2**20:,.0f} MiB "
            f"| {one.resident:,.0f} MiB |"
        )
    return "\n".join(lines)


def likenesses(real: Likeness, drawn: Likeness) -> str:
    """Both, side by side."""
    names = {
        "pair": "cosine of any two, mean",
        "pair_spread": "its standard deviation",
        "nearest": "cosine to the nearest, mean",
        "nearest_low": "its 5% quantile",
        "nearest_high": "its 95% quantile",
        "third": "to the 3rd nearest, mean",
        "tenth": "to the 10th",
        "fiftieth": "to the 50th",
        "rank": "effective rank",
        "top8": "variance in 8 dimensions",
        "top32": "in 32",
        "top128": "in 128",
        "local": "local intrinsic dimension",
    }
    lines = ["| | real | drawn |", "|---|---|---|"]
    lines += [f"| {label} | {getattr(real, name):.3g} | {getattr(drawn, name):.3g} |" for name, label in names.items()]
    return "\n".join(lines)


def threads() -> str:
    """How many threads matrix products may use, and by which libraries."""
    from threadpoolctl import threadpool_info

    pools = [one for one in threadpool_info() if one["user_api"] == "blas"]
    return (
        "BLAS: " + ", ".join(f"{one['internal_api']} {one['version']} on {one['num_threads']}" for one in pools) + "."
    )


def _speed(turns: Turns) -> str:
    return f"{turns.rate:,.0f} | {turns.times:.1f}"
