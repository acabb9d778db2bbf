"""The parts of benchmarks.gpu on the CPU, in toy shapes: what they measure, skip and survive."""

import re
import sys
from pathlib import Path

import pytest

from benchmarks.gpu.__main__ import main
from benchmarks.gpu.bench import Bench, Row, read_rows, table
from benchmarks.gpu.captioning import SAID, agreement
from benchmarks.gpu.models import QWEN_7B, captioner_folder, values_of
from benchmarks.gpu.parts import MEASURES, run_apart
from benchmarks.gpu.waiting import covered
from cim.errors import CimError
from cim.estimate.published import CAPTIONERS


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("gpu")


def bench(part: str, scratch: Path) -> Bench:
    return Bench(part, "cpu", True, scratch, scratch / f"{part}.jsonl")


def measured(part: str, scratch: Path) -> list[Row]:
    """What the part leaves, measured in this process."""
    orders = bench(part, scratch)
    MEASURES[part](orders)
    rows = read_rows(orders.rows)
    assert {row.device for row in rows} == {"cpu, toy"}
    return rows


@pytest.mark.slow
@pytest.mark.parametrize("part", ["tune-3b-lora", "tune-3b-full"])
def test_a_step_of_grpo_by_phase(part: str, scratch: Path) -> None:
    """Two images with two captions of 6 tokens each; phases and the rest are the step."""
    (row,) = measured(part, scratch)
    seconds = {name: float(value) for name, value in row.figures.items() if name.endswith(" s")}
    assert sorted(seconds) == [
        "decode s", "forward and backward s", "generate s", "image processor s", "reference s", "reward s",
        "the rest s",
    ]  # fmt: skip
    assert min(seconds.values()) > 0
    assert sum(seconds.values()) == pytest.approx(float(row.figures["s a step"]), rel=0.01)
    assert row.figures["captions"] == "4"


@pytest.mark.slow
def test_images_are_embedded(scratch: Path) -> None:
    whole, forward = measured("embed", scratch)
    assert whole.figures["images"] == forward.figures["images"] == "6"
    assert float(whole.figures["images per s"]) < float(forward.figures["images per s"].replace(",", ""))


@pytest.mark.slow
def test_captions_and_where_their_time_goes(scratch: Path) -> None:
    (row,) = measured("caption-transformers", scratch)
    assert row.figures["images"] == "4"
    assert (scratch / SAID).exists()
    waits = measured("wait", scratch)
    assert [row.what for row in waits] == [f"2 batches of 2, {ahead} threads ahead" for ahead in (0, 1, 2)]
    assert all(0 < float(row.figures["share of time outside"].rstrip("%")) < 100 for row in waits)


def test_search_without_gpus_is_the_cpus_alone(scratch: Path) -> None:
    here, there = measured("search", scratch)
    assert "on the CPU" in here.what
    assert there.note.startswith("skipped: found index.device: cuda, but faiss")


@pytest.mark.slow
@pytest.mark.parametrize(("part", "lacks"), [("caption-vllm", "vllm"), ("tune-7b-lora-4bit", "bitsandbytes")])
def test_what_lacks_a_package_says_so(scratch: Path, part: str, lacks: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vllm", None)
    monkeypatch.setattr("cim.tuning.policy.is_installed", lambda _: False)
    (row,) = measured(part, scratch)
    assert row.note.startswith("skipped: ")
    assert lacks in row.note


def test_the_command_in_processes_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--toy", "--only", "search", "--scratch", str(tmp_path), "--output", str(tmp_path / "gpu.md")]) == 0
    shown = (tmp_path / "gpu.md").read_text()
    assert shown.strip() == capsys.readouterr().out.strip()
    assert shown.startswith("**Device cpu, toy shapes: no figure here is one of a GPU.** torch ")
    assert re.search(r"\| flat, 400 x 32, 16 queries, k 3, on the CPU \(\d+ threads\) \| cpu, toy \| [\d,.]+ \|", shown)
    assert [path.name for path in tmp_path.iterdir()] == ["gpu.md"]


class TestApart:
    """A part that fails is a line, and keeps what it has measured."""

    def test_an_error(self, tmp_path: Path) -> None:
        orders = bench("search", tmp_path)
        orders.row("so far", s=1.0)
        run_apart(orders, [sys.executable, "-c", "raise MemoryError('no room')"])
        measured, failed = read_rows(orders.rows)
        assert measured.figures == {"s": "1"}
        assert failed.note == "failed: ended with code 1: MemoryError: no room"

    def test_a_signal(self, tmp_path: Path) -> None:
        orders = bench("search", tmp_path)
        run_apart(orders, [sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"])
        assert read_rows(orders.rows)[0].note == "failed: ended with SIGKILL: it said nothing"

    def test_too_long(self, tmp_path: Path) -> None:
        orders = bench("search", tmp_path)
        run_apart(orders, [sys.executable, "-c", "import time; time.sleep(600)"], limit=0.2)
        assert read_rows(orders.rows)[0].note == "failed: not done after 0.2 s"


def test_a_table_has_the_columns_that_its_rows_fill() -> None:
    rows = [Row("a", "one", "cuda", {"s": "1"}), Row("a", "two", "cuda", {"MiB": "5"}), Row("a", "x", "cuda", note="n")]
    assert table(rows) == (
        "### a\n\n"
        "| what | device | s | MiB |\n|---|---|---|---|\n| one | cuda | 1 |  |\n| two | cuda |  | 5 |\n\n- x: n"
    )


def test_kernels_that_overlap_count_once() -> None:
    """[0, 3] holds [1, 2]; [2, 4] adds 1; [6, 7] adds 1."""
    assert covered([(6, 7), (1, 2), (0, 3), (2, 4)]) == 5


def test_agreement_of_captions() -> None:
    """Alike: 2 of 2 words, 1 of 4, none of 0: (1 + 1/4 + 0) / 3."""
    found = agreement(["a b", "a b c d", ""], ["a b", "a x", ""])
    assert found == {"equal captions": "2 of 3", "words alike before they part": "42%"}


def test_shapes_are_the_published_ones(tmp_path: Path) -> None:
    real = Bench("wait", "cuda", False, tmp_path, tmp_path / "rows")
    assert values_of(real, QWEN_7B) == CAPTIONERS[QWEN_7B]
    short = Bench("wait", "cuda", False, tmp_path, tmp_path / "rows", layers=3)
    assert values_of(short, QWEN_7B)["text_config"] == {**CAPTIONERS[QWEN_7B]["text_config"], "num_hidden_layers": 3}
    assert short.where == "cuda, 3 layers"


def test_a_full_disk_is_said_before_weights_are_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """7B in bfloat16: 8,292,166,656 parameters x 2 bytes x 1.05 are 16.2 GiB."""
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 2**30}))
    real = Bench("wait", "cpu", False, tmp_path, tmp_path / "rows")
    with pytest.raises(CimError, match=r"1.0 GiB free in .*16.2 GiB for a folder"):
        captioner_folder(real, QWEN_7B)
