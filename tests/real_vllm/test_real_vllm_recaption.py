"""A whole re-captioning with engine vllm, killed and resumed: no caption lost, none twice, no process left behind."""

import os
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import psutil
import pytest
from PIL.Image import Image

from cim.params.yaml import dump_yaml, read_yaml

MARK = "CIM_TEST_OF_KILLS"


@pytest.fixture(scope="module")
def prefect_server() -> Iterator[str]:
    from prefect.settings import PREFECT_API_URL
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=600):
        yield str(PREFECT_API_URL.value())


@pytest.fixture
def params(tmp_path: Path, captioner_folder: Path, pictures: list[Image]) -> Path:
    """40 good images in two shards, and one whose tokens are too many for the model length that is asked for."""
    (tmp_path / "in").mkdir()
    for number, picture in enumerate(pictures[:40]):
        picture.save(tmp_path / f"in/{number:02}.png")
    pictures[0].resize((3200, 16)).save(tmp_path / "in/05-wide.png")
    values = {
        "runtime": {"device": "cpu", "torch_threads": 1},
        "caption": {
            "max_new_tokens": 12, "prompts": ["Describe it."], "batch_size": 2, "engine": "vllm",
            "max_reject_share": 1.0, "decoding": {"max_repetition": 1.0},
            "vllm": {"max_model_length": 48, "memory_share": 0.1, "enforce_eager": True},
        },
        "recaption": {
            "corpus": {"kind": "folder", "path": str(tmp_path / "in")}, "output": str(tmp_path / "out"),
            "samples_per_shard": 21, "model": {"name": str(captioner_folder)},
        },
    }  # fmt: skip
    (tmp_path / "recaption.yaml").write_text(dump_yaml(values))
    return tmp_path / "recaption.yaml"


def left_over() -> list[str]:
    """Commands of a run's processes that still live."""
    found = []
    for process in psutil.process_iter():
        try:
            if MARK in process.environ() and process.status() != psutil.STATUS_ZOMBIE:
                found.append(f"{process.pid} {' '.join(process.cmdline())[:200]}")
        except psutil.Error:
            continue  # it has ended, or is another's
    return found


def run(root: Path, server: str, log: Path, *command: str) -> int:
    """The exit code."""
    paths = f"{root}:{root / 'tests/resume'}"
    environment = os.environ | {"PREFECT_API_URL": server, "PYTHONPATH": paths, MARK: "1"}
    del environment["VLLM_ENABLE_V1_MULTIPROCESSING"]  # as it is for users
    with log.open("ab") as output:  # no pipe: whoever outlived the run would hold it open
        command = (sys.executable, *command)
        done = subprocess.run(command, cwd=root, env=environment, stdout=output, stderr=output, timeout=400)
    for _ in range(60):
        if not left_over():
            break
        time.sleep(1)
    assert left_over() == []
    return done.returncode


def test_killed_and_resumed(root: Path, prefect_server: str, params: Path) -> None:
    script = str(root / "tests/real_vllm/dying_recaption.py")
    log = params.parent / "log"
    for point in ("inside a journal record", "before the marker"):
        assert run(root, prefect_server, log, script, point, str(params)) == -signal.SIGKILL, log.read_text()[-4000:]
    command = ("-m", "flows.recaption", "--params", str(params))
    assert run(root, prefect_server, log, *command) == 0, log.read_text()[-4000:]
    out = params.parent / "out"
    summary = read_yaml(out / "summary.json")
    assert summary["shards"] == 2
    assert summary["captions"] + summary["rejects"] == 41
    keys = []
    for tar in sorted(out.glob("*.tar")):
        with tarfile.open(tar) as opened:
            keys += [name for name in opened.getnames() if name.endswith(".txt")]
    assert len(keys) == len(set(keys)) == summary["captions"]
    rows = pl.read_parquet(out / "0000*.parquet")
    rejects = pl.read_parquet(out / "rejects/*.parquet")
    names = sorted(path.stem for path in (params.parent / "in").iterdir())
    found = [*rows["source_key"], *rejects["id"]]
    assert sorted(Path(name).stem for name in found) == names  # each image once
    (refused,) = rejects.filter(pl.col("reason") != "no caption").iter_rows(named=True)  # others it has no words for
    assert "longer than the maximum model length of 48" in refused["detail"]
