"""The flow: rows in are rows kept and rows dropped, shards are written where rows change, and a run goes on."""

import json
import tarfile
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from curated_corpora import contents, encoded, images, picture, write_corpus
from curating import Curating

import flows.curate
from cim.atomic import read_json
from cim.errors import CimError
from cim.params.curate import Curation
from flows.command import parser_for

ENCODER = {"kind": "encoder"}


def table(folder: str = "out") -> pl.DataFrame:
    return pl.concat(pl.read_parquet(path) for path in sorted(Path(folder, "pairs").glob("*.parquet")))


def fates(folder: str = "out") -> dict[str, str | None]:
    """caption -> reason."""
    return dict(table(folder).filter(pl.col("caption").is_not_null()).select("caption", "reason").iter_rows())


def members(path: str) -> dict[str, bytes]:
    with tarfile.open(path) as tar:
        return {one.name: tar.extractfile(one).read() for one in tar}  # type: ignore[union-attr]


def test_every_row_is_kept_or_dropped_for_a_reason_and_counted(curating: Curating) -> None:
    broken = encoded(picture(5, 5))[:200]
    ids = write_corpus(
        Path("in/a.tar"),
        [*images(0, 1, 2), broken, *images(3)],
        [["a 0", "call 555-123-4567 for 0"], ["about 7"], ["a 2 or 3"], ["cut"], []],
    )
    write_corpus(Path("in/b.tar"), images(4, 5), [["a 4"], ["a 5"]])
    summary = curating.run(score=ENCODER, keep={"threshold": 0.5})
    assert fates() == {
        "a 0": None, "call 555-123-4567 for 0": "phone number", "about 7": "low score", "a 2 or 3": None,
        "cut": "corrupt image", "a 4": None, "a 5": None,
    }  # fmt: skip
    dropped = {"corrupt image": 1, "image without caption": 1, "low score": 1, "phone number": 1}
    assert (summary["pairs"], summary["kept"], summary["dropped"]) == (8, 4, dropped)
    assert summary["pairs"] == summary["kept"] + sum(summary["dropped"].values())
    assert (summary["images"], summary["images_kept"], summary["shards"]) == (7, 4, {"written": 1, "linked": 1})
    assert read_json(Path("out/summary.json")) == summary
    scores = dict(table().filter(pl.col("score").is_not_null()).select("caption", "score").iter_rows())
    assert scores["a 2 or 3"] == pytest.approx(0.5**0.5, abs=1e-3)
    kept = [line.split("\t") for line in Path("out/keys/kept.txt").read_text().splitlines()]
    assert sorted(kept)[:2] == sorted(["a.tar", ids[n]] for n in (0, 2))
    assert len(Path("out/keys/dropped.txt").read_text().splitlines()) == 3


def test_a_shard_that_stays_is_the_same_file_and_the_samples_of_others_the_same_bytes(curating: Curating) -> None:
    ids = write_corpus(Path("in/a.tar"), images(0, 1, 2), [["a 0"], ["about 7"], ["a 2", "some 9"]])
    write_corpus(Path("in/b.tar"), images(4), [["a 4"]])
    curating.run(score=ENCODER, keep={"threshold": 0.5})
    assert Path("out/00001.tar").stat().st_ino == Path("in/b.tar").stat().st_ino
    before, after = members("in/a.tar"), members("out/00000.tar")
    assert {name.split(".")[0] for name in after} == {ids[0], ids[2]}
    assert all(after[f"{ids[0]}.{kind}"] == before[f"{ids[0]}.{kind}"] for kind in ("png", "txt", "json"))
    facts = json.loads(after[f"{ids[2]}.json"])
    assert (after[f"{ids[2]}.txt"], facts["captions"], facts["extra"]) == (b"a 2", ["a 2"], {"n": 1})
    assert facts["curation"]["scores"] == pytest.approx([1.0])


