"""Every done marker of the pipeline, asked of the code that checks it, over a workspace too small to run."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import polars as pl

from cim.atomic import write_bytes, write_json
from cim.captioners.decoding import Decoding
from cim.captions.job import ShardJob
from cim.captions.lineage import Lineage, pipeline_version
from cim.curation.measure import MeasureJob
from cim.curation.write import WriteJob
from cim.embeddings.plan import EmbedJob
from cim.export.finished import FinishedShard
from cim.export.folder import Contents
from cim.export.shard import LookJob
from cim.fingerprint import fingerprint
from cim.index.build import build_items, build_space
from cim.layout import Layout
from cim.params import Params, load_params
from cim.params.images import ImageLimits
from cim.params.provenance import PROVENANCE
from cim.params.recaption import RecaptionModel
from cim.params.texts import Mix
from cim.readers.hash_cache import file_stats
from cim.readers.webdataset import TarPart
from cim.refine.job import RefineJob, RefineLineage
from cim.remix.job import MixLineage, RemixJob
from cim.rewards.pictures import ScoreSpec
from cim.shards.write import ShardJob as TarJob
from cim.shards.write import write_shard
from cim.tuning.job import TuneJob
from cim.warm_start.make import make_base_captioner
from tasks.models import MAKERS, MANIFEST, ModelsJob
from tasks.recaption import captioner_task


@dataclass(frozen=True)
class Marker:
    """asked: the fingerprint as the code gives it now. entries: the modules whose imports it must hold, no others."""

    asked: Callable[[], str]
    entries: tuple[str, ...]


def markers_in(root: Path, layout: Layout) -> dict[str, Marker]:
    """By name; `layout`, empty before, gets the few files that are asked for."""
    params = load_params(root / "params.yaml")
    _fill(layout)
    part = TarPart(layout.root / "some.tar")
    read = type(part).__module__
    spec = ScoreSpec(layout, params.tune.reward)
    caption = ShardJob(part, layout.root, "0", 0, Lineage("model", "prompt", Decoding(8)))
    return {
        "shard": Marker(lambda: _of_shard(layout, params), ("cim.shards.write",)),
        **{f"models {role}": Marker(_models(role, layout, params), (entry,)) for role, entry in MAKERS.items()},
        "models captioner, begun": Marker(lambda: _begun(layout, params), ("cim.warm_start.make",)),
        **{
            f"embed {role}": Marker(_embedded(role, layout), ("cim.embeddings.share", "cim.encoders.load"))
            for role in ("text", "image", "heldout")
        },
        "index items": Marker(lambda: build_items(layout, ["gallery"], 1).fingerprint, ("cim.index.build",)),
        "index space": Marker(lambda: build_space(layout, "clip", params.index, 1).fingerprint, ("cim.index.build",)),
        "tune": Marker(TuneJob(layout, params.tune, ("prompt",), "cpu", 1, False).fingerprint, ("cim.tuning.run",)),
        "caption": Marker(lambda: caption.fingerprint("content"), ("cim.captions.shard", "cim.engines.open", read)),
        "caption, version": Marker(pipeline_version, ("cim.captions.shard", "cim.engines.open")),
        "caption, stats": Marker(lambda: str(file_stats(part)), ("cim.readers.hash_cache", read)),
        "recaption, captioner": Marker(lambda: _fetched(layout), ("cim.captioners.fetch",)),
        "remix": Marker(_remixed(part, layout), ("cim.remix.shard", "cim.mixes.tokens", read)),
        "refine": Marker(_refined(part, layout), ("cim.refine.shard", "cim.refine.choose", read)),
        "caption, score": Marker(spec.fingerprint, ("cim.rewards.pictures",)),
        "curate, measured": Marker(_measured(part, layout), ("cim.curation.measure", "cim.encoders.load", read)),
        "export, seen": Marker(_seen(layout), ("cim.export.shard",)),
        "export": Marker(Contents({"0.tar": layout.root / "some.tar"}, {}, ()).fingerprint, ("cim.export.folder",)),
        "curate, written": Marker(_curated(part, layout), ("cim.curation.write", read)),
    }


def _fill(layout: Layout) -> None:
    write_bytes(layout.root / "some.tar", b"")
    for split in ("gallery", "train", "validation"):
        write_bytes(layout.shards(split) / MANIFEST, b"rows")
    write_bytes(layout.model("captioner") / "config.json", b"{}")
    write_bytes(layout.model("captioner") / "model.safetensors", b"weights")
    folder = layout.embeddings("image", "gallery")
    write_json(folder / "meta.json", {"encoder_fingerprint": "encoder", "dim": 2, "fingerprint": "embeddings"})
    np.save(folder / "gallery-000000.npy", np.eye(2, dtype=np.float16))
    pl.DataFrame({"id": ["one", "two"]}).write_parquet(folder / "gallery-000000.parquet")
    for part in ("caption_text", "clip"):
        write_json(layout.index(part) / "meta.json", {})
    build_items(layout, ["gallery"], 1)


def _models(role: str, layout: Layout, params: Params) -> Callable[[], str]:
    return ModelsJob(role, layout, params.models, ("prompt",), params.runtime).fingerprint


def _embedded(role: str, layout: Layout) -> Callable[[], str]:
    return EmbedJob(role, Path("some.tar"), "content", layout.root, layout.root, "encoder").fingerprint


def _of_shard(layout: Layout, params: Params) -> str:
    rows = {"id": ["one"], "captions": [["a"]], "source": ["s"], "suffix": ["jpg"], "width": [1], "height": [1]}
    pl.DataFrame({**rows, "extra": ["{}"]}).write_parquet(layout.root / "plan.parquet")
    job = TarJob(layout.root / "plan.parquet", layout.root / "some.tar", {}, layout.root)
    with patch("cim.shards.write.done_facts", lambda tar, fingerprint: {"fingerprint": fingerprint}):
        return str(write_shard(job)["fingerprint"])


def _remixed(part: TarPart, layout: Layout) -> Callable[[], str]:
    mix = Mix.model_validate({"txt": [{"text": "caption", "share": 1.0}]})
    return lambda: RemixJob(part, layout.root, "0", MixLineage(mix)).fingerprint("content")


def _refined(part: TarPart, layout: Layout) -> Callable[[], str]:
    lineage = RefineLineage('{"kind": "choose"}', "{}", "caption", "choose")
    return lambda: RefineJob(part, layout.root, "0", lineage).fingerprint("content")


def _fetched(layout: Layout) -> str:
    model = RecaptionModel(name=str(layout.model("captioner")), max_pixels=100_000)
    with patch("tasks.recaption.done_facts", lambda folder, fingerprint: {}):
        return captioner_task.fn(model, layout.root / "kept").name


def _measured(part: TarPart, layout: Layout) -> Callable[[], str]:
    job = MeasureJob(part, "source", layout.root, "0", ImageLimits(), "tools", layout.root / "hashes.json")
    return job.fingerprint


def _seen(layout: Layout) -> Callable[[], str]:
    shard = FinishedShard("train", layout.root / "some.tar", "made")
    return LookJob(shard, layout.root / "seen.json", PROVENANCE).fingerprint


def _curated(part: TarPart, layout: Layout) -> Callable[[], str]:
    tar = layout.root / "some.tar"
    return WriteJob(part, layout.root / "hashes.json", tar, layout.root / "out.tar", 0, True).fingerprint


class _Begun(Exception):
    """Carries the name under which a base captioner is begun: what comes after takes minutes."""


def _begun(layout: Layout, params: Params) -> str:
    def name(*parts: Any) -> str:
        raise _Begun(fingerprint(*parts))

    try:
        with patch("cim.warm_start.make.fingerprint", name):
            make_base_captioner(params.models, [layout.shards("train")], ["prompt"], "cpu", layout.model("captioner"))
    except _Begun as begun:
        return str(begun)
    raise AssertionError("a captioner begun without a name")
