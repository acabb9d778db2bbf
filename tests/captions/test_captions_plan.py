"""The re-captioning flow into a store, without Prefect's server: what it leaves there, and whose the store is."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fsspec
import polars as pl
import pytest
from captioned_shards import png

import tasks.recaption
from cim.atomic import read_json
from cim.errors import CimError
from flows.recaption import recaption


def test_shards_go_to_a_store(place: Path) -> None:
    store = fsspec.filesystem("memory")
    there = {"recaption.store": "memory://captioned/out/"}
    summary = recaption.fn(overrides=there)
    shards = {f"0000{n}{end}" for n in range(3) for end in (".tar", ".parquet", ".parquet.done.json")}
    rejects = {f"rejects/0000{n}.parquet" for n in range(3)}
    found = {name.removeprefix("/captioned/out/"): store.cat_file(name) for name in store.find("/captioned/out")}
    assert set(found) == {"recaption.json", "summary.json", *shards, *rejects}
    assert json.loads(found["summary.json"]) == summary
    assert not list((place / "out").glob("*.tar"))
    kept = recaption.fn(overrides={"recaption.output": "kept"})
    assert kept == summary
    assert {name: (place / "kept" / name).read_bytes() for name in found if not name.endswith("done.json")} == {
        name: content for name, content in found.items() if not name.endswith("done.json")
    }
    assert recaption.fn(overrides=there) == summary
    log = [json.loads(line) for line in (place / "out.log.jsonl").read_text().splitlines()]
    assert sorted(line["made_before"] for line in log[4:7]) == [1, 2, 2]
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
            if len(done) == after == 0:
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

    def test_which_a_longer_corpus_keeps_and_other_settings_change(self, place: Path) -> None:
        def plan(**changes: Any) -> str:
            recaption.fn(overrides={f"recaption.{name}": value for name, value in changes.items()})
            return str(read_json(place / "out/recaption.json")["plan"])

        first = plan()
        (place / "in/5.png").write_bytes(png(7, (64, 64)))
        (place / "in/6.png").write_bytes(png(8, (64, 64)))
        assert plan() == first
        assert len({first, plan(images={"min_side": 17}), plan(samples_per_shard=3)}) == 3
