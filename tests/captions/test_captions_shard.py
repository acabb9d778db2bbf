"""One shard captioned: rows, rejects, done markers, bytes."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import webdataset
from captioned_shards import LINEAGE, job_in, png, shade_engine, write_shard
from PIL import Image

import cim.captions.shard
from cim.atomic import marker_of
from cim.captioners.decoding import Decoding, Generated
from cim.captioners.prompts import prompt_hash
from cim.captions.read import read_captions, read_rejects
from cim.captions.shard import caption_shard
from cim.shards.read import read_samples

SHADES = [10, 20, 30, 40, 50]


def _bytes(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("window", [1, 2, 512])
def test_every_image_gets_its_own_caption_with_lineage(tmp_path: Path, window: int) -> None:
    ids = write_shard(tmp_path / "target-000000.tar", [png(shade) for shade in SHADES])
    facts = caption_shard(job_in(tmp_path, window=window), shade_engine)
    assert facts == {"images": 5, "captions": 5, "rejects": 0, "tokens": 15, "stop": 5, "length": 0}
    table = read_captions(tmp_path / "out")
    assert dict(table.select("id", "caption").iter_rows()) == {
        i: f"shade {shade}" for i, shade in zip(ids, SHADES, strict=True)
    }
    assert table["id"].to_list() == sorted(ids)  # the order of the shard
    row = table.row(0, named=True)
    assert json.loads(row.pop("decoding")) == {
        "max_new_tokens": 8, "temperature": 0.0, "seed": 0, "precision": "float32",
    }  # fmt: skip
    assert row | {"id": "", "caption": ""} == {
        "id": "", "caption": "", "finish_reason": "stop", "tokens": 3, "seed": 0,
        "prompt_hash": prompt_hash("Describe it."), "model_fingerprint": "model-one",
    }  # fmt: skip


def test_bad_images_are_recorded_and_nothing_is_lost(tmp_path: Path) -> None:
    broken = png(60, (300, 300))
    images = [png(10), b"", b"not an image", broken[: len(broken) // 2], png(20)]
    ids = write_shard(tmp_path / "target-000000.tar", images)
    facts = caption_shard(job_in(tmp_path, tar=True, window=2), shade_engine)
    assert (facts["images"], facts["captions"], facts["rejects"]) == (5, 2, 3)
    rejects = {row["id"]: row for row in read_rejects(tmp_path / "out").iter_rows(named=True)}
    assert {i: row["reason"] for i, row in rejects.items()} == {
        ids[1]: "empty file", ids[2]: "corrupt image", ids[3]: "corrupt image",
    }  # fmt: skip
    assert rejects[ids[2]]["detail"] == "broken header"
    assert {row["shard"] for row in rejects.values()} == {"target-000000.tar"}
    captioned = read_captions(tmp_path / "out")["id"].to_list()
    assert set(captioned) | set(rejects) == set(ids)
    assert [sample.id for sample in read_samples(tmp_path / "out/target-000000.tar")] == captioned


def test_an_image_the_captioner_refuses_costs_its_neighbours_nothing(tmp_path: Path) -> None:
    ids = write_shard(tmp_path / "target-000000.tar", [png(shade) for shade in SHADES])

    def picky(images: list[Image.Image], keys: list[str]) -> list[Generated]:
        if ids[3] in keys:
            raise ValueError("absolute aspect ratio must be smaller than 200")
        return shade_engine(images, keys)

    facts = caption_shard(job_in(tmp_path), picky)
    assert (facts["captions"], facts["rejects"]) == (4, 1)
    detail = "ValueError: absolute aspect ratio must be smaller than 200"
    expected = (ids[3], "target-000000.tar", "refused by the captioner", detail)
    assert read_rejects(tmp_path / "out").rows() == [expected]
    texts = dict(read_captions(tmp_path / "out").select("id", "caption").iter_rows())
    assert texts == {i: f"shade {shade}" for i, shade in zip(ids, SHADES, strict=True) if i != ids[3]}


def test_decoded_pixels_are_bounded_whatever_the_window(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_shard(tmp_path / "target-000000.tar", [png(shade) for shade in SHADES])
    monkeypatch.setattr(cim.captions.shard, "WINDOW_BYTES", 2 * 3 * 8 * 8)  # two images of 8 x 8 RGB
    sizes: list[int] = []

    def counting(images: list[Image.Image], keys: list[str]) -> list[Generated]:
        sizes.append(len(images))
        return shade_engine(images, keys)

    caption_shard(job_in(tmp_path), counting)
    assert sizes == [2, 2, 1]


def test_the_recaptioned_shard_is_read_by_webdataset_with_untouched_images(tmp_path: Path) -> None:
    images = [png(shade) for shade in SHADES]
    ids = write_shard(tmp_path / "target-000000.tar", images)
    caption_shard(job_in(tmp_path, tar=True), shade_engine)
    found = list(webdataset.WebDataset(str(tmp_path / "out/target-000000.tar"), shardshuffle=False))
    assert {row["__key__"]: row["png"] for row in found} == dict(zip(ids, images, strict=True))
    shade = dict(zip(ids, SHADES, strict=True))
    for row in found:
        key, facts = row["__key__"], json.loads(row["json"])
        assert row["txt"].decode() == f"shade {shade[key]}"
        assert facts["captions"] == [f"shade {shade[key]}"]
        story = facts["extra"].pop("recaption")
        assert facts["extra"] == {"n": 1}  # as it was
        assert story == {
            "old_captions": [f"old {key}", "older"], "finish_reason": "stop", "tokens": 3, "shard": "target-000000.tar",
            "model_fingerprint": "model-one", "prompt": "Describe it.", "prompt_hash": prompt_hash("Describe it."),
            "decoding": {"max_new_tokens": 8, "temperature": 0.0, "seed": 0, "precision": "float32"},
        }  # fmt: skip


def test_the_same_job_gives_the_same_bytes(tmp_path: Path) -> None:
    write_shard(tmp_path / "target-000000.tar", [*(png(shade) for shade in SHADES), b"bad"])
    caption_shard(job_in(tmp_path, tar=True), shade_engine)
    first = _bytes(tmp_path / "out")
    shutil.rmtree(tmp_path / "out")
    caption_shard(job_in(tmp_path, tar=True, window=2), shade_engine)
    assert _bytes(tmp_path / "out") == first
    assert len(first) == 4  # table, tar, rejects, done marker


def test_done_means_this_shard_this_model_this_prompt_and_decoding(tmp_path: Path) -> None:
    write_shard(tmp_path / "target-000000.tar", [png(10)])
    job = job_in(tmp_path)
    assert job.done() is None
    facts = caption_shard(job, shade_engine)
    assert job.done() == facts
    assert replace(job, window=1, images=7).done() == facts  # how, not what
    for change in (
        replace(LINEAGE, model_fingerprint="model-two"),
        replace(LINEAGE, prompt="What?"),
        replace(LINEAGE, decoding=Decoding(9)),
        replace(LINEAGE, decoding=Decoding(8, seed=1)),
        replace(LINEAGE, precision="bfloat16"),
    ):
        assert replace(job, lineage=change).done() is None
    assert replace(job, tar=True).done() is None
    write_shard(job.shard, [png(11)])
    assert job.done() is None


@pytest.mark.parametrize("lost", ["target-000000.parquet", "target-000000.tar", "target-000000.parquet.done.json"])
def test_a_lost_file_means_not_done(tmp_path: Path, lost: str) -> None:
    write_shard(tmp_path / "target-000000.tar", [png(10)])
    job = job_in(tmp_path, tar=True)
    caption_shard(job, shade_engine)
    (tmp_path / "out" / lost).unlink()
    assert job.done() is None


@pytest.mark.parametrize("step", ["write_rejects", "write_recaptioned", "write_captions", "mark_done"])
def test_a_failure_at_any_commit_leaves_the_shard_undone_and_a_rerun_mends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    write_shard(tmp_path / "target-000000.tar", [*(png(shade) for shade in SHADES), b"bad"])
    undisturbed = replace(job_in(tmp_path, tar=True), folder=tmp_path / "undisturbed")
    caption_shard(undisturbed, shade_engine)

    def fail(*_: Any, **__: Any) -> None:
        raise OSError("No space left on device")

    job = job_in(tmp_path, tar=True)
    with monkeypatch.context() as broken:
        broken.setattr(cim.captions.shard, step, fail)
        with pytest.raises(OSError, match="No space"):
            caption_shard(job, shade_engine)
    assert job.done() is None
    assert not marker_of(job.table).exists()
    caption_shard(job, shade_engine)
    assert _bytes(tmp_path / "out") == _bytes(tmp_path / "undisturbed")


def test_captions_of_a_model_given_up_midway_are_not_taken_for_the_old_models(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_shard(tmp_path / "target-000000.tar", [png(10)])
    old = job_in(tmp_path)
    caption_shard(old, shade_engine)
    with monkeypatch.context() as killed:
        killed.setattr(cim.captions.shard, "mark_done", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            caption_shard(replace(old, lineage=replace(LINEAGE, model_fingerprint="model-two")), shade_engine)
    assert read_captions(old.folder)["model_fingerprint"].to_list() == ["model-two"]
    assert old.done() is None
