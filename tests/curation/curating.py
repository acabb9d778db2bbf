"""Runs of the curating flow in a folder."""

from pathlib import Path
from typing import Any

import flows.curate
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
