"""The shard flow: a folder in, shards and counts out; user errors leave nothing behind."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from PIL import Image

from cim.params.yaml import dump_yaml, read_yaml
from cim.shards.read import read_manifest, read_samples, shard_paths

SPLITS = {"gallery": 0.4, "train": 0.2, "validation": 0.1, "target": 0.2, "eval": 0.1}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prefect_server: str) -> Path:
    """The working directory: 40 pictures with captions, one text that calls itself a picture."""
    monkeypatch.chdir(tmp_path)
    images = tmp_path / "images"
    images.mkdir()
    for number in range(40):
        Image.new("RGB", (40, 40), (number * 5, 99, 0)).save(images / f"{number}.png")
    (images / "text.jpg").write_text("text")
    rows = [f"{number}.png,shade {number}" for number in range(40)]
    (tmp_path / "captions.csv").write_text("\n".join(["file_name,caption", *rows]))
    return tmp_path


def params(root: Path, here: Path, **source: Any) -> str:
    """params.yaml of the repository with a folder as its only source."""
    values = read_yaml(root / "params.yaml")
    values["runtime"]["retries"] = 0
    values["shard"] = {
        "samples_per_shard": 6,
        "sources": [{"kind": "folder", "path": "images", "splits": SPLITS} | source],
    }
    (here / "params.yaml").write_text(dump_yaml(values))
    return str(here / "params.yaml")


def test_shards_every_split(root: Path, here: Path) -> None:
    from flows.shard import shard

    summary = shard(params(root, here))
    assert summary == json.loads((here / "data/shards/summary.json").read_text())
    assert summary["images"] == {"in": 41, "out": 40, "rejected": 1, "merged": 0}
    assert pl.read_parquet(here / "data/shards/rejects.parquet").rows() == [
        ("folder:images", "not an image", "text.jpg: begins with b'text'")
    ]
    seen = []
    for split in SPLITS:
        folder = here / "data/shards" / split
        read = [sample.id for path in shard_paths(folder) for sample in read_samples(path)]
        assert read == read_manifest(folder)["id"].to_list()
        assert len(shard_paths(folder)) == -(-len(read) // 6)
        seen += read
    assert len(seen) == len(set(seen)) == 40  # no image in two splits

    before = {path: path.stat().st_mtime_ns for path in (here / "data").rglob("*.tar")}
    shard(params(root, here))
    assert {path: path.stat().st_mtime_ns for path in (here / "data").rglob("*.tar")} == before  # nothing written again


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"path": "nowhere"}, "no folder at nowhere"),
        ({"path": "apart/empty"}, "source folder:apart/empty is empty"),
        ({"path": "apart/texts"}, "no usable image among 2 (2 not an image"),
        ({"captions": "none.csv"}, "no file at none.csv"),
        ({"captions": "other.csv"}, "columns file_name, caption"),
    ],
)
def test_user_errors_are_one_message(
    root: Path, here: Path, source: dict[str, Any], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from flows.command import main
    from flows.shard import shard

    (here / "apart" / "empty").mkdir(parents=True)
    (here / "apart" / "texts").mkdir()
    (here / "apart" / "texts" / "a.jpg").write_text("text a")
    (here / "apart" / "texts" / "b.jpg").write_text("text b")
    (here / "other.csv").write_text("image;text\n")
    with pytest.raises(SystemExit) as ended:
        main(shard, "shard", ["--params", params(root, here, **source)])
    assert ended.value.code == 1
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error
    assert not (here / "data").exists()
