"""Where remix is tested: without Prefect's server, on shards of a few gray squares."""

from pathlib import Path
from typing import Any

import pytest
from finished_shards import TXT, Run, finished_shard

import flows.mixing
import flows.remix
from cim.params.yaml import dump_yaml


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three finished shards of 8 samples in `in`; the present folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        flows.mixing, "map_shards", lambda task, jobs, *_, **given: [task.fn(job, **given) for job in jobs]
    )
    for shard in range(3):
        finished_shard(tmp_path / "in", shard, 8)
    return tmp_path


@pytest.fixture
def mixed(place: Path) -> Run:
    """Runs the flow with these texts; `named`: values in place of others, by dotted name, `__` for the dot."""

    def run(texts: dict[str, Any] | None = None, **named: Any) -> dict[str, Any]:
        remix = {"shards": "in/*.tar", "output": "out", "texts": texts or {"txt": TXT, "budget": None}}
        Path("remix.yaml").write_text(dump_yaml({"remix": remix}))
        return flows.remix.remix.fn(overrides={name.replace("__", "."): value for name, value in named.items()})

    return run
