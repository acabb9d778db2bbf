"""The best of several captioners' texts: by tables, by the samples' own, behind the gate, with nothing lost."""

from pathlib import Path
from typing import Any, get_args

import polars as pl
import pytest
from corpus_files import picture
from refined_shards import CAPTION, samples_in

from cim.errors import CimError
from cim.fingerprint import UNCOUNTED
from cim.images.ids import content_hash
from cim.imports import import_closure
from cim.params.refiners import Refiner
from cim.refine.modules import MODULES

NUMBERS = [*range(6), *range(10, 16)]


def table(folder: Path, texts: dict[int, tuple[str, float | None, str]]) -> None:
    """A captioner's table: caption, score and finish reason by the sample's number."""
    rows = [
        {"id": content_hash(picture(n))[:16], "caption": text, "cim_score": score, "finish_reason": ended}
        for n, (text, score, ended) in texts.items()
    ]
    folder.mkdir()
    schema = {"id": pl.String, "caption": pl.String, "cim_score": pl.Float64, "finish_reason": pl.String}
    pl.DataFrame(rows, schema=schema).write_parquet(folder / "00000.parquet")


@pytest.fixture
def captioners(place: Path) -> dict[str, Any]:
    """Of sample n the second is better where n is odd; what is wrong with some is in their numbers' comments."""
    one = {n: (f"one says {n}", 0.5, "stop") for n in NUMBERS}
    two = {n: (f"two says {n}", 0.9 if n % 2 else 0.1, "stop") for n in NUMBERS}
    two[1] = ("two says 1 and then was", 0.9, "length")  # cut
    two[3] = ("two says two says two says two says", 0.9, "stop")  # 3 of 6 3-grams repeat
    two[5] = ("two", 0.9, "stop")  # short
    two[11] = ("two says 11", None, "stop")  # unscorable
    one[12] = two[12] = ("nothing", 0.01, "stop")  # low, both
    del one[13]
    del one[14], two[14]
    table(place / "one", one)
    table(place / "two", two)
    gate = {"min_words": 2, "max_repetition": 0.3, "min_score": 0.1}
    return {"kind": "choose", "captioners": {"one": "one", "two": "two"}, "gate": gate}


def test_the_best_that_passes_the_gate(place: Path, refined: Any, captioners: dict[str, Any]) -> None:
    summary = refined(captioners)
    found = list(samples_in(place / "out"))
    wanted = dict.fromkeys(NUMBERS, "one")
    wanted |= {13: "two", 15: "two", 12: "", 14: ""}
    for number, one in zip(NUMBERS, found, strict=True):
        who = wanted[number]
        assert one["txt"] == (f"{who} says {number}" if who else CAPTION.format(number))
        assert one["facts"]["texts"]["caption"] == CAPTION.format(number)
    steps = {number: one["facts"]["refine"][0] for number, one in zip(NUMBERS, found, strict=True)}
    assert steps[1]["refused"] == {"two": "cut"}
    assert steps[3]["refused"] == {"two": "repeats itself"}
    assert steps[5]["refused"] == {"two": "short"}
    assert steps[11] | {"refused": {"two": "no score"}, "scores": {"one": 0.5, "two": None}} == steps[11]
    assert set(steps[12]["refused"].values()) == {"low score"}
    assert summary["outcomes"] == {
        "chosen: one": 8, "chosen: two": 2, "kept: no text passed the gate": 1, "kept: no captioner has a text": 1,
    }  # fmt: skip
    assert (summary["images"], summary["captions"], summary["changed"], summary["tokens"]) == (12, 12, 10, 0)


