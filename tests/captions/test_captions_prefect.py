"""The re-captioning flow as it is, with Prefect's server, its task runner and a real captioner."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import webdataset
from captioned_shards import contents, png
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey, TaskRunFilter
from prefect.client.schemas.objects import State

from cim.errors import CimError
from flows.recaption import recaption

pytestmark = pytest.mark.slow


@pytest.fixture
def client(prefect_server: str) -> Iterator[Any]:
    with get_client(sync_client=True) as found:
        yield found


def test_a_folder_becomes_shards_that_webdataset_reads(prepared: Path, client: Any) -> None:
    summary = recaption()
    assert (summary["shards"], summary["captions"], summary["rejects"]) == (3, 5, 0)
    samples = list(webdataset.WebDataset(str(prepared / "out/{00000..00002}.tar"), shardshuffle=False))
    assert [one["__key__"] for one in samples] == ["000000000", "000000001", "000010000", "000010001", "000020000"]
    assert [one["png"] for one in samples] == [png(40 * shade, (64, 64)) for shade in range(5)]
    told = [json.loads(one["json"]) for one in samples]
    captions = [one["txt"].decode() for one in samples]
    assert all(caption.strip() for caption in captions)
    assert [one["caption"] for one in told] == captions
    assert {one["recaption"]["model_fingerprint"] for one in told} == {summary_card(prepared)["model_fingerprint"]}
    assert pl.read_parquet(prepared / "out/0000*.parquet").sort("key")["caption"].to_list() == captions

    before = contents(prepared / "out")
    assert recaption() == summary  # all is there
    assert contents(prepared / "out") == before

    key = ArtifactFilter(key=ArtifactFilterKey(any_=["captioning"]))
    first, second = sorted(client.read_artifacts(artifact_filter=key), key=lambda one: one.created)[-2:]
    assert (first.data, second.data) == (100.0, 100.0)
    assert "3 of 3 shards" in first.description


def summary_card(place: Path) -> Any:
    return json.loads((place / "out/recaption.json").read_text())


def test_a_shard_that_fails_for_good_is_named_and_the_others_are_kept(prepared: Path, client: Any) -> None:
    """out/00001.tar is a folder: nothing can take its name. It is tried once and again as often as params say."""
    (prepared / "out").mkdir()
    (prepared / "out/recaption.json").write_text("{}")  # else a folder with files in it is not ours
    (prepared / "out/00001.tar").mkdir()
    once = {"runtime.retries": 1, "runtime.retry_delay_seconds": 0.0}
    state: State[Any] = recaption(overrides=once, return_state=True)
    assert state.is_failed()
    with pytest.raises(CimError, match=r"(?s)1 of 1 failed while captioning .*what was left:.*IsADirectoryError"):
        state.result()
    assert {path.name for path in (prepared / "out").glob("*.done.json")} == {
        "00000.parquet.done.json",
        "00002.parquet.done.json",
    }
    flow_run = state.state_details.flow_run_id
    runs = client.read_task_runs(task_run_filter=TaskRunFilter.model_validate({"flow_run_id": {"any_": [flow_run]}}))
    counts = sorted((run.run_count, run.state.name) for run in runs if run.name.startswith("caption_task"))
    assert counts == [(1, "Completed"), (1, "Completed"), (2, "Failed"), (2, "Failed")]  # tried again at the end

    (prepared / "out/00001.tar").rmdir()
    summary = recaption(overrides=once)
    assert (summary["shards"], summary["captions"]) == (3, 5)
