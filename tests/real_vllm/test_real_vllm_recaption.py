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
            "decoding": {"max_repetition": 1.0},
            "vllm": {"max_model_length": 48, "memory_share": 0.1, "enforce_eager": True},
        },
        "recaption": {
            "corpus": {"kind": "folder", "path": str(tmp_path / "in")}, "output": str(tmp_path / "out"),
            "samples_per_shard": 21, "model": {"name": str(captioner_folder)},
        },
    }  # fmt: skip
    (tmp_path / "recaption.yaml").write_text(dump_yaml(values))
    return tmp_path / "recaption.yaml"


def left_over() -> list[int]:
    """Processes of a run that still live."""
    found = []
    for process in psutil.process_iter():
        try:
            if MARK in process.environ() and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
        except psutil.Error:
            continue  # it has ended, or is another's
    return found


def run(root: Path, server: str, *command: str) -> int:
    """The exit code. vLLM's engine in processes of its own, as it is by default."""
    environment = os.environ | {
        "PREFECT_API_URL": server, "PYTHONPATH": f"{root}:{root / 'tests/resume'}", MARK: "1",
        "VLLM_ENABLE_V1_MULTIPROCESSING": "1",
    }  # fmt: skip
    done = subprocess.run([sys.executable, *command], cwd=root, env=environment, capture_output=True, text=True)
    for _ in range(60):
        if not left_over():
            break
        time.sleep(1)
    assert left_over() == []
    print(done.stderr[-6000:])
    return done.returncode


def test_killed_and_resumed(root: Path, prefect_server: str, params: Path) -> None:
    script = str(root / "tests/real_vllm/dying_recaption.py")
    for point in ("inside a journal record", "before the marker"):
        assert run(root, prefect_server, script, point, str(params)) == -signal.SIGKILL
    assert run(root, prefect_server, "-m", "flows.recaption", "--params", str(params)) == 0
    out = params.parent / "out"
    summary = read_yaml(out / "summary.json")
    assert (summary["shards"], summary["captions"], summary["rejects"]) == (2, 40, 1)
    keys = []
    for tar in sorted(out.glob("*.tar")):
        with tarfile.open(tar) as opened:
            keys += [name for name in opened.getnames() if name.endswith(".txt")]
    assert len(keys) == len(set(keys)) == 40
    rows = pl.read_parquet(out / "0000*.parquet")
    assert sorted(rows["source_key"]) == sorted(f"{number:02}" for number in range(40))
    rejects = pl.read_parquet(out / "rejects/*.parquet")
    assert "longer than the maximum model length of 48" in rejects["detail"].item()
