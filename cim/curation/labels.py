"""Pairs that somebody has labelled, and the scorer fitted on them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from cim.curation.encoders import Encoders, Seen
from cim.encoders.scorer import Scorer, fit
from cim.errors import CimError
from cim.images.checks import Limits, Unusable, decode
from cim.params.curate import LearnedScore

COLUMNS = ("image", "caption", "label")


def read_labels(path: Path) -> pl.DataFrame:
    """The columns image, caption and label of a Parquet or CSV file. Raises CimError for what is none of it."""
    try:
        frame = pl.read_csv(path) if path.suffix == ".csv" else pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise CimError(
            f"no readable table {path} ({str(error).splitlines()[0]})",
            "a Parquet or CSV file",
            "mend curate.score.labels",
        ) from error
    if lacking := [name for name in COLUMNS if name not in frame.columns]:
        raise CimError(
            f"{path} without the columns {lacking} (it has {frame.columns})",
            f"columns {', '.join(COLUMNS)}",
            "rename its columns, or mend curate.score.labels",
        )
    frame = frame.select(pl.col("image", "caption").cast(pl.String), pl.col("label").cast(pl.Float64, strict=False))
    wrong = frame.filter(~pl.col("label").is_between(0, 1).fill_null(False))
    if len(wrong) or frame["label"].n_unique() < 2:
        raise CimError(
            f"{len(wrong)} of {len(frame)} labels in {path} that are no number in [0, 1], and"
            f" {frame['label'].n_unique()} different ones",
            "labels from 0 (wrong) to 1 (right), of both kinds",
            "mend the column label",
        )
    return frame


def fit_scorer(params: LearnedScore, encoders: Encoders, limits: Limits, batch_size: int) -> Scorer:
    """The scorer of the labelled pairs. Raises CimError for a table or an image that can't be used."""
    path = Path(params.labels).expanduser()
    frame = read_labels(path)
    names = frame["image"].unique(maintain_order=True).to_list()
    images = np.concatenate(
        [
            encoders.images([_seen(name, path.parent, encoders, limits) for name in names[at : at + batch_size]])
            for at in range(0, len(names), batch_size)
        ]
    )
    captions = frame["caption"].to_list()
    texts = np.concatenate(
        [encoders.texts(captions[at : at + batch_size]) for at in range(0, len(captions), batch_size)]
    )
    place = {name: row for row, name in enumerate(names)}
    own = images[[place[name] for name in frame["image"]]]
    usable = np.isfinite(own).all(axis=1) & np.isfinite(texts).all(axis=1)
    scorer = fit(own[usable], texts[usable], frame["label"].to_numpy()[usable], params.prior)
    return replace(scorer, encoder=encoders.fingerprint)


def _seen(name: str, folder: Path, encoders: Encoders, limits: Limits) -> Seen:
    file = Path(name) if Path(name).is_file() else folder / name
    try:
        return encoders.look(decode(file.read_bytes(), limits)[1])
    except (OSError, Unusable) as error:
        raise CimError(
            f"the labelled image {name} ({error})", "an image that can be used", "mend or leave out its rows"
        ) from error
