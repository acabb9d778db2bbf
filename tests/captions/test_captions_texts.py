"""Captions that repeat, and lengths, over many tables, by hand and against counting them all."""

import tracemalloc
from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cim.captions.summary import repeated_warning
from cim.captions.texts import NAMED, _spread, text_statistics


def tables(folder: Path, *captions: list[str]) -> list[Path]:
    """A table of each list."""
    paths = [folder / f"{number}.parquet" for number in range(len(captions))]
    for path, said in zip(paths, captions, strict=True):
        frame = {"caption": said, "tokens": [1] * len(said)}
        pl.DataFrame(frame, schema={"caption": pl.String, "tokens": pl.Int64}).write_parquet(path)
    return paths


def test_a_caption_of_many_images_is_named(tmp_path: Path) -> None:
    """4,000 times among 10,000 in two tables, a caption twice, one that differs in a space: 3,999 + 1 are repeats."""
    one = ["a white wall"] * 1_500 + [f"picture {n}" for n in range(3_500)]
    two = ["a white wall"] * 2_500 + ["picture 7", "a white  wall"] + [f"other {n}" for n in range(2_498)]
    found = text_statistics(tables(tmp_path, one, [], two))["repeated"]
    assert found == {
        "captions": 4_000,
        "share": 0.4,
        "most": [{"caption": "a white wall", "count": 4_000}, {"caption": "picture 7", "count": 2}],
    }


def test_those_as_frequent_are_named_by_text(tmp_path: Path) -> None:
    """Of 30 captions that occur twice, and one three times, the first nine and that one."""
    twice = [f"{n:02d}" for n in range(30)]
    found = text_statistics(tables(tmp_path, twice, twice[::-1], ["99"] * 3))["repeated"]
    assert [one["caption"] for one in found["most"]] == ["99", *twice[: NAMED - 1]]


@given(st.lists(st.lists(st.sampled_from(["", "a", "b c", "a ", "\u00e9", "d\nd"]), max_size=9), max_size=4))
def test_counts_are_those_of_counting_all(tmp_path_factory: pytest.TempPathFactory, said: list[list[str]]) -> None:
    found = text_statistics(tables(tmp_path_factory.mktemp("said"), *said))["repeated"]
    counts = Counter(text for texts in said for text in texts)
    assert found["captions"] == sum(counts.values()) - len(counts)
    assert {one["caption"]: one["count"] for one in found["most"]} == {t: n for t, n in counts.items() if n > 1}


@given(st.lists(st.integers(0, 30), min_size=1, max_size=60))
def test_lengths_are_those_of_all_values_together(values: list[int]) -> None:
    series, found = pl.Series(values, dtype=pl.Float64), _spread(Counter(values))
    for name, share in (("p5", 0.05), ("p50", 0.5), ("p95", 0.95)):
        assert found[name] == series.quantile(share, "nearest")
    assert (found["mean"], found["max"]) == (pytest.approx(np.mean(values), abs=6e-4), max(values))


def test_memory_does_not_grow_with_the_texts(tmp_path: Path) -> None:
    """20 tables of 2,000 captions of 1,000 characters, 40 MB of text: at most a tenth of that in Python's memory."""
    paths = [
        tables(tmp_path / str(n), [f"{n} {row} ".ljust(1_000, "x") for row in range(2_000)])[0] for n in _made(tmp_path)
    ]
    text_statistics(paths[:1])
    tracemalloc.start()
    text_statistics(paths)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4_000_000


def _made(folder: Path) -> range:
    for number in range(20):
        (folder / str(number)).mkdir()
    return range(20)


def test_a_warning_above_a_share() -> None:
    """2 of 100 is 2%, which may be reached."""
    most = [{"caption": "nothing\nto see", "count": 3}]
    summary = {"captions": 100, "repeated": {"captions": 2, "share": 0.02, "most": most}}
    assert repeated_warning(summary, 0.02) is None
    said = repeated_warning(summary, 0.019) or ""
    assert said.startswith("2 of 100 captions (2.00%) repeat another image's word for word")
    assert 'most often 3 times "nothing to see"' in said
