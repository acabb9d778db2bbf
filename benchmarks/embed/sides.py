"""Both sides of the comparison, each run in a process of its own, and what they made."""

import json
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

import numpy as np
import polars as pl

PACKAGE = "clip-retrieval==2.45.0"
BASELINE = Path(__file__).with_name("baseline.py")


def baseline_python(cache: Path) -> Path:
    """A Python with clip-retrieval, its environment made where it is missing. Raises CalledProcessError."""
    python = cache / "clip-retrieval" / "bin/python"
    if subprocess.run([python, "-c", "import clip_retrieval"], check=False).returncode if python.exists() else True:
        venv.create(cache / "clip-retrieval", with_pip=True, clear=True)
        # clip-anytorch imports pkg_resources, which later setuptools no longer have.
        subprocess.run([python, "-m", "pip", "install", "-q", PACKAGE, "setuptools<81"], check=True)
    return python


def theirs(python: Path, folder: Path, workers: int, batch: int, threads: int) -> dict[str, float]:
    """One run of clip-retrieval over folder/shards; its files are kept in folder/theirs."""
    tars = sorted(map(str, (folder / "shards/gallery").glob("*.tar")))
    shutil.rmtree(folder / "theirs", ignore_errors=True)
    command = [python, BASELINE, folder / "models/image", folder / "theirs", batch, workers, threads, *tars]
    return _printed(command)


def ours(folder: Path, prefetch: int, inside: str, batch: int, threads: int) -> dict[str, float]:
    """One run of the embed task's own code over the same, what it made before deleted."""
    return _printed([sys.executable, "-m", "benchmarks.embed.ours", folder, prefetch, inside, batch, threads])


def least_cosine(folder: Path) -> float:
    """Of the two sides' last vectors of one image, over all images. Raises ValueError for other images."""
    keys = pl.read_parquet(folder / "theirs/metadata/metadata_0.parquet")["image_path"].to_list()
    ids, parts = list[str](), list[np.ndarray]()
    for path in sorted((folder / "embeddings/image/gallery").glob("*.npy")):
        ids += pl.read_parquet(path.with_suffix(".parquet"))["id"].to_list()
        parts.append(np.load(path))
    if sorted(keys) != sorted(ids):
        raise ValueError(f"{len(keys)} images of clip-retrieval are not the {len(ids)} of embed")
    first = np.load(folder / "theirs/img_emb/img_emb_0.npy")[np.argsort(keys)].astype(np.float64)
    second = np.concatenate(parts)[np.argsort(ids)].astype(np.float64)
    lengths = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    return float(((first * second).sum(axis=1) / lengths).min())


def _printed(command: list[object]) -> dict[str, float]:
    """The JSON that a command prints last. What it says besides is shown where it fails."""
    with tempfile.TemporaryFile("w+") as said:
        done = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, stderr=said, text=True)
        if done.returncode:
            said.seek(0)
            raise SystemExit(f"{command[0]} ended with {done.returncode}: {said.read()[-2000:]}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found
