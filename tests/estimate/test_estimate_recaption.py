"""What re-captioning would take, by hand; and what the figures rest on, counted."""

import json
from pathlib import Path

import pytest

from cim.errors import CimError
from cim.estimate.recaption import Asked, figures
from cim.estimate.shown import Shown, shown_by

SHOWN = Shown(rate=4.0, captions=800, tar=50_000.0, table=100.0, characters=60.0, where="out")


def values(asked: Asked) -> dict[str, str]:
    return {one.name: one.value for one in figures(asked)}


def test_every_figure() -> None:
    """72,000 images at 4 captions/s are 5 hours; 8 shards of 10,000, of which one of 3 workers makes 3: 30,000 images
    in 7,500 s, 2.08 hours, of which three workers cost 3 x 2.083 x 2.4 = 15.00.

    Tars: 72,000 x 50,000 = 3.6e9 bytes, 3.35 GiB; tables 7.2e6, 6.9 MiB. 3 workers at 4 shards each are at all 8,
    80,000 images at most: 4e9 bytes of tars, 3.7 GiB, and 80,000 x (350 + 60) of journals, 31.3 MiB.
    A tar has 5e8 bytes, 477 MiB: 10 parts of 50 MiB and a request more. Puts: 8 x (4 + 11). Others: 8 x 14, and for
    each worker a page of a listing of tars and one of what is done.
    """
    found = values(Asked(72_000, workers=3, price=2.4, stored=True, shown=SHOWN))
    assert found == {
        "shards": "8",
        "work": "5.0 hours",
        "wall time": "2.1 hours",
        "price": "15.00",
        "tars": "3.4 GiB",
        "tars in work": "3.7 GiB",
        "tables": "6.9 MiB",
        "journals": "31.3 MiB",
        "puts": "120",
        "other requests": "118",
    }


def test_what_is_stated_goes_before_what_a_run_showed_and_says_so() -> None:
    """3,600 images at 1 a second in one shard that is not full."""
    found = {one.name: one for one in figures(Asked(3600, rate=1.0, image=2**20, workers=5, shown=SHOWN))}
    assert (found["work"].value, found["wall time"].value) == ("1.0 hours", "1.0 hours")
    assert "as you stated" in found["work"].rests_on
    assert found["tars"].value == "3.5 GiB"
    assert "puts" not in found


def test_nothing_is_invented() -> None:
    found = {one.name: one for one in figures(Asked(10, stored=True))}
    assert {name for name, one in found.items() if one.value == "not known"} == {"work", "tars", "tables", "journals"}
    assert "state --rate" in found["work"].rests_on
    assert found["puts"].value == "4"
    assert {one.value for one in figures(Asked(10, rate=2.0)) if one.name == "price"} == {"not known"}


def log(path: Path, *rates: float) -> Path:
    summary = {"captions": 999, "lengths": {"characters": {"mean": 61.5}}}
    lines = [{"run": "x", "seconds": 10.0, "captions_per_second": rate, "summary": summary} for rate in rates]
    path.write_text("".join(json.dumps(line) + "\n" for line in [{"shard": "00000"}, *lines]))
    return path


def test_a_run_s_own_files(tmp_path: Path) -> None:
    """The last run that made any: 20 captions in 10 s. Two tars, 30 images: 6,000 bytes of tars and 900 of tables."""
    (tmp_path / "out").mkdir()
    for name, images, tar, table in (("00000", 20, 4000, 500), ("00001", 10, 2000, 400)):
        facts = {"images": images, "tar_bytes": tar}
        (tmp_path / f"out/{name}.parquet.done.json").write_text(json.dumps({"facts": facts, "holds": table}))
    alone = log(tmp_path / "out.log.jsonl", 5.0, 2.0, 0.0)
    assert shown_by(tmp_path / "out") == Shown(2.0, 20, 200.0, 30.0, 61.5, str(tmp_path / "out"))
    assert shown_by(alone) == Shown(2.0, 20, None, None, 61.5, str(alone))


def test_no_run_that_tells_anything(tmp_path: Path) -> None:
    with pytest.raises(CimError, match="no log of a run at"):
        shown_by(tmp_path / "nothing")
    with pytest.raises(CimError, match="that made captions"):
        shown_by(log(tmp_path / "log.jsonl", 0.0))
