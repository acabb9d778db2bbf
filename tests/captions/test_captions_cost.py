"""What `python -m flows.cost` counts with, counted: requests a stored shard, bytes a caption in a journal."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import fsspec
import pytest
from captioned_shards import png, shade_engine, write_shard
from stored_shards import job, store  # noqa: F401

import cim.captions.shard
from benchmarks.store_requests import requests_sent
from cim.captions.store import Store
from cim.captions.stored import finish_in_store
from cim.estimate.recaption import OTHER, PUT, RECORD
from cim.readers.remote import RemoteTar


def test_a_shard_that_is_made_from_a_remote_tar_and_stored(store: Store, tmp_path: Path) -> None:  # noqa: F811
    write_shard(tmp_path / "in.tar", [png(shade) for shade in (10, 20, 30)])
    fsspec.filesystem("s3").put_file(str(tmp_path / "in.tar"), "ours/in/00000.tar")
    stored = replace(job(tmp_path / "out"), part=RemoteTar("s3://ours/in/00000.tar"))
    with requests_sent() as sent:
        finish_in_store(stored, lambda: shade_engine)
    assert sent["PUT"] == PUT
    assert sum(sent.values()) - PUT == OTHER, sent


def test_a_record_of_a_journal(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    """Three captions such as "shade 10", each with an old one of 5 letters."""
    seen, real = list[int](), cim.captions.shard.commit

    def noted(job: Any, *given: Any, **named: Any) -> Any:
        seen.append(job.journal.stat().st_size)
        return real(job, *given, **named)

    monkeypatch.setattr(cim.captions.shard, "commit", noted)
    finish_in_store(job(tmp_path / "out"), lambda: shade_engine)
    beside = seen[0] / 3 - len("shade 10")
    assert 0.8 * RECORD < beside <= RECORD
