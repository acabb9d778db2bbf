"""Scenes of a new seed with alt-text as on the web, re-captioned by the base and the tuned captioner of a workspace."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common.project import ROOT, clean_environment
from benchmarks.downstream.exam import fact_key, pixels
from benchmarks.downstream.train import Pixels
from cim.errors import CimError
from cim.layout import Layout
from cim.params import load_params
from cim.params.load import Params
from cim.params.sources import ScenesSource
from cim.readers.base import Item
from cim.readers.webdataset import TarPart
from cim.scenes.scene import scene_at

SEED = 31
SPARE = 1.1  # scenes drawn for each one kept: some have the same facts as one that a model of the workspace has seen
NOISE = {"mismatched": 0.15, "boilerplate": 0.1, "repeated": 0.05}
WEB = {"kind": "scenes", "detail": 0.2, "noise": NOISE}
CAPTIONERS = ("base", "tuned")
MIX = "mix"
# Half of the images keep their original text, the others have the tuned captioner's; both are there as fields too.
MIXED = {
    "txt": [{"text": "original", "share": 0.5}, {"text": "caption", "share": 0.5}],
    "budget": None,
    "members": True,
}


@dataclass(frozen=True)
class Corpus:
    """n images (n, side, side, 3) with their facts, old texts and new ones by captioner.

    mixed: what `flows.remix` has drawn of the old text and the tuned captioner's. members: the texts it drew from.
    """

    pixels: Pixels
    graphs: Sequence[dict[str, Any]]
    original: Sequence[str]
    new: dict[str, Sequence[str]]
    mixed: Sequence[str]
    members: Sequence[Sequence[str]]

    def keys(self) -> set[str]:
        """Of all that is seen here, see `fact_key`."""
        return {fact_key(graph) for graph in self.graphs}


def seen_scenes(params: Params) -> set[str]:
    """Keys of all scenes that any model of a workspace with these parameters was made from, or chosen on."""
    sources = [source for source in params.shard.sources if isinstance(source, ScenesSource)]
    return {
        fact_key(scene_at(source.seed, index, source.near_duplicates).graph())
        for source in sources
        for index in range(source.count)
    }


def recaption(workspace: Path, work: Path, count: int, side: int) -> dict[str, Path]:
    """Shards of `count` scenes and some spare ones by each of CAPTIONERS, and the MIX of old and tuned texts, by name.

    What is there is not made again.
    """
    layout = Layout(workspace / "data")
    caption = load_params(workspace / "params.yaml").caption.model_dump(mode="json", exclude_unset=True)
    corpus = WEB | {"count": round(SPARE * count), "seed": SEED, "side": side}
    models = {"base": layout.model("captioner"), "tuned": layout.tuned}
    found = {}
    for name in CAPTIONERS:
        if not models[name].is_dir():
            raise CimError(f"no captioner in {models[name]}", "a workspace in which the pipeline has run", "make run")
        found[name] = work / name
        section = {
            "corpus": corpus,
            "output": str(found[name].absolute()),
            "model": {"name": str(models[name].absolute())},
        }
        _run("recaption", work / f"{name}.yaml", {"caption": caption, "recaption": section})
    found[MIX] = work / MIX
    tars = str(found["tuned"].absolute() / "*.tar")
    mixed = {"shards": tars, "output": str(found[MIX].absolute()), "texts": MIXED}
    _run("remix", work / f"{MIX}.yaml", {"remix": mixed})
    return found


def _run(flow: str, params: Path, content: dict[str, Any]) -> None:
    params.parent.mkdir(parents=True, exist_ok=True)
    params.write_text(json.dumps(content, indent=1), encoding="utf-8")
    command = [sys.executable, "-m", f"flows.{flow}", "--params", str(params.absolute())]
    subprocess.run(command, cwd=ROOT, env=clean_environment(), check=True)


def read_corpus(shards: dict[str, Path], count: int, seen: set[str]) -> Corpus:
    """The first `count` scenes whose facts are not among `seen`. Raises CimError where there are fewer."""
    rows: dict[str, dict[str, Item]] = {name: _samples(folder) for name, folder in shards.items()}
    base, tuned, mix = (rows[name] for name in (*CAPTIONERS, MIX))
    kept = [key for key in sorted(base.keys() & tuned.keys()) if fact_key(_graph(base[key])) not in seen][:count]
    if len(kept) < count:
        raise CimError(f"{len(kept)} captioned scenes that nobody has seen", f"{count}", "ask for fewer by --images")
    return Corpus(
        np.stack([pixels(base[key].image or b"") for key in kept]),
        [_graph(base[key]) for key in kept],
        [base[key].facts["alt_text"] for key in kept],
        {name: [rows[name][key].captions[0] for key in kept] for name in CAPTIONERS},
        [mix[key].captions[0] for key in kept],
        [[mix[key].facts["texts"][name] for name in ("original", "caption")] for key in kept],
    )


def _samples(folder: Path) -> dict[str, Item]:
    return {item.name: item for tar in sorted(folder.glob("*.tar")) for item in TarPart(tar).items()}


def _graph(item: Item) -> dict[str, Any]:
    graph: dict[str, Any] = item.facts["original"]["extra"]["scene"]
    return graph