def test_other_thresholds_encode_nothing_again_and_change_only_their_shards(curating: Curating) -> None:
    write_corpus(Path("in/a.tar"), images(0, 1), [["a 0"], ["a 1 or 2"]])
    write_corpus(Path("in/b.tar"), images(3, 4), [["a 3 or 9"], ["a 4 or 5 or 6"]])
    curating.run(score=ENCODER, keep={"threshold": 0.6})  # 1, 0.71 | 0.71, 0.58
    written, opened = Path("out/00001.tar").stat(), curating.opened
    same = curating.run(score=ENCODER, keep={"threshold": 0.6})
    assert Path("out/00001.tar").stat() == written
    curating.run(score=ENCODER, keep={"threshold": 0.65})
    assert Path("out/00001.tar").stat() == written
    assert curating.run(score=ENCODER, keep={"best_share": 0.5}) != same
    assert sorted(name for name, reason in fates().items() if reason is None) == ["a 0", "a 1 or 2"]
    assert curating.opened == opened


def test_the_best_share_is_each_sources_own(curating: Curating) -> None:
    write_corpus(Path("in/a.tar"), images(0, 1), [["a 0"], ["a 1"]])
    write_corpus(Path("other/a.tar"), images(3, 4), [["a 3 or 9"], ["a 4 or 5 or 6"]])
    corpus = [{"kind": "webdataset", "path": f"{name}/*.tar"} for name in ("in", "other")]
    summary = curating.run(corpus=corpus, score=ENCODER, keep={"best_share": 0.5})
    assert [name for name, reason in fates().items() if reason is None] == [
        min(["a 0", "a 1"], key=list(fates()).index),  # of equals the earlier one
        "a 3 or 9",
    ]
    assert [one["kept"] for one in summary["sources"].values()] == [1, 1]
    with pytest.raises(CimError, match="no sample with a field 'site'"):
        curating.run(corpus=corpus, score=ENCODER, source_field="site")
    assert not Path("out/summary.json").exists()
    assert list(curating.run(corpus=corpus, source_field="source")["sources"]) == ["there"]


def test_swapped_texts_find_their_images(curating: Curating) -> None:
    """0, 1 and 2 have each other's texts, 3 one that fits nothing, 4 its own."""
    texts = [["a 1"], ["a 2"], ["a 0"], ["some 9"], ["a 4"]]
    ids = write_corpus(Path("in/a.tar"), images(0, 1, 2, 3, 4), texts)
    summary = curating.run(score=ENCODER, keep={"threshold": 0.5}, reassign={"cycle": 1})
    moved = table().filter(pl.col("reassigned_to").is_not_null())
    found = dict(moved.select("caption", "reassigned_to").iter_rows())
    assert found == {"a 0": f"00000/{ids[0]}", "a 1": f"00000/{ids[1]}", "a 2": f"00000/{ids[2]}"}
    assert (summary["pairs"], summary["kept"], summary["reassigned"]) == (5, 4, 3)
    assert summary["dropped"] == {"low score": 1}
    after = members("out/00000.tar")
    assert [after[f"{ids[topic]}.txt"] for topic in (0, 1, 2, 4)] == [b"a 0", b"a 1", b"a 2", b"a 4"]
    assert f"{ids[3]}.txt" not in after


def test_copies_of_an_image_are_dropped_and_named(curating: Curating) -> None:
    image = picture(1, 1, 96)
    copies = [encoded(image), encoded(image.resize((64, 64))), encoded(picture(1, 2))]
    ids = write_corpus(Path("in/a.tar"), copies, [["a 1"], ["the same 1"], ["another 1"]])
    curating.run(duplicates={}, encoders=["topics"])
    assert fates() == {"a 1": None, "the same 1": "near-duplicate image", "another 1": None}
    (named,) = table().filter(pl.col("duplicate_of").is_not_null())["duplicate_of"].to_list()
    assert named == f"00000/{ids[0]}"  # the larger one


