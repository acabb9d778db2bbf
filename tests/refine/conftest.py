"""Where refiners are tested: without Prefect's server, on shards of a few gray squares, asked of a stub."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from chat_server import Script, chat_server
from refined_shards import fused, unrefined

import flows.refine
import tasks.refine
from cim.params.yaml import dump_yaml

Refining = Callable[..., dict[str, Any]]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two finished shards of 6 samples in `in`; the present folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        flows.refine, "map_shards", lambda task, jobs, *_, workers, **given: [task.fn(job, **given) for job in jobs]
    )
    tasks.refine.refiner_of.cache_clear()
    tasks.refine.checked.cache_clear()
    for number in range(2):
        unrefined(tmp_path / "in", number, 6)
    return tmp_path


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Script]:
    """A text model that fuses as it is asked to; nobody waits between two tries."""
    monkeypatch.setattr("cim.chat.client.LONGEST", 0.0)
    with chat_server(Script(fused)) as script:
        yield script


@pytest.fixture
def refined(place: Path) -> Refining:
    """Runs the flow with this refiner; `named`: values in place of others, by dotted name, `__` for the dot."""

    def run(by: dict[str, Any], **named: Any) -> dict[str, Any]:
        refine = {"shards": "in/*.tar", "output": "out", "max_failed_share": 1.0, "by": by}
        Path("refine.yaml").write_text(dump_yaml({"refine": refine}))
        return flows.refine.refine.fn(overrides={name.replace("__", "."): value for name, value in named.items()})

    return run


@pytest.fixture
def fusing(server: Script) -> dict[str, Any]:
    """A refiner that asks the stub, one request at a time."""
    writer = {"kind": "openai", "base_url": server.base_url, "model": "captioner", "parallel": 1, "attempts": 2}
    return {"kind": "fuse_alt_text", "writer": writer}