def test_a_table_of_any_score_and_the_samples_own_text(place: Path, refined: Any, captioners: dict[str, Any]) -> None:
    """caption wins where its column says most; without a row, or with an empty cell, a text has no score."""
    ids = [content_hash(picture(n))[:16] for n in (0, 1, 2)]
    scores = {"id": ids, "one_total": [3.0, 1.0, 1.0], "two_total": [1.0, 3.0, 1.0], "caption_total": [2.0, 2.0, None]}
    pl.DataFrame(scores).write_csv(place / "scores.csv")
    by = {**captioners, "texts": ["caption"], "scores": "scores.csv", "score": "{name}_total", "gate": {"ended": False}}
    summary = refined(by)
    texts = [one["txt"] for one in samples_in(place / "out")]
    assert texts[:3] == ["one says 0", "two says 1 and then was", "one says 2"]  # of equal ones the first named
    assert texts[3:] == [CAPTION.format(n) for n in NUMBERS[3:]]
    assert summary["outcomes"]["kept: no text passed the gate"] == 9
    del by["scores"]
    refined(by | {"score": "cim_score"}, refine__output="own")  # of caption: n / 10 in the shard's own JSON
    assert [one["facts"]["refine"][0]["outcome"] for one in samples_in(place / "own")][4:6] == [
        "chosen: one", "chosen: two",
    ]  # fmt: skip
    assert next(samples_in(place / "own"))["facts"]["refine"][0]["scores"] == {"one": 0.5, "two": 0.1, "caption": 0.0}


def test_the_longest_first(place: Path, refined: Any, captioners: dict[str, Any]) -> None:
    """Of equally long ones the first has the better score; the second of 1 is cut, that of 3 repeats itself. Of 4 the
    first is longer, and has the lower score."""
    path = place / "one/00000.parquet"
    four = pl.col("caption") == "one says 4"
    longer = pl.when(four).then(pl.lit("one says more than 4")).otherwise("caption")
    low = pl.when(four).then(0.2).otherwise("cim_score")
    pl.read_parquet(path).with_columns(caption=longer, cim_score=low).write_parquet(path)
    two = place / "two/00000.parquet"
    pl.read_parquet(two).with_columns(cim_score=pl.lit(0.3)).write_parquet(two)
    by = {**captioners, "gate": {}}
    refined({**by, "prefer": "words"}, refine__output="longest")
    texts = [one["txt"] for one in samples_in(place / "longest")]
    assert texts[:5] == ["one says 0", "one says 1", "one says 2", "one says 3",
                         "one says more than 4"]  # fmt: skip
    refined(by, refine__output="best")
    assert [one["txt"] for one in samples_in(place / "best")][4] == "two says 4"


def test_another_table_makes_the_shards_anew(place: Path, refined: Any, captioners: dict[str, Any]) -> None:
    refined(captioners)
    path = place / "one/00000.parquet"
    pl.read_parquet(path).with_columns(caption=pl.lit("something else")).write_parquet(path)
    refined(captioners)
    assert "something else" in {one["txt"] for one in samples_in(place / "out")}


def test_tables_that_can_not_be_used_stop_the_run(place: Path, refined: Any, captioners: dict[str, Any]) -> None:
    wrong: dict[str, dict[str, Any]] = {
        "no captions in nowhere": {"captioners": {"one": "one", "two": "nowhere"}},
        "no column other in one": {"score": "other"},
        r"no table scores\.csv": {"scores": "scores.csv", "score": "{name}"},
        r"write \{name\} where": {"scores": "scores.csv"},
        "caption in captioners and in texts": {"captioners": {"caption": "one", "two": "two"}, "texts": ["caption"]},
    }
    for found, more in wrong.items():
        with pytest.raises(CimError, match=found):
            refined({**captioners, **more})
        assert not (place / "out").exists()
    twice = pl.read_parquet(place / "one/00000.parquet")
    twice.write_parquet(place / "one/00001.parquet")
    with pytest.raises(CimError, match="two captions of the image"):
        refined(captioners)


def test_the_code_of_a_refiner_is_that_of_no_other(root: Path) -> None:
    """Each table of MODULES names what `open_refiner` opens; shards of one do not go stale with another."""
    found = {kind: import_closure(root, ["cim.refine.shard", name], UNCOUNTED) for kind, name in MODULES.items()}
    assert found.keys() == {
        kind for one in get_args(get_args(Refiner)[0]) for kind in get_args(one.model_fields["kind"].annotation)
    }
    own = {f"{name.replace('.', '/')}.py": kind for kind, name in MODULES.items() if not kind.startswith("fuse")}
    for kind, files in found.items():
        assert {own[file] for file in files & own.keys()} <= {kind}
