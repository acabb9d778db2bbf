"""`python -m cim.score` on artefacts that the pipeline made, in every retrieval space."""

import json
import re
from pathlib import Path

import polars as pl
import pytest
from workspace import Workspace

from cim.layout import Layout
from cim.params.yaml import dump_yaml, read_yaml
from cim.score.__main__ import main
from cim.shards.read import ImageLookup

pytestmark = pytest.mark.slow


@pytest.fixture
def scoring(finished: Workspace, tmp_path: Path):
    """scoring(reward, *arguments): the command with tune.reward changed, on finished data; a failure has code 1."""

    def run(reward, *arguments):
        values = read_yaml(finished.folder / "params.yaml")
        (tmp_path / "params.yaml").write_text(dump_yaml(values))
        changes = [text for name, value in reward.items() for text in ("--set", f"tune.reward.{name}={value}")]
        data = ["--params", str(tmp_path / "params.yaml"), "--data", str(finished.folder / "data")]
        main([*arguments, *changes, *data])

    return run


@pytest.fixture
def captioned(finished: Workspace):
    """Ids and captions of the eval split."""
    rows = pl.read_parquet(finished.folder / "data/shards/eval/manifest.parquet")
    return list(zip(rows["id"].to_list(), (some[0] for some in rows["captions"].to_list()), strict=True))


@pytest.mark.parametrize("space", ["caption_text", "clip", "fused"])
def test_a_file_of_captions_in_every_space(scoring, captioned, finished, tmp_path, capsys, space):
    lines = [{"id": name, "caption": caption} for name, caption in captioned[:4]]
    name, caption = captioned[0]
    (tmp_path / "copy.png").write_bytes(ImageLookup(Layout(finished.folder / "data").shards("eval"))[name])
    lines += [{"image": "copy.png", "caption": caption}, {"id": name, "caption": "\u200b"}, {"id": "nobody"}]
    (tmp_path / "lines.jsonl").write_text("\n".join(map(json.dumps, lines)))
    page = tmp_path / "page.html"
    scoring({"space": space}, "--jsonl", str(tmp_path / "lines.jsonl"), "--html", str(page))
    said = capsys.readouterr().out
    assert "6 captions: 5 scored, 1 unscorable; bad lines: 1" in said
    blocks = said.split("\n\n")
    assert blocks[0].splitlines()[2:] == blocks[4].splitlines()[2:]  # by id, and the same picture from a file
    assert blocks[6] == 'line 7: bad: no text under "caption"'
    text = page.read_text()
    # pictures: 6 results with their source, 5 of them with 3 retrieved
    assert len(re.findall(r'<img src="data:image/', text)) == 6 + 15
    assert "no picture" not in text


def test_a_photo_that_no_stage_has_seen(scoring, tmp_path, capsys):
    from PIL import Image

    Image.new("RGB", (90, 60), (250, 20, 20)).save(tmp_path / "red.jpg")
    scoring({"space": "clip"}, "--image", str(tmp_path / "red.jpg"), "--caption", "a red square")
    assert "total" in capsys.readouterr().out


def test_what_cannot_be_scored_at_all_is_one_plain_error(scoring, capsys):
    with pytest.raises(SystemExit, match="1"):
        scoring({"space": "clip"}, "--id", "nobody", "--caption", "a")
    assert "no embedded sample with id nobody" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="1"):
        scoring({"space": "clip", "k": 1000}, "--id", "nobody", "--caption", "a")
    assert "at least k = 1000" in capsys.readouterr().err
