"""The folder around the tars: nothing stale, manifests last."""

import json

import polars as pl
import pytest
from shard_pictures import encoded, picture

from cim.errors import CimError
from cim.layout import Layout
from cim.params import FolderSource, Shard
from cim.readers.open import open_sources
from cim.shards.plan import make_plan
from cim.shards.publish import prepare, publish
from cim.shards.read import read_manifest, read_samples, shard_paths
from cim.shards.write import write_shard


@pytest.fixture
def images(tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    for number in range(9):
        (folder / f"{number}.png").write_bytes(encoded(picture(number)))
    lines = [f"{number}.png,picture {number}" for number in range(8)]
    (folder / "captions.csv").write_text("\n".join(["file_name,caption", *lines, "missing.png,gone"]))
    return folder


def shard(images, layout, per_shard=2, **splits):
    values = Shard(samples_per_shard=per_shard, sources=[FolderSource(kind="folder", path=str(images), splits=splits)])
    sources = open_sources(values.sources, 4)
    plan = make_plan(sources, values, 1, layout.shard_copies)
    for job in prepare(plan, sources, layout):
        write_shard(job)
    return publish(plan, layout)


def test_manifest_rows_are_the_samples(images, tmp_path):
    layout = Layout(tmp_path / "data")
    summary = shard(images, layout, gallery=0.6, eval=0.4)
    assert json.loads(layout.shard_summary.read_text()) == summary
    for split, counts in summary["splits"].items():
        manifest = read_manifest(layout.shards(split))
        assert manifest.columns == ["id", "shard", "captions", "source", "width", "height", "suffix", "extra"]
        read = [
            (s.id, path.name, list(s.captions), s.source, s.width, s.height, s.suffix, json.dumps(s.extra))
            for path in shard_paths(layout.shards(split))
            for s in read_samples(path)
        ]
        assert manifest.rows() == read
        assert len(read) == counts["images"]
    assert not layout.shard_plan.exists()


def test_rejects_are_named(images, tmp_path):
    shard(images, Layout(tmp_path / "data"), gallery=1.0)
    name = "folder:" + "/".join(images.parts[-2:])
    assert pl.read_parquet(tmp_path / "data" / "shards" / "rejects.parquet").rows() == [
        (name, "caption without image", "missing.png: no file of that name in images"),
        (name, "image without caption", "8.png: split gallery needs captions"),
    ]


def test_leftovers_of_an_older_plan_go(images, tmp_path):
    layout = Layout(tmp_path / "data")
    shard(images, layout, per_shard=2, gallery=0.6, eval=0.4)
    (layout.shards("gallery") / ".gallery-000000.tar.killed.tar").touch()
    shard(images, layout, per_shard=100, gallery=1.0)
    assert sorted(path.name for path in (layout.root / "shards").rglob("*")) == [
        "gallery", "gallery-000000.tar", "gallery-000000.tar.done.json", "manifest.parquet", "rejects.parquet",
        "summary.json",
    ]  # fmt: skip


def test_an_unfinished_run_has_no_manifest(images, tmp_path):
    layout = Layout(tmp_path / "data")
    shard(images, layout, gallery=1.0)
    values = Shard(sources=[FolderSource(kind="folder", path=str(images), splits={"gallery": 1.0})])
    sources = open_sources(values.sources, 10)
    prepare(make_plan(sources, values, 1, layout.shard_copies), sources, layout)
    with pytest.raises(CimError, match="run the shard stage to its end"):
        read_manifest(layout.shards("gallery"))
    assert not layout.rejects.exists()


def test_everything_is_byte_identical_again(images, tmp_path):
    contents = []
    for name in ("one", "two"):
        layout = Layout(tmp_path / name)
        shard(images, layout, gallery=0.5, train=0.5)
        contents.append({p.relative_to(layout.root): p.read_bytes() for p in layout.root.rglob("*") if p.is_file()})
    assert contents[0] == contents[1]
