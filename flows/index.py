"""index: embeddings of the gallery -> data/index, for both retrieval spaces."""

from pathlib import Path
from typing import Any

from prefect import flow

from cim.index.meta import ROLES, IndexMeta
from cim.layout import Layout
from cim.params import load_params
from flows.command import main
from flows.shards import map_shards
from tasks.index import index_part


@flow(name="index")
def index(params_path: str = "params.yaml") -> list[IndexMeta]:
    """Build a FAISS index per retrieval space and the image vectors of the gallery, row by row."""
    params = load_params(Path(params_path))
    constants: dict[str, Any] = {"layout": Layout(), "params": params.index, "reward": params.tune.reward}
    items = map_shards(index_part, ["items"], params.runtime, "indexing images", **constants)
    # One at a time: FAISS takes all cores by itself, and memory is checked for one build.
    return items + map_shards(index_part, list(ROLES), params.runtime, "indexing", 1, **constants)


if __name__ == "__main__":
    main(index, "index")
