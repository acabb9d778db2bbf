"""What each choice of tune.reward.exclude pays for, as a Markdown table, from a finished workspace of scenes.

Sources are images of the gallery, so that a caption can retrieve its own image. No model is trained.

python -m benchmarks.reward.exclusion --params params.yaml --data data --write docs/reward.md
"""

import json
import random
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import polars as pl

from benchmarks.common.document import arguments, replace_between
from cim.layout import Layout
from cim.params import Reward, load_params
from cim.records import IdentityScore
from cim.rewards.exclusion import ROUNDING, Exclusion
from cim.rewards.retriever import Retriever
from cim.rewards.spaces import Space
from cim.scenes.describe import describe
from cim.scenes.scene import Scene, Thing
from cim.scenes.vocabulary import COLORS
from cim.shards.read import read_manifest

KINDS = ("copied", "anew", "wrong", "vague")
COSINES = (0.98, 0.95, 0.9)


@dataclass
class CachedJudge:
    """A space that encodes each caption once, however often it is scored."""

    space: Space
    known: dict[str, npt.NDArray[np.float32]] = field(default_factory=dict)

    def encode(self, captions: list[str]) -> npt.NDArray[np.float32]:
        """As the space does."""
        if new := [caption for caption in dict.fromkeys(captions) if caption not in self.known]:
            self.known |= zip(new, self.space.encode(new), strict=True)
        return np.stack([self.known[caption] for caption in captions])

    def search(
        self, queries: npt.NDArray[np.float32], k: int, exclusion: Exclusion
    ) -> tuple[list[list[str]], npt.NDArray[np.float32]]:
        """As the space does."""
        return self.space.search(queries, k, exclusion)


def said_of(graph: dict[str, list[dict[str, object]]], own: str, rng: random.Random) -> dict[str, str]:
    """By kind: the image's own gallery caption, true detail in other words, the same with a wrong colour, little."""
    things = tuple(Thing(**one) for one in graph["objects"])  # type: ignore[arg-type]
    relation = str(graph["relations"][0][1]) if graph["relations"] else None  # type: ignore[index]
    scene = Scene(things, relation, str(graph["background"]), 0)
    first = replace(things[0], color=rng.choice([color for color in COLORS if color != things[0].color]))
    anew = own
    while anew == own:
        anew = describe(scene, rng, detail=1.0)
    wrong = describe(replace(scene, things=(first, *things[1:])), rng, detail=1.0)
    return {"copied": own, "anew": anew, "wrong": wrong, "vague": describe(scene, rng, detail=0.0)}


def row(retriever: Retriever, ids: list[str], captions: list[dict[str, str]]) -> str:
    """One setting: items left out a source, mean reward by kind, and how often one kind earns more than another."""
    totals = {}
    for kind in KINDS:
        scores = retriever.attempt([said[kind] for said in captions], ids)
        totals[kind] = np.array([one.total if isinstance(one, IdentityScore) else np.nan for one in scores])
    means = " | ".join(f"{np.nanmean(totals[kind]):.3f}" for kind in KINDS)
    pairs = (("copied", "anew"), ("anew", "wrong"), ("anew", "vague"))
    shares = " | ".join(f"{np.mean((totals[a] > totals[b]) + 0.5 * (totals[a] == totals[b])):.0%}" for a, b in pairs)
    name: str = retriever.reward.exclude
    if name == "near_duplicates":
        name += f" {retriever.reward.duplicate_cosine:g}"
    return f"| {name} | {_left_out(retriever, ids):.2f} | {means} | {shares} |"


def main() -> None:
    """Print the table, and write it where asked."""
    options = arguments(__doc__, 300, "exclusion-table")
    layout, params = Layout(options.data), load_params(options.params)
    reward = params.tune.reward
    rows = read_manifest(layout.shards("gallery")).filter(pl.col("extra").str.contains('"scene"')).sort("id")
    rows = rows[:: max(1, len(rows) // options.count)][: options.count]
    rng, ids = random.Random(0), rows["id"].to_list()
    columns = zip(rows["extra"].to_list(), rows["captions"].to_list(), strict=True)
    captions = [said_of(json.loads(extra)["scene"], own[0], rng) for extra, own in columns]
    opened = Retriever.open(layout, reward, index=params.index)
    opened = replace(opened, space=CachedJudge(opened.space))
    settings: list[dict[str, object]] = [{"exclude": "none"}, {"exclude": "self"}]
    settings += [{"exclude": "near_duplicates", "duplicate_cosine": cosine} for cosine in COSINES]
    lines = [
        f"{len(ids)} images of the gallery ({len(opened.items)} scenes), space {reward.space}, K = {reward.k}, "
        "one seed: mean total reward of four captions of each; how often one earns more than another (a tie is half).",
        "",
        "| exclude | left out an image | own gallery caption | true, in other words | one colour wrong | vague "
        "| own beats other words | true beats wrong | true beats vague |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for setting in settings:
        changed = Reward.model_validate(reward.model_dump() | setting)
        lines.append(row(replace(opened, reward=changed), ids, captions))
    print("\n".join(lines))
    if options.write:
        replace_between(options.write, options.name, "\n".join(lines))


def _left_out(retriever: Retriever, ids: list[str]) -> float:
    """Gallery items that a source may not retrieve, on average; all of `ids` are in the gallery."""
    exclude = retriever.reward.exclude
    if exclude != "near_duplicates":
        return float(exclude == "self")
    items = retriever.items.get([name.decode() for name in retriever.items.ids])
    cosines = retriever.sources.get(ids) @ items.T
    return float((cosines >= retriever.reward.duplicate_cosine - ROUNDING).sum(axis=1).mean())


if __name__ == "__main__":
    main()
