"""A place where the flow runs without Prefect's server and without a model."""

from pathlib import Path
from typing import Any

import pytest
from curated_corpora import TopicEncoder
from curating import Curating, in_turn

import flows.curate
from cim.curation.encoders import Encoders
from cim.curation.measure import Tools
from cim.curation.tools import ToolSpec


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
