"""Control tokens of a curated corpus: by the image that a caption is at now; what is none is told."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

import cim.warm_start.align
import cim.warm_start.sft
from cim.errors import CimError
from cim.fingerprint import fingerprint
from cim.images.ids import content_id
from cim.params import Models, WarmStart
from cim.records import Sample
from cim.scenes.draw import draw
from cim.scenes.scene import scene_at
from cim.shards.tar import write_tar
from cim.warm_start.controls import check_known, control_tables, read_controls
from cim.warm_start.make import learnt_from, make_base_captioner

ROWS = {
    "shard": ["00000"] * 4,
    "key": ["a", "b", "b", "c"],
    "id": ["A", "B", "B", "C"],
    "caption": ["one", "two", "three", "four"],
    "control": ["<fit 2>", "<fit 1>", None, "<fit 2>"],
    "reassigned_to": [None, None, None, "00000/b"],  # "four" came with C and is B's now
}


def curated(folder: Path, **columns: list[str | None]) -> WarmStart:
    (folder / "pairs").mkdir()
    pl.DataFrame(ROWS | columns, schema_overrides={"control": pl.String}).write_parquet(folder / "pairs/00000.parquet")
    (folder / "summary.json").write_text("{}")
    return WarmStart(epochs=1, learning_rate=0.1, controls=str(folder))


def test_the_token_of_each_kept_pair(tmp_path: Path) -> None:
    assert read_controls(WarmStart(epochs=1, learning_rate=0.1)) == {}
    params = curated(tmp_path)
    assert control_tables(params) == [tmp_path / "pairs"]
    assert read_controls(params) == {("A", "one"): "<fit 2>", ("B", "two"): "<fit 1>", ("B", "four"): "<fit 2>"}


def test_what_has_no_tokens_is_refused(tmp_path: Path) -> None:
    params = curated(tmp_path, control=[None] * 4)
    with pytest.raises(CimError, match="expected a corpus curated with `buckets`"):
        read_controls(params)
    (tmp_path / "summary.json").unlink()  # as while flows.curate is at work
    with pytest.raises(CimError, match=r"expected the output of flows\.curate, run to its end"):
        control_tables(params)


def test_tokens_of_another_corpus_are_refused() -> None:
    check_known({}, {"A": ["one"]})
    check_known({("A", "one"): "<fit 1>"}, {"A": ["one", "new"], "B": ["two"]})
    with pytest.raises(CimError, match=r"1 pairs with tokens .*, none of them a train pair"):
        check_known({("A", "one"): "<fit 1>"}, {"A": ["two"]})


def models(controls: Path) -> Models:
    encoder = {"kind": "fit", "seed": 0, "width": 8, "epochs": 1, "learning_rate": 0.001}
    size = {"hidden": 64, "layers": 1, "vision_hidden": 64, "vision_depth": 1, "side": 32, "vocabulary": 320}
    return Models.model_validate(
        {
            "text_encoder": {"name": "package:none"},
            "image_encoder": encoder,
            "heldout_encoder": encoder | {"seed": 1},
            "captioner": {"kind": "tiny", **size},
            "warm_start": {"epochs": 1, "learning_rate": 0.001, "controls": str(controls)},
        }
    )


def test_the_warm_start_is_asked_with_tokens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two images of two captions each, of which curation kept one; others' tables make another captioner."""
    asked = list[tuple[str, str]]()

    def noted(model: Any, processor: Any, rows: Any, *_: Any) -> list[Any]:
        asked.extend((row["completion"][0]["content"], row["prompt"][0]["content"]) for row in rows)
        return []

    monkeypatch.setattr(cim.warm_start.align, "align_vision", lambda *_: [])
    monkeypatch.setattr(cim.warm_start.sft, "warm_start", noted)
    train, folder, texts = tmp_path / "train", tmp_path / "curated", ("a star", "two stars")
    train.mkdir()
    folder.mkdir()
    pictures = {content_id(image): image for image in (draw(scene_at(0, i), 32) for i in range(2))}
    ids = sorted(pictures)
    write_tar(train / "train-000000.tar", [Sample(i, pictures[i], "png", texts, "s", 32, 32) for i in ids])
    pl.DataFrame({"id": ids, "captions": [texts, texts]}).write_parquet(train / "manifest.parquet")
    curated(folder, id=[*ids, "B", "C"], caption=["a star", "two stars", "three", "four"])
    make_base_captioner(models(folder), [train], ["Say."], "cpu", tmp_path / "captioner")
    said = {"<fit 2> Say.": "a star", "<fit 1> Say.": "two stars"}
    plain = [("a star", "Say."), ("two stars", "Say.")]
    assert sorted(asked) == sorted([*plain, *((text, prompt) for prompt, text in said.items())])
    before = fingerprint(*learnt_from(models(folder), [train], ["Say."]))
    pl.DataFrame(ROWS).write_parquet(folder / "pairs/00000.parquet")
    assert fingerprint(*learnt_from(models(folder), [train], ["Say."])) != before
