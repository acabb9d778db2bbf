"""A store of one's own, a shard of three images on its way into it, and what lies there."""

import io
import json
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import fsspec
import polars as pl
import pytest
from captioned_shards import LINEAGE, png, run, shade_engine, write_shard

import cim.captions.stored
from cim.captions.job import ShardJob
from cim.captions.output import CARD
from cim.captions.shard import Outcome
from cim.captions.store import Store
from cim.captions.stored import StoredJob
from cim.readers.webdataset import TarPart

FILES = {CARD, "00000.tar", "00000.parquet", "00000.parquet.done.json", "rejects/00000.parquet"}


@pytest.fixture
def store(s3_account: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    monkeypatch.setattr(cim.captions.stored, "finish_shard", finish)
    fsspec.filesystem("s3").mkdir("ours")
    yield begun("one")
    monkeypatch.undo()  # what a test broke
    fsspec.filesystem("s3").rm("ours", recursive=True)
    fsspec.get_filesystem_class("s3").clear_instance_cache()


def begun(plan: str) -> Store:
    """The store as a run with this plan prepares it."""
    fsspec.filesystem("s3").pipe_file(f"ours/out/{CARD}", json.dumps({"plan": plan}).encode())
    return Store("s3://ours/out", plan)


def finish(job: ShardJob, engine: Callable[[], Any], patience: float) -> Outcome:
    """finish_shard, with a plain function for an engine."""
    return Outcome(job.stem, run(job, lambda images, keys: engine()(images, keys)), 1.0, 0)


def job(folder: Path, **changes: Any) -> StoredJob:
    """Three images to caption, staged in `folder`."""
    source = folder.parent / "in.tar"
    if not source.exists():
        write_shard(source, [png(shade) for shade in (10, 20, 30)])
    named = {"lineage": LINEAGE, "tar": True, "store": Store("s3://ours/out", "one")} | changes
    return StoredJob(TarPart(source), folder, "00000", 0, **named)


def shouting(images: list[Any], keys: list[str]) -> list[Any]:
    return [one._replace(text=one.text.upper()) for one in shade_engine(images, keys)]


def nobody() -> Any:
    raise AssertionError("captioned again")


def names() -> set[str]:
    system = fsspec.filesystem("s3")
    system.invalidate_cache()
    return {name.removeprefix("ours/out/") for name in system.find("ours/out")}


def said() -> list[str]:
    """The captions in the store, which its tar and its table must agree on."""
    system = fsspec.filesystem("s3", skip_instance_cache=True)
    table = pl.read_parquet(io.BytesIO(system.cat_file("ours/out/00000.parquet")))["caption"].to_list()
    with tarfile.open(fileobj=io.BytesIO(system.cat_file("ours/out/00000.tar"))) as tar:
        texts = [tar.extractfile(name).read().decode() for name in tar.getnames() if name.endswith(".txt")]  # type: ignore[union-attr]
    assert texts == table
    return sorted(table)


WORDS = ["shade 10", "shade 20", "shade 30"]
OTHER = replace(LINEAGE, model_fingerprint="model-two")
