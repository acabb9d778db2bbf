"""What a run did, step by step, as a table for plots."""

from collections.abc import Sequence
from typing import Any

import polars as pl

# TRL's names -> ours
COLUMNS = {
    "reward": "reward",
    "reward_std": "reward_std",
    "rewards/grc/mean": "grc",
    "rewards/qir/mean": "qir",
    "kl": "kl",
    "entropy": "entropy",
    "completions/mean_length": "length",
    "completions/clipped_ratio": "clipped_share",
    "frac_reward_zero_std": "zero_variance_share",
    "repetition_share": "repetition_share",
    "unscorable_share": "unscorable_share",
    "loss": "loss",
    "learning_rate": "learning_rate",
}


def curves(log: Sequence[dict[str, Any]], validations: Sequence[dict[str, Any]]) -> pl.DataFrame:
    """One row a step: the columns of COLUMNS and, at validated steps, validation_<name>; null where unknown.

    log: TRL's records, each with "step". validations: records with "step". A name TRL does not log becomes nulls.
    """
    schema = {"step": pl.Int64} | dict.fromkeys(COLUMNS.values(), pl.Float64)
    steps = [{"step": r["step"]} | {name: r.get(key) for key, name in COLUMNS.items()} for r in log]
    trained = pl.DataFrame(steps, schema=schema)
    names = sorted({name for record in validations for name in record} - {"step"})
    rows = [
        {"step": int(r["step"])} | {f"validation_{n}": None if r[n] is None else float(r[n]) for n in names}
        for r in validations
    ]
    judged = pl.DataFrame(rows, schema={"step": pl.Int64} | {f"validation_{name}": pl.Float64 for name in names})
    return trained.join(judged, on="step", how="full", coalesce=True).sort("step")
