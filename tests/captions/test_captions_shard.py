"""One shard captioned: rows, rejects, done markers, bytes."""

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import webdataset
from captioned_shards import LINEAGE, contents, job_in, png, run, shade_engine, write_shard
from PIL import Image

import cim.captions.commit
import cim.captions.read_ahead
from cim.atomic import marker_of
from cim.captioners.decoding import Decoding, Generated
from cim.captioners.inputs import prompt_hash
from cim.captions.lineage import pipeline_version
from cim.captions.read import read_captions, read_rejects
from cim.fingerprint import hash_path
from cim.images.ids import content_id

SHADES = [10, 20, 30, 40, 50]


@pytest.mark.parametrize("window", [1, 2, 512])
def test_every_image_gets_its_own_caption_with_lineage(tmp_path: Path, window: int) -> None:
    ids = write_shard(tmp_path / "target-000000.tar", [png(shade) for shade in SHADES])
    facts = run(job_in(tmp_path, window=window), shade_engine)
    made = [tmp_path / "out" / name for name in ("target-000000.parquet", "rejects/target-000000.parquet")]
    hashes = {path.relative_to(tmp_path / "out").as_posix(): hash_path(path) for path in made}
    assert facts.pop("sha256") == hashes
    assert facts == {
        "images": 5, "captions": 5, "rejects": 0, "tokens": 15, "tokens_in": 0, "finish_reasons": {"stop": 5},
        "reject_reasons": {}, "tar_bytes": 0,
    }  # fmt: skip
    table = read_captions(tmp_path / "out")
    assert dict(table.select("id", "caption").iter_rows()) == {
        i: f"shade {shade}" for i, shade in zip(ids, SHADES, strict=True)
    }
    assert table["id"].to_list() == sorted(ids)  # the order of the shard
    row = table.row(0, named=True)
    assert json.loads(row.pop("decoding")) == {
        "max_new_tokens": 8, "temperature": 0.0, "seed": 0, "precision": "float32", "engine": "transformers",
    }  # fmt: skip
    shard = (tmp_path / "target-000000.tar").read_bytes()
    assert row | {"id": "", "caption": "", "alt_text": "", "source_key": ""} == {
        "key": "000000000", "id": "", "caption": "", "alt_text": "", "candidates": [], "scores": [], "cim_score": None,
        "finish_reason": "stop", "cut": False, "tokens": 3, "tokens_in": 0, "seed": 0, "prompt": "Describe it.",
        "prompt_hash": prompt_hash("Describe it."), "model_fingerprint": "model-one",
        "pipeline_version": pipeline_version(), "source_key": "", "source_shard": "target-000000.tar",
        "source_sha256": hashlib.sha256(shard).hexdigest(), "suffix": "png", "width": 8, "height": 8,
    }  # fmt: skip
    assert (row["source_key"], row["alt_text"]) == (row["id"], f"old {row['id']}")


