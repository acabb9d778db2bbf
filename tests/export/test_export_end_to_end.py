"""What a whole small run leaves, exported by the command and loaded by the libraries that users load it with."""

import re
from pathlib import Path
from typing import Any

import pytest
from datasets import load_dataset
from workspace import Workspace

from cim.atomic import read_json
from cim.params.yaml import dump_yaml

pytestmark = pytest.mark.slow


def test_the_cards_own_examples_run(finished: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    section: dict[str, Any] = {"model": {"output": str(tmp_path / "captioner")}}
    section["dataset"] = {"shards": "data/captions/tuned/target", "output": str(tmp_path / "set")}
    (tmp_path / "export.yaml").write_text(dump_yaml({"export": section}))
    said = finished.check("flows.export", "--params", str(tmp_path / "export.yaml"))
    assert "shards, README.md" in said
    rows = load_dataset(str(tmp_path / "set"), split="target", cache_dir=str(tmp_path / "cache"))
    assert len(rows) == read_json(finished.folder / "data/captions/tuned/target/summary.json")["captions"]
    assert all(row["txt"] == row["json"]["caption"] for row in rows)
    card = (tmp_path / "captioner/README.md").read_text()
    assert "not recorded: find out before" in card  # the licence of a base that was made here
    assert "| R@1 |" in card
    (example,) = re.findall(r"```python\n(.*?)```", card, re.S)
    rows[0]["png"].save(tmp_path / "image.png")
    for old, new in (("FOLDER_OR_HUB_ID", tmp_path / "captioner"), ("image.jpg", tmp_path / "image.png")):
        example = example.replace(old, str(new))
    capsys.readouterr()
    exec(example, {})
    assert capsys.readouterr().out.endswith("\n")
