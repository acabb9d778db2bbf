"""What the tests of the re-captioning flow run on, and what counts its reading."""

import io
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from captioned_shards import in_turn, png
from speaking import make_speaking

import flows.captioning
import flows.recaption
from cim.params.yaml import dump_yaml


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    make_speaking(folder, 2)
    return folder


@pytest.fixture
def place(prepared: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`prepared`; the flow runs there without Prefect's server."""
    monkeypatch.setattr(flows.captioning, "map_shards", in_turn)
    monkeypatch.setattr(flows.recaption, "map_shards", in_turn)
    return prepared


@pytest.fixture
def prepared(tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Five images in a folder, to be written as shards of two, and the params that say so; the present folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    for shade in range(5):
        (tmp_path / f"in/{shade}.png").write_bytes(png(40 * shade, (64, 64)))
    params = {
        "runtime": {"torch_threads": 1},
        "caption": {"max_new_tokens": 4, "prompts": ["Say."], "batch_size": 2},
        "recaption": {
            "corpus": {"kind": "folder", "path": "in"},
            "output": "out",
            "samples_per_shard": 2,
            "model": {"name": str(model)},
        },
    }
    Path("recaption.yaml").write_text(dump_yaml(params))
    return tmp_path


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each file was opened to be read, by name."""
    found, real = Counter[str](), io.open

    def noted(path: Any, mode: str = "r", *given: Any, **named: Any) -> Any:
        if isinstance(path, (str, Path)) and "r" in mode:
            found[Path(path).name] += 1
        return real(path, mode, *given, **named)

    monkeypatch.setattr("io.open", noted)
    monkeypatch.setattr("builtins.open", noted)
    return found
