"""Where the flow is tested: without Prefect's server, over little outputs of the other flows."""

import socket
from pathlib import Path
from typing import Any

import pytest
from finished_outputs import Export, write_corpus

import flows.curate
import flows.export
import flows.mixing
import flows.refine
from cim.params.yaml import dump_yaml


def in_turn(task: Any, items: list[Any], *_: Any, workers: int = 1, **constants: Any) -> list[Any]:
    """What map_shards does, without a server and retries."""
    return [task.fn(item, **constants) for item in items]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The present folder, with a corpus of two tars in `in`. Nothing here reaches a network."""
    monkeypatch.chdir(tmp_path)
    for module in (flows.curate, flows.mixing, flows.refine, flows.export):
        monkeypatch.setattr(module, "map_shards", in_turn)
    write_corpus(tmp_path / "in")

    def refused(*_: Any) -> None:
        raise OSError("no network in this test")

    monkeypatch.setattr(socket.socket, "connect", refused)
    return tmp_path


@pytest.fixture
def exporting(place: Path) -> Export:
    """Runs the flow for these shards into `out`; `named`: other values of export.dataset."""

    def run(shards: Path | str, **named: Any) -> dict[str, Any]:
        dataset = {"shards": str(shards), "output": "out", "title": "Gray: a set", **named}
        Path("export.yaml").write_text(dump_yaml({"export": {"dataset": dataset}}))
        return flows.export.export.fn()

    return run
