"""The re-captioning flow without Prefect's server: params, output folder, other workers, summary, failures."""

import errno
import json
import os
import shutil
import tarfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest
from captioned_shards import contents
from PIL import Image

import cim.lock
import flows.precision
import flows.recaption
import tasks.caption
import tasks.recaption
from cim.atomic import marker_of, read_json
from cim.errors import CimError
from cim.lock import file_lock
from cim.params.load import parse_section
from cim.params.recaption import Recaptioning
from flows.command import parser_for
from flows.recaption import recaption


def test_a_corpus_becomes_shards_a_summary_and_a_log(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    summary = recaption.fn()
    made = {name for name in contents(place / "out") if "/" not in name}
    shards = {f"0000{n}{end}" for n in range(3) for end in (".tar", ".parquet", ".parquet.done.json")}
    assert made == {"recaption.json", "summary.json", *shards}
    assert read_json(place / "out/summary.json") == summary
    counts = ("shards", "images", "captions", "rejects", "tokens", "finish_reasons", "reject_reasons")
    assert [summary[name] for name in counts] == [3, 5, 5, 0, 20, {"length": 5}, {}]  # 4 tokens each
    assert summary["lengths"]["tokens"] == {"mean": 4, "p5": 4, "p50": 4, "p95": 4, "max": 4}
    log = [json.loads(line) for line in (place / "out.log.jsonl").read_text().splitlines()]
    assert [line["shard"] for line in log[:-1]] == ["00000", "00001", "00002"]
    assert [(line["images"], line["captions"], line["made_before"]) for line in log[:-1]] == [
        (2, 2, 0),
        (2, 2, 0),
        (1, 1, 0),
    ]
    assert log[-1]["summary"] == summary
    assert log[-1]["captions_per_second"] > 0
    printed = capsys.readouterr().out
    assert "images: 5 in 3 shards\ncaptions: 5\nfinish reasons: length: 5\nrejects: 0\n" in printed
    card = read_json(place / "out/recaption.json")
    assert (card["shards"], card["prompt"]) == (3, "Say.")


def test_captions_that_repeat_are_warned_of_and_gifs_taken_where_params_say_so(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = list[str]()
    monkeypatch.setattr(flows.recaption, "logger", lambda: SimpleNamespace(warning=said.append))
    frames = [Image.new("RGB", (64, 64), shade) for shade in ("red", "blue")]
    frames[0].save(place / "in/5.gif", save_all=True, append_images=frames[1:])
    for path in sorted((place / "in").glob("*.png"))[1:]:
        path.unlink()
    shutil.copy(place / "in/5.gif", place / "in/6.gif")
    rejected = recaption.fn(overrides={"caption.max_reject_share": 0.9})
    assert rejected["reject_reasons"] == {"unsupported format": 2}
    assert said == []  # one caption
    summary = recaption.fn(overrides={"recaption.images.animated": "first_frame"})
    assert summary["captions"] == 3
    assert summary["repeated"]["most"][0]["count"] >= 2  # the same picture twice
    assert "repeat another image's word for word" in said[0]
    with tarfile.open(place / "out/00001.tar") as tar:
        content = tar.extractfile("000010000.gif")
        assert content is not None
        assert content.read() == (place / "in/6.gif").read_bytes()


def test_a_second_run_loads_no_model_and_changes_nothing(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    summary = recaption.fn()
    before = contents(place / "out")
    monkeypatch.setattr(tasks.caption, "_loaded", lambda model: pytest.fail("the model was loaded"))
    assert recaption.fn() == summary
    assert contents(place / "out") == before
    last = [json.loads(line) for line in (place / "out.log.jsonl").read_text().splitlines()][-2]
    assert (last["made_before"], last["captions_per_second"]) == (1, 0)


def test_a_run_that_finds_all_done_reads_no_image(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in (place / "in").iterdir():
        os.utime(path, (1_600_000_000, 1_600_000_000))  # a file written just now is not vouched for
    summary, before = recaption.fn(), contents(place / "out")
    assert {path.name for path in (place / "out.hashes").iterdir()} == {f"0000{n}.json" for n in range(3)}
    monkeypatch.setattr("cim.readers.file_chunk.read_file", lambda *given: pytest.fail(f"{given} was read"))
    assert recaption.fn() == summary
    assert contents(place / "out") == before


def test_what_auto_stands_for_is_in_every_row_and_another_one_redoes_all(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the first half was captioned on a CPU, and the rest is on a machine with a GPU."""

    def computed_in() -> list[str]:
        tables = [pl.read_parquet(place / f"out/0000{number}.parquet") for number in range(3)]
        return [json.loads(text)["precision"] for text in pl.concat(tables)["decoding"]]

    recaption.fn()
    plan = read_json(place / "out/recaption.json")["plan"]
    assert computed_in() == ["float32"] * 5
    assert recaption.fn(overrides={"caption.precision": "float32"})["captions"] == 5
    assert read_json(place / "out/recaption.json")["plan"] == plan  # auto and its meaning are the same
    monkeypatch.setattr(flows.precision, "precision_of", lambda *_: "bfloat16")
    recaption.fn()
    assert computed_in() == ["bfloat16"] * 5
    assert read_json(place / "out/recaption.json")["plan"] != plan


def test_a_shorter_corpus_leaves_no_old_shard(place: Path) -> None:
    recaption.fn()
    (place / "in/4.png").unlink()
    assert recaption.fn()["shards"] == 2
    assert not list((place / "out").rglob("*00002*"))


def test_what_another_run_does_is_waited_for_at_the_end(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, float]] = []
    real = tasks.caption.finish_shard
    with file_lock(Path("out/.00000.lock")):
        pass
    held = file_lock(Path("out/.00000.lock"))
    held.__enter__()

    def finish(job: Any, engine: Any, patience: float) -> Any:
        asked.append((job.stem, patience))
        if patience:
            held.__exit__(None, None, None)  # the other one dies
        return real(job, engine, patience)

    monkeypatch.setattr(tasks.caption, "finish_shard", finish)
    assert recaption.fn()["captions"] == 5
    assert asked == [("00000", 0.0), ("00001", 0.0), ("00002", 0.0), ("00000", float("inf"))]


def test_too_many_rejects_fail_the_run_after_all_is_written(place: Path) -> None:
    (place / "in/1.png").write_bytes(b"")
    (place / "in/2.png").write_bytes(b"<svg/>")
    with pytest.raises(CimError, match=r"2 of 5 images of out without a caption \(empty file: 1, not an image: 1\)"):
        recaption.fn()
    assert len(pl.read_parquet(place / "out/0000*.parquet")) == 3
    assert recaption.fn(overrides={"caption.max_reject_share": 0.4})["rejects"] == 2


def test_no_caption_at_all_fails_whatever_the_share(place: Path) -> None:
    for path in (place / "in").iterdir():
        path.write_bytes(b"")
    with pytest.raises(CimError, match=r"no caption for any of 5 images of out \(empty file: 5\)"):
        recaption.fn(overrides={"caption.max_reject_share": 1.0})


class TestOutputFolder:
    def test_with_other_files_is_not_touched(self, place: Path) -> None:
        (place / "out").mkdir()
        (place / "out/00007.tar").write_bytes(b"mine")
        with pytest.raises(CimError, match="files in it, but no"):
            recaption.fn()
        assert contents(place / "out") == {"00007.tar": b"mine"}

    @pytest.mark.parametrize("output", ["in", "in/out", "."])
    def test_in_or_around_the_corpus_is_refused(self, place: Path, output: str) -> None:
        with pytest.raises(CimError, match="none lies in the other"):
            recaption.fn(overrides={"recaption.output": output})
        assert len(list((place / "in").iterdir())) == 5

    def test_that_cannot_be_written_is_said_before_any_work(self, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def read_only(path: Path) -> None:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))

        monkeypatch.setattr(cim.lock, "_attempt", read_only)
        with pytest.raises(CimError, match=r"out can't be written \(Read-only file system\)"):
            recaption.fn()

    def test_whose_log_cannot_be_written_beside_it_is_not_begun(
        self, place: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (place / "out.log.jsonl").mkdir()
        monkeypatch.setattr(tasks.caption, "_loaded", lambda *_: pytest.fail("a model was loaded"))
        with pytest.raises(CimError, match=r"the log out\.log\.jsonl can't be written \(Is a directory\)"):
            recaption.fn()
        assert not (place / "out").exists()

    def test_of_a_run_killed_at_its_start_is_taken_over(self, place: Path) -> None:
        (place / "out").mkdir()
        for name in (".recaption.json.lock", ".recaption.json.x1.json"):
            (place / "out" / name).write_bytes(b"")
        recaption.fn()
        assert not [path for path in (place / "out").iterdir() if path.name.startswith(".")]


class TestModel:
    def test_a_folder_is_used_where_it_lies(self, place: Path) -> None:
        recaption.fn()
        assert not (place / "data").exists()

    def test_with_capped_pixels_is_copied_once(self, place: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        capped = {"recaption.model.max_pixels": 1024, "caption.max_reject_share": 0.9}
        recaption.fn(overrides=capped)
        (copy,) = [path for path in (place / "data/models/recaption").iterdir() if path.is_dir()]
        monkeypatch.setattr(tasks.recaption, "fetch_captioner", lambda *_: pytest.fail("it was fetched again"))
        recaption.fn(overrides=capped)
        known = tasks.caption.captioner_fingerprint(copy)
        assert read_json(place / "out/recaption.json")["model_fingerprint"] == known
        told = {"captioner": known, "name": str(model), "revision": None, "license": None}
        assert read_json(marker_of(copy))["facts"] == told


class TestParams:
    def test_mistakes_are_reported_all_at_once(self) -> None:
        values = {
            "caption": {"max_new_tokens": 4},
            "recaption": {"corpus": {"kind": "folder", "pth": "x"}, "output": "o", "model": {"name": "org/name"}},
        }
        with pytest.raises(CimError) as found:
            parse_section(values, Recaptioning, "recaption.yaml")
        text = str(found.value)
        assert "did you mean 'path'?" in text
        assert "its revision must be a commit hash" in text

    def test_help_names_every_section(self) -> None:
        text = parser_for(recaption, "recaption", Recaptioning).format_help()
        for part in ("parameters in recaption:", "parameters in caption:", "kind webdataset", "recaption.yaml"):
            assert part in text