def test_bad_images_are_recorded_and_nothing_is_lost(tmp_path: Path) -> None:
    broken = png(60, (300, 300))
    images = [png(10), b"", b"not an image", broken[: len(broken) // 2], png(20)]
    ids = write_shard(tmp_path / "target-000000.tar", images)
    facts = run(job_in(tmp_path, tar=True, window=2), shade_engine)
    assert (facts["images"], facts["captions"], facts["rejects"]) == (5, 2, 3)
    rejects = {row["id"]: row for row in read_rejects(tmp_path / "out").iter_rows(named=True)}
    assert {i: row["reason"] for i, row in rejects.items()} == {
        ids[1]: "empty file", ids[2]: "not an image", ids[3]: "corrupt image",
    }  # fmt: skip
    assert rejects[ids[2]]["detail"] == "begins with b'not an image'"
    assert {row["shard"] for row in rejects.values()} == {"target-000000.tar"}
    captioned = read_captions(tmp_path / "out")["id"].to_list()
    assert set(captioned) | set(rejects) == set(ids)
    written = webdataset.WebDataset(str(tmp_path / "out/target-000000.tar"), shardshuffle=False)
    assert [content_id(row["png"]) for row in written] == captioned


@pytest.mark.parametrize(("shortest", "captions"), [(0, 5), (1, 4), (9, 0)])  # "shade 20" has 8 characters
def test_blank_captions_are_kept_unless_a_length_is_asked_for(tmp_path: Path, shortest: int, captions: int) -> None:
    ids = write_shard(tmp_path / "target-000000.tar", [png(shade) for shade in SHADES])

    def mute_once(images: list[Image.Image], keys: list[str]) -> list[Generated]:
        said = zip(shade_engine(images, keys), keys, strict=True)
        return [one._replace(text=" \n") if key == ids[0] else one for one, key in said]

    job = job_in(tmp_path, tar=True, shortest=shortest)
    assert run(job, mute_once)["captions"] == captions
    assert replace(job, shortest=shortest + 1).done() is None
    details = dict(read_rejects(tmp_path / "out").select("id", "detail").iter_rows())
    assert details.get(ids[0]) == (None if shortest == 0 else "the captioner wrote nothing")


def test_an_image_the_captioner_refuses_costs_its_neighbours_nothing(tmp_path: Path) -> None:
    ids = write_shard(tmp_path / "target-000000.tar", [png(shade) for shade in SHADES])

    def picky(images: list[Image.Image], keys: list[str]) -> list[Generated]:
        if ids[3] in keys:
            raise ValueError("absolute aspect ratio must be smaller than 200")
        return shade_engine(images, keys)

    facts = run(job_in(tmp_path), picky)
    assert (facts["captions"], facts["rejects"]) == (4, 1)
    detail = "ValueError: absolute aspect ratio must be smaller than 200"
    expected = (ids[3], "target-000000.tar", "refused by the captioner", detail)
    assert read_rejects(tmp_path / "out").rows() == [expected]
    texts = dict(read_captions(tmp_path / "out").select("id", "caption").iter_rows())
    assert texts == {i: f"shade {shade}" for i, shade in zip(ids, SHADES, strict=True) if i != ids[3]}


def test_decoded_pixels_are_bounded_whatever_the_window(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_shard(tmp_path / "target-000000.tar", [png(shade) for shade in SHADES])
    monkeypatch.setattr(cim.captions.read_ahead, "WINDOW_BYTES", 2 * 3 * 8 * 8)  # two images of 8 x 8 RGB
    sizes: list[int] = []

    def counting(images: list[Image.Image], keys: list[str]) -> list[Generated]:
        sizes.append(len(images))
        return shade_engine(images, keys)

    run(job_in(tmp_path), counting)
    assert sizes == [2, 2, 1]


def test_the_recaptioned_shard_is_read_by_webdataset_with_untouched_images(tmp_path: Path) -> None:
    images = [png(shade) for shade in SHADES]
    ids = write_shard(tmp_path / "target-000000.tar", images)
    run(job_in(tmp_path, tar=True), shade_engine)
    found = list(webdataset.WebDataset(str(tmp_path / "out/target-000000.tar"), shardshuffle=False))
    assert [row["png"] for row in found] == [dict(zip(ids, images, strict=True))[i] for i in sorted(ids)]
    assert [row["__key__"] for row in found] == [f"00000000{n}" for n in range(5)]
    shade = dict(zip(ids, SHADES, strict=True))
    shard = (tmp_path / "target-000000.tar").read_bytes()
    for row in found:
        facts, i = json.loads(row["json"]), content_id(row["png"])
        said = f"shade {shade[i]}"
        assert row["txt"].decode() == said
        original = facts.pop("original")
        assert (original["captions"], original["extra"]) == ([f"old {i}", "older"], {"n": 1})
        assert facts == {
            "key": row["__key__"], "caption": said, "alt_text": f"old {i}", "width": 8, "height": 8,
            "sha256": hashlib.sha256(row["png"]).hexdigest(),
            "recaption": {
                "id": i, "candidates": [], "scores": [], "cim_score": None, "finish_reason": "stop", "cut": False,
                "tokens": 3, "tokens_in": 0, "seed": 0, "prompt": "Describe it.",
                "prompt_hash": prompt_hash("Describe it."), "model_fingerprint": "model-one",
                "pipeline_version": pipeline_version(), "source_key": i,
                "source_shard": "target-000000.tar", "source_sha256": hashlib.sha256(shard).hexdigest(),
                "decoding": {
                    "max_new_tokens": 8, "temperature": 0.0, "seed": 0, "precision": "float32",
                    "engine": "transformers",
                },
            },
        }  # fmt: skip


def test_the_same_job_gives_the_samecontents(tmp_path: Path) -> None:
    write_shard(tmp_path / "target-000000.tar", [*(png(shade) for shade in SHADES), b"bad"])
    run(job_in(tmp_path, tar=True), shade_engine)
    first = contents(tmp_path / "out")
    shutil.rmtree(tmp_path / "out")
    run(job_in(tmp_path, tar=True, window=2), shade_engine)
    assert contents(tmp_path / "out") == first
    assert len(first) == 4  # table, tar, rejects, done marker


def test_done_means_this_shard_this_model_this_prompt_and_decoding(tmp_path: Path) -> None:
    write_shard(tmp_path / "target-000000.tar", [png(10)])
    job = job_in(tmp_path)
    assert job.done() is None
    facts = run(job, shade_engine)
    assert job.done() == facts
    assert replace(job, window=1).done() == facts  # how, not what
    for change in (
        replace(LINEAGE, model_fingerprint="model-two"),
        replace(LINEAGE, prompt="What?"),
        replace(LINEAGE, decoding=Decoding(9)),
        replace(LINEAGE, decoding=Decoding(8, seed=1)),
        replace(LINEAGE, precision="bfloat16"),
        replace(LINEAGE, engine="vllm"),
    ):
        assert replace(job, lineage=change).done() is None
    assert replace(job, tar=True).done() is None
    write_shard(tmp_path / "target-000000.tar", [png(11)])
    assert job.done() is None


@pytest.mark.parametrize("lost", ["target-000000.parquet", "target-000000.tar", "target-000000.parquet.done.json"])
def test_a_lost_file_means_not_done(tmp_path: Path, lost: str) -> None:
    write_shard(tmp_path / "target-000000.tar", [png(10)])
    job = job_in(tmp_path, tar=True)
    run(job, shade_engine)
    (tmp_path / "out" / lost).unlink()
    assert job.done() is None


@pytest.mark.parametrize("step", ["write_rejects", "write_pairs", "write_captions", "mark_done"])
def test_a_failure_at_any_commit_leaves_the_shard_undone_and_a_rerun_mends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    write_shard(tmp_path / "target-000000.tar", [*(png(shade) for shade in SHADES), b"bad"])
    undisturbed = replace(job_in(tmp_path, tar=True), folder=tmp_path / "undisturbed")
    run(undisturbed, shade_engine)

    def fail(*_: Any, **__: Any) -> None:
        raise OSError("No space left on device")

    job = job_in(tmp_path, tar=True)
    with monkeypatch.context() as broken:
        broken.setattr(cim.captions.commit, step, fail)
        with pytest.raises(OSError, match="No space"):
            run(job, shade_engine)
    assert job.done() is None
    assert not marker_of(job.table).exists()
    run(job, shade_engine)
    assert contents(tmp_path / "out") == contents(tmp_path / "undisturbed")


def test_captions_of_a_model_given_up_midway_are_not_taken_for_the_old_models(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_shard(tmp_path / "target-000000.tar", [png(10)])
    old = job_in(tmp_path)
    run(old, shade_engine)
    with monkeypatch.context() as killed:
        killed.setattr(cim.captions.commit, "mark_done", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            run(replace(old, lineage=replace(LINEAGE, model_fingerprint="model-two")), shade_engine)
    assert read_captions(old.folder)["model_fingerprint"].to_list() == ["model-two"]
    assert old.done() is None
