"""python -m cim.lineage: what a name may mean, what is printed, how it ends."""

import json
from pathlib import Path

import pytest

from cim.atomic import mark_done, write_bytes, write_json
from cim.captioners.decoding import Decoding
from cim.captions.lineage import Lineage
from cim.captions.write import Origin, captions_path, write_captions
from cim.fingerprint import hash_path
from cim.layout import Layout
from cim.lineage.__main__ import main
from cim.models.folder import folder_fingerprint
from cim.records import Caption


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """Captions of one image of each of two splits, by a base captioner that is all there."""
    made = Layout(tmp_path / "data")
    folder = made.model("captioner")
    write_bytes(folder / "config.json", b"{}")
    write_bytes(folder / "model.safetensors", b"weights")
    write_json(folder / "cim.json", {"role": "captioner", "fingerprint": folder_fingerprint(folder)})
    mark_done(folder, "made")
    for split, name in (("target", "id-1"), ("eval", "id-2")):
        write_bytes(made.shards(split) / f"{split}-000000.tar", split.encode())
        captioned(made, made.captions("base", split), split, name)
    return made


def captioned(layout: Layout, folder: Path, split: str, name: str, fingerprint: str | None = None) -> None:
    """A finished table of one caption."""
    stem, tar = f"{split}-000000", layout.shards(split) / f"{split}-000000.tar"
    table = captions_path(folder, stem)
    lineage = Lineage(fingerprint or folder_fingerprint(layout.model("captioner")), "describe", Decoding(8))
    write_captions(table, [Caption(name, "a dog", "stop", 3)], lineage, Origin(0, tar.name, hash_path(tar)))
    mark_done(table, "made", sha256={table.name: hash_path(table)})


def run(layout: Layout, *arguments: str) -> None:
    main([*arguments, "--data", str(layout.root)])


@pytest.mark.parametrize(
    ("name", "titles"),
    [
        ("id-1", ["captions", "row", "images", "captioner"]),
        ("eval-000000", ["captions", "rows", "images", "captioner"]),
        ("eval-000000.tar", ["captions", "rows", "images", "captioner"]),
        ("DATA/captions/base/eval/eval-000000.parquet", ["captions", "rows", "images", "captioner"]),
        ("DATA/models/captioner", ["captioner"]),
    ],
)
def test_what_a_name_may_mean(layout: Layout, capsys: pytest.CaptureFixture[str], name: str, titles: list[str]) -> None:
    run(layout, name.replace("DATA", str(layout.root)), "--json")
    links = json.loads(capsys.readouterr().out)
    assert [link["link"] for link in links] == titles
    assert {link["problem"] for link in links} == {None}


def test_a_row_is_told_with_its_caption(layout: Layout, capsys: pytest.CaptureFixture[str]) -> None:
    run(layout, "id-2")
    text = capsys.readouterr().out
    assert "caption: a dog" in text
    assert "prompt: describe" in text
    assert str(layout.shards("eval") / "eval-000000.tar") in text
    assert "BROKEN" not in text


def test_the_first_broken_link_ends_it_with_code_1(layout: Layout, capsys: pytest.CaptureFixture[str]) -> None:
    """Two are broken; those behind them are looked at as well."""
    (layout.shards("eval") / "eval-000000.tar").write_bytes(b"evil")
    (layout.model("captioner") / "cim.json").write_text('{"fingerprint": "x"}')
    with pytest.raises(SystemExit) as ended:
        run(layout, "id-2")
    said = capsys.readouterr()
    assert ended.value.code == 1
    assert said.out.count("BROKEN") == 2
    assert said.err.startswith("lineage: found images broken, the first of 2 such links: ")
    assert "eval-000000.tar is" in said.err
    assert "dvc checkout" in said.err


@pytest.mark.parametrize(
    ("gone", "found"),
    [
        ("models/captioner.done.json", "captioner broken"),
        ("captions/base/eval/eval-000000.parquet.done.json", "captions broken"),
    ],
)
def test_a_record_that_is_gone(layout: Layout, capsys: pytest.CaptureFixture[str], gone: str, found: str) -> None:
    (layout.root / gone).unlink()
    with pytest.raises(SystemExit):
        run(layout, "id-2")
    assert found in capsys.readouterr().err


def test_a_key_of_two_tables(layout: Layout, capsys: pytest.CaptureFixture[str]) -> None:
    """Keys count within a corpus: each split has its first image."""
    with pytest.raises(SystemExit):
        run(layout, "000000000")
    assert "give the image's id, or --captions" in capsys.readouterr().err
    run(layout, "000000000", "--captions", str(layout.captions("base", "eval")))
    assert "id: id-2" in capsys.readouterr().out


def test_captions_of_elsewhere(layout: Layout, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    captioned(layout, tmp_path / "recaptioned", "target", "id-1")
    (layout.shards("target") / "target-000000.tar").unlink()  # a corpus that is not here
    run(layout, "id-1", "--captions", str(tmp_path / "recaptioned"))
    assert "not looked at: no such shard" in capsys.readouterr().out
    captioned(layout, tmp_path / "others", "eval", "id-2", fingerprint="of another")
    with pytest.raises(SystemExit):
        run(layout, "id-2", "--captions", str(tmp_path / "others"))
    assert "captions by the model of another" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["nothing", "data", "/nowhere/x.parquet"])
def test_no_such_thing(layout: Layout, capsys: pytest.CaptureFixture[str], name: str) -> None:
    with pytest.raises(SystemExit):
        run(layout, str(layout.root) if name == "data" else name)
    said = capsys.readouterr().err
    assert "expected" in said
    assert "Traceback" not in said
