"""The re-captioning flow, without Prefect's server: what it leaves in a store, and whose a store or a folder is."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fsspec
import polars as pl
import pytest
from captioned_shards import png

import cim.captions.shard
import tasks.caption
import tasks.recaption
from cim.atomic import read_json, write_json
from cim.errors import CimError
from flows.recaption import recaption


def test_shards_go_to_a_store(place: Path) -> None:
    store = fsspec.filesystem("memory")
    there = {"recaption.store": "memory://captioned/out/"}
    summary = recaption.fn(overrides=there)
    shards = {f"0000{n}{end}" for n in range(3) for end in (".tar", ".parquet", ".parquet.done.json")}
    rejects = {f"rejects/0000{n}.parquet" for n in range(3)}
    found = {name.removeprefix("/captioned/out/"): store.cat_file(name) for name in store.find("/captioned/out")}
    assert set(found) == {"recaption.json", "summary.json", "markers.json.gz", *shards, *rejects}
    assert json.loads(found["summary.json"]) == summary
    assert not list((place / "out").glob("*.tar"))
    kept = recaption.fn(overrides={"recaption.output": "kept"})
    assert kept == summary
    assert {
        name: (place / "kept" / name).read_bytes() for name in found if not name.endswith((".gz", "done.json"))
    } == {name: content for name, content in found.items() if not name.endswith((".gz", "done.json"))}
    assert recaption.fn(overrides=there) == summary
    log = [json.loads(line) for line in (place / "out.log.jsonl").read_text().splitlines()]
    assert sorted(line["made_before"] for line in log[4:7]) == [1, 2, 2]
    store.rm("/captioned/out/00001.tar")
    assert recaption.fn(overrides=there | {"recaption.output": "elsewhere"}) == summary
    for name in (f"0000{n}.parquet" for n in range(3)):  # one made, two brought there for the summary
        assert (place / "elsewhere" / name).read_bytes() == found[name]
    store.rm("/captioned", recursive=True)


FIRST = {"recaption.store": "memory://planned/out"}
SECOND = FIRST | {"recaption.output": "other", "caption.max_new_tokens": 5}  # as on another machine


class TestAStoreHasOnePlan:
    @pytest.fixture
    def there(self) -> Iterator[Callable[[], set[int]]]:
        """How many tokens the captions in the store have: 4 by the first plan, 5 by the second."""
        store = fsspec.filesystem("memory")

        def tokens() -> set[int]:
            found = [pl.read_parquet(store.cat_file(f"/planned/out/0000{n}.parquet")) for n in range(3)]
            return set(pl.concat(found)["tokens"])

        yield tokens
        store.rm("/planned", recursive=True)

    def test_and_another_one_later_makes_all_anew(self, place: Path, there: Callable[[], set[int]]) -> None:
        recaption.fn(overrides=FIRST)
        assert there() == {4}
        recaption.fn(overrides=SECOND)
        assert there() == {5}

    @pytest.mark.parametrize("after", [0, 1, 2, 3])
    def test_and_another_one_meanwhile_stops_the_first(
        self, place: Path, there: Callable[[], set[int]], monkeypatch: pytest.MonkeyPatch, after: int
    ) -> None:
        """It begins when the first has finished so many of its three shards, and comes through."""
        real, done, summaries = tasks.recaption.finish_in_store, list[str](), list[dict[str, Any]]()

        def finish(job: Any, *rest: Any) -> Any:
            if job.folder == Path("other"):
                return real(job, *rest)
            if len(done) == after == 0 and not summaries:
                summaries.append(recaption.fn(overrides=SECOND))
            outcome = real(job, *rest)
            done.append(job.stem)
            if len(done) == after:
                summaries.append(recaption.fn(overrides=SECOND))
            return outcome

        monkeypatch.setattr(tasks.recaption, "finish_in_store", finish)
        with pytest.raises(CimError, match="in use by another run, whose model, parameters, corpus or version differ"):
            recaption.fn(overrides=FIRST)
        assert there() == {5}
        assert [json.loads(fsspec.filesystem("memory").cat_file("/planned/out/summary.json"))] == summaries

    def test_and_its_summary_goes_when_a_run_begins(self, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        store = fsspec.filesystem("memory")
        recaption.fn(overrides=FIRST)
        assert store.exists("/planned/out/summary.json")
        monkeypatch.setattr(tasks.recaption, "finish_in_store", lambda *_: 1 / 0)
        with pytest.raises(CimError, match="division by zero"):
            recaption.fn(overrides=FIRST)
        assert not store.exists("/planned/out/summary.json")
        store.rm("/planned", recursive=True)

    def test_which_a_longer_corpus_keeps_and_other_settings_change(self, place: Path) -> None:
        def plan(**changes: Any) -> str:
            recaption.fn(overrides={f"recaption.{name}": value for name, value in changes.items()})
            return str(read_json(place / "out/recaption.json")["plan"])

        first = plan()
        (place / "in/5.png").write_bytes(png(7, (64, 64)))
        (place / "in/6.png").write_bytes(png(8, (64, 64)))
        assert plan() == first
        assert len({first, plan(images={"min_side": 17}), plan(samples_per_shard=3)}) == 3


@pytest.mark.parametrize("after", [0, 1, 2, 3])
def test_of_two_plans_in_one_folder_the_last_has_it(place: Path, monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    """The second begins when the first has finished so many of its three shards, and comes through."""
    real, other, done = tasks.caption.finish_shard, {"caption.max_new_tokens": 5}, list[str]()
    summaries: list[dict[str, Any]] = []

    def finish(job: Any, *rest: Any) -> Any:
        if len(done) == after == 0:
            done.append("begun")
            summaries.append(recaption.fn(overrides=other))
        outcome = real(job, *rest)
        done.append(job.stem)
        if len(done) == after and not summaries:
            done.append("begun")
            summaries.append(recaption.fn(overrides=other))
        return outcome

    monkeypatch.setattr(tasks.caption, "finish_shard", finish)
    with pytest.raises(CimError, match="out in use by another run, whose model, parameters, corpus or version differ"):
        recaption.fn()
    assert set(pl.read_parquet(place / "out/0000*.parquet")["tokens"]) == {5}
    assert read_json(place / "out/summary.json") == summaries[0]
    assert recaption.fn(overrides=other) == summaries[0]


def test_a_plan_that_takes_the_folder_over_while_a_shard_is_captioned(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on another machine, which waits for the shard then: what is captioned is not committed."""
    real = cim.captions.shard._caption_rest

    def captioning(*given: Any) -> None:
        real(*given)
        write_json(place / "out/recaption.json", {"plan": "another"})

    monkeypatch.setattr(cim.captions.shard, "_caption_rest", captioning)
    with pytest.raises(CimError, match=r"out in use by another run.* names plan another"):
        recaption.fn()
    assert not list((place / "out").glob("0*"))
