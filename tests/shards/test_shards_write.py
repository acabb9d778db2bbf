"""Shards: written from their sources, skipped when done, redone when stale."""

import io
import subprocess
import sys
import tarfile

import polars as pl
import pytest
from full_disk import full_beyond
from shard_pictures import encoded, picture

from cim.atomic import marker_of, read_json
from cim.disk import disk_trouble
from cim.errors import CimError
from cim.images.ids import content_id
from cim.layout import Layout
from cim.params import FolderSource, Shard
from cim.readers.open import open_sources
from cim.records import Sample
from cim.shards.plan import make_plan
from cim.shards.publish import prepare, publish
from cim.shards.read import read_samples, shard_paths
from cim.shards.tar import write_tar
from cim.shards.write import write_shard


def test_broken_shards_are_named(tmp_path):
    image = encoded(picture(1), "JPEG")
    write_tar(tmp_path / "a.tar", [Sample(content_id(image), image, "jpg", ("c",), "list", 40, 36)])
    whole = (tmp_path / "a.tar").read_bytes()
    (tmp_path / "cut.tar").write_bytes(whole[:700])
    (tmp_path / "text.tar").write_bytes(b"text" * 200)
    with tarfile.open(tmp_path / "other.tar", "w") as tar:
        tar.addfile(tarfile.TarInfo("a.jpg"), io.BytesIO())
    for name in ("cut.tar", "text.tar", "other.tar"):
        with pytest.raises(CimError, match=name):
            list(read_samples(tmp_path / name))


def test_shard_paths_skip_what_a_killed_run_left(tmp_path):
    with pytest.raises(CimError, match="run the shard stage"):
        shard_paths(tmp_path)
    for name in (
        "gallery-000001.tar",
        "gallery-000000.tar",
        ".gallery-000002.tar.x1.tar",
        "gallery-000000.tar.done.json",
    ):
        (tmp_path / name).touch()
    assert [path.name for path in shard_paths(tmp_path)] == ["gallery-000000.tar", "gallery-000001.tar"]


@pytest.fixture
def folder(tmp_path):
    """A folder of five pictures with captions."""
    images = tmp_path / "images"
    images.mkdir()
    for number in range(5):
        (images / f"{number}.png").write_bytes(encoded(picture(number)))
    lines = [f"{number}.png,picture {number}" for number in range(5)]
    (images / "captions.csv").write_text("\n".join(["file_name,caption", *lines]))
    return images


def jobs(folder, layout, per_shard=2):
    source = FolderSource(kind="folder", path=str(folder), splits={"gallery": 1.0})
    values = Shard(samples_per_shard=per_shard, sources=[source])
    sources = open_sources(values.sources, 4)
    return prepare(make_plan(sources, values, 1, layout.shard_copies), sources, layout)


def test_same_input_same_tars(folder, tmp_path):
    tars = []
    for name in ("one", "two"):
        for job in jobs(folder, Layout(tmp_path / name)):
            write_shard(job)
        tars.append({path.name: path.read_bytes() for path in shard_paths(Layout(tmp_path / name).shards("gallery"))})
    assert tars[0] == tars[1]
    assert list(tars[0]) == [f"gallery-{number:06d}.tar" for number in range(3)]


def test_ids_ascend_and_bytes_are_original(folder, tmp_path):
    for job in jobs(folder, Layout(tmp_path / "data"), per_shard=5):
        assert write_shard(job) == {"images": 5, "captions": 5}
        read = list(read_samples(job.tar))
    assert [one.id for one in read] == sorted(one.id for one in read)
    assert {one.image for one in read} == {encoded(picture(number)) for number in range(5)}


def test_done_shards_are_skipped_and_stale_ones_redone(folder, tmp_path):
    layout = Layout(tmp_path / "data")
    first = jobs(folder, layout)
    for job in first:
        write_shard(job)
    times = [job.tar.stat().st_mtime_ns for job in first]
    for job in jobs(folder, layout):
        write_shard(job)
    assert [job.tar.stat().st_mtime_ns for job in first] == times
    # Another caption for picture 4, the only one of the third shard: that one alone is stale.
    with (folder / "captions.csv").open("a") as handle:
        handle.write("\n4.png,another")
    for job in jobs(folder, layout):
        write_shard(job)
    changed = [job.tar.stat().st_mtime_ns != time for job, time in zip(first, times, strict=True)]
    assert changed == [False, False, True]
    assert [one.captions for one in read_samples(first[2].tar)] == [("picture 4", "another")]


def test_a_shard_without_marker_is_redone(folder, tmp_path):
    job = jobs(folder, Layout(tmp_path / "data"), per_shard=5)[0]
    write_shard(job)
    whole = job.tar.read_bytes()
    marker_of(job.tar).unlink()
    job.tar.write_bytes(b"half")
    write_shard(job)
    assert job.tar.read_bytes() == whole


def test_a_cut_shard_is_redone(folder, tmp_path):
    job = jobs(folder, Layout(tmp_path / "data"), per_shard=5)[0]
    write_shard(job)
    whole = job.tar.read_bytes()
    job.tar.write_bytes(whole[:-512])
    write_shard(job)
    assert job.tar.read_bytes() == whole


def test_a_changed_source_is_an_error_and_leaves_no_tar(folder, tmp_path):
    (job,) = jobs(folder, Layout(tmp_path / "data"), per_shard=5)
    (folder / "3.png").write_bytes(encoded(picture(99)))
    with pytest.raises(CimError, match=r"3\.png of folder:.*changed while sharding"):
        write_shard(job)
    assert list(job.tar.parent.iterdir()) == []


def test_a_changed_byte_is_seen(folder, tmp_path):
    (job,) = jobs(folder, Layout(tmp_path / "data"), per_shard=5)
    image = encoded(picture(3))
    (folder / "3.png").write_bytes(image[:-1] + bytes([image[-1] ^ 1]))
    with pytest.raises(CimError, match=r"3\.png of folder:.*changed while sharding"):
        write_shard(job)


def test_plan_files_hold_their_shard_only(folder, tmp_path):
    assert [pl.read_parquet(job.plan).height for job in jobs(folder, Layout(tmp_path / "data"))] == [2, 2, 1]


def test_sharding_needs_no_torch():
    code = (
        "import sys, cim.shards.publish, cim.shards.write, cim.shards.read\n"
        "import cim.readers.folder, cim.readers.coco, cim.readers.table, cim.readers.webdataset, cim.readers.scenes\n"
        "assert not {'torch', 'transformers', 'webdataset', 'prefect'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_full_disk_leaves_no_half_of_a_shard(folder, tmp_path):
    """The tar of five images has 20,480 bytes; the tables after it are smaller, but not that small."""
    layout = Layout(tmp_path / "data")
    (job,) = jobs(folder, layout, per_shard=5)
    with full_beyond(3000), pytest.raises(OSError, match="File too large") as refused:
        write_shard(job)
    assert disk_trouble(refused.value) is not None
    assert list(layout.shards("gallery").iterdir()) == []
    write_shard(job)
    source = FolderSource(kind="folder", path=str(folder), splits={"gallery": 1.0})
    values = Shard(samples_per_shard=5, sources=[source])
    plan = make_plan(open_sources(values.sources, 4), values, 1, layout.shard_copies)
    with full_beyond(100), pytest.raises(Exception, match="File too large") as refused:
        publish(plan, layout)
    assert disk_trouble(refused.value) is not None
    assert not layout.rejects.exists()
    assert not (layout.shards("gallery") / "manifest.parquet").exists()
    publish(plan, layout)
    assert read_json(layout.shard_summary) == plan.summary