def test_levels_become_tokens(curating: Curating) -> None:
    texts = [["a 0"], ["a 1 or 2"], ["2, 3 or 4"], ["3, 4, 5 or 6"]]  # cosines 1, 0.71, 0.58, 0.5
    write_corpus(Path("in/a.tar"), images(0, 1, 2, 3), texts)
    summary = curating.run(score=ENCODER, buckets={"count": 2})
    tokens = dict(table().select("caption", "control").iter_rows())
    assert tokens == {"a 0": "<fit 2>", "a 1 or 2": "<fit 2>", "2, 3 or 4": "<fit 1>", "3, 4, 5 or 6": "<fit 1>"}
    assert summary["levels"] == {"1": 2, "2": 2}
    assert len(Path("out/keys/level-2.txt").read_text().splitlines()) == 2
    given = {"count": 3, "edges": [0.55, 0.9], "token": "level {} of 3"}
    assert curating.run(score=ENCODER, buckets=given)["levels"] == {"1": 1, "2": 2, "3": 1}
    assert table()["control"].unique().sort().to_list() == [f"level {n} of 3" for n in (1, 2, 3)]


def test_a_text_of_many_images_is_dropped_everywhere(curating: Curating) -> None:
    write_corpus(Path("in/a.tar"), images(0, 1, 2), [["The same 1"], ["the  same 1."], ["a 2"]])
    summary = curating.run(text={"min_words": 0, "max_images": 1})
    assert summary["dropped"] == {"text of many images": 2}


def test_a_folder_becomes_shards_with_keys_of_its_own(curating: Curating) -> None:
    Path("in").mkdir()
    for topic in range(3):
        Path(f"in/{topic}.png").write_bytes(images(topic)[0])
        Path(f"in/{topic}.txt").write_text(f"a {topic}" if topic != 1 else "about 9")
    corpus = [{"kind": "folder", "path": "in"}]
    curating.run(corpus=corpus, score=ENCODER, keep={"threshold": 0.5}, samples_per_shard=2)
    kinds = ("png", "txt", "json")
    assert list(members("out/00000.tar")) == [f"000000000.{kind}" for kind in kinds]
    after = members("out/00001.tar")
    assert list(after) == [f"000010000.{kind}" for kind in kinds]
    assert after["000010000.png"] == images(2)[0]
    assert json.loads(after["000010000.json"])["source_key"] == "2.png"
    assert table()["key"].to_list() == ["000000000", "000000001", "000010000"]
    assert curating.run(corpus=corpus, shards="none", encoders=[], samples_per_shard=2)["kept"] == 3


def test_killed_anywhere_the_next_run_ends_with_the_same_bytes(
    curating: Curating, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, topics in (("a", (0, 1)), ("b", (2, 3))):
        write_corpus(Path(f"in/{name}.tar"), images(*topics), [[f"a {topics[0]}"], ["about 9"]])
    settings: dict[str, Any] = {"score": ENCODER, "keep": {"threshold": 0.5}}
    curating.run(**settings, output="whole")
    whole = {name.removeprefix("whole"): content for name, content in contents("whole").items()}
    calls = 0
    real = flows.curate.map_shards

    def killed(task: Any, items: list[Any], *given: Any, **named: Any) -> list[Any]:
        nonlocal calls
        found = []
        for item in items:
            calls += 1
            if calls == at:
                raise KeyboardInterrupt
            found += real(task, [item], *given, **named)
        return found

    for at in range(1, 6):  # two parts, the decision, two shards
        calls = 0
        monkeypatch.setattr(flows.curate, "map_shards", killed)
        with pytest.raises(KeyboardInterrupt):
            curating.run(**settings, output=f"out{at}")
        assert not Path(f"out{at}/summary.json").exists()
        monkeypatch.setattr(flows.curate, "map_shards", real)
        curating.run(**settings, output=f"out{at}")
        assert {name.removeprefix(f"out{at}"): content for name, content in contents(f"out{at}").items()} == whole


def test_help_names_every_parameter() -> None:
    text = parser_for(flows.curate.curate, "curate", Curation).format_help()
    assert all(
        name in text for name in ("best_share", "hash_distance", "kind learned", "source_field", "torch_threads")
    )
