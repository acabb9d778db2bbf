"""A place where the flow runs without Prefect's server and without a model."""

from pathlib import Path
from typing import Any

import pytest
from curated_corpora import TopicEncoder

import flows.curate
from cim.curation.encoders import Encoders
from cim.curation.measure import Tools
from cim.curation.tools import ToolSpec
from cim.params.yaml import dump_yaml


class Curating:
    """Runs of the flow in a folder, over in/*.tar unless said otherwise. opened: how often models were loaded."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.opened = folder, 0

    def run(self, **section: Any) -> dict[str, Any]:
        corpus = section.pop("corpus", [{"kind": "webdataset", "path": "in/*.tar"}])
        quiet: dict[str, Any] = {"text": {"min_words": 0}, "duplicates": None}
        params = {"curate": {"corpus": corpus, "output": "out", "encoders": ["topics"], **quiet, **section}}
        Path("curate.yaml").write_text(dump_yaml(params))
        return flows.curate.curate.fn()


def in_turn(task: Any, items: list[Any], *_: Any, workers: int = 1, **constants: Any) -> list[Any]:
    """What map_shards does, without a server and retries."""
    return [task.fn(item, **constants) for item in items]


@pytest.fixture
def curating(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Curating:
    monkeypatch.chdir(tmp_path)
    found = Curating(tmp_path)

    def opened(spec: ToolSpec, *_: Any) -> Tools:
        found.opened += 1
        return Tools(Encoders([TopicEncoder()] if spec.encoders else []), batch_size=2, threads=1)

    monkeypatch.setattr(flows.curate, "map_shards", in_turn)
    monkeypatch.setattr("tasks.curate._opened", opened)
    monkeypatch.setattr(ToolSpec, "fingerprint", lambda spec: "tools")
    return found
