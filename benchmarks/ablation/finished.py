"""What a variant of benchmarks.ablation left behind, image by image, and what its numbers are measured with."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from cim.atomic import read_json
from cim.fingerprint import fingerprint, hash_files
from cim.layout import Layout
from cim.metrics.measurements import Measurements
from cim.metrics.scenes import Graph, score_scene
from cim.params.yaml import read_yaml
from cim.scenes.parse import parse
from cim.shards.read import read_manifest

CODE = ("cim", "flows", "tasks")  # whole, params included: what a default is counts here
_TERMS = ("alpha", "beta", "terms")  # weigh GRC and QIR or stand beside them, and change neither


@dataclass(frozen=True)
class Scored:
    """GRC and QIR of a caption, as far as images.parquet holds them."""

    grc: float
    qir: float
    total: float
    ids: tuple[str, ...] = ()
    scores: tuple[float, ...] = ()
    cosines: tuple[float, ...] = ()


@dataclass(frozen=True)
class Ablated:
    """A finished variant. ids: its eval images; sides: base and tuned, in that order of images, which is the
    evaluation's, so that resampling gives its intervals again. code: hash of the code it was made with. judge, reward:
    what held-out retrieval, and GRC and QIR, were measured with."""

    ids: list[str]
    sides: Mapping[str, Measurements]
    metrics: Mapping[str, Any]
    params: Mapping[str, Any]
    code: str
    judge: str
    reward: str


def finished(folder: Path) -> bool:
    """Whether a variant has run to its end in `folder`."""
    return (folder / "data/report/metrics.json").is_file()


def hash_project(root: Path) -> str:
    """SHA-256 (hex) of all code of the project in `root` that a variant may run."""
    return hash_files(root, (file for name in CODE for file in (root / name).rglob("*.py")))


def read(folder: Path) -> Ablated:
    """The finished variant in `folder`. Facts are counted anew, by this code: one reader for all variants."""
    layout = Layout(folder / "data")
    params = read_yaml(folder / "params.yaml")
    images = pl.read_parquet(layout.report / "images.parquet")
    scenes = {row["id"]: _scene(row["extra"]) for row in read_manifest(layout.shards("eval")).iter_rows(named=True)}
    return Ablated(
        ids=images["id"].to_list(),
        sides={side: _measured(images, side, scenes) for side in ("base", "tuned")},
        metrics=read_json(layout.report / "metrics.json"),
        params=params,
        code=hash_project(folder),
        judge=read_json(layout.model("heldout") / "cim.json")["fingerprint"],
        reward=_yardstick(layout, params["tune"]["reward"]),
    )


def _yardstick(layout: Layout, reward: Mapping[str, Any]) -> str:
    """Of GRC and QIR: how the reward searches, in which gallery, and whose image vectors it compares."""
    indexes = {
        part: {name: meta[name] for name in ("encoder", "ids", "files")}
        for part in ("caption_text", "clip", "items")
        if (path := layout.index(part) / "meta.json").is_file() and (meta := read_json(path))
    }
    return fingerprint({name: value for name, value in reward.items() if name not in _TERMS}, indexes)


def _measured(images: pl.DataFrame, side: str, scenes: Mapping[str, Graph | None]) -> Measurements:
    captions = images[f"{side}_caption"].to_list()
    rewards = images.select(f"{side}_{part}" for part in ("grc", "qir", "total")).rows()
    truths = [scenes[sample] for sample in images["id"]]
    return Measurements(
        captions=captions,
        truncated=images[f"{side}_truncated"].to_list(),
        facts=[
            None if truth is None else score_scene(truth, parse(caption))
            for truth, caption in zip(truths, captions, strict=True)
        ],
        ranks=images[f"{side}_rank"].cast(pl.Float64).fill_null(np.nan).to_numpy(),
        identity=[None if None in row else Scored(*row) for row in rewards],
        overlap=[None] * len(captions),
    )


def _scene(extra: str | None) -> Graph | None:
    scene: Graph | None = (json.loads(extra) if extra else {}).get("scene")
    return scene
