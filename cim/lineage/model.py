"""The chain behind a captioner: its training, the reward, the index, the gallery."""

import json
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from cim.atomic import marker_of, read_json
from cim.fingerprint import hash_path
from cim.index.meta import IndexMeta
from cim.layout import Layout
from cim.lineage.embedded import embeddings_link, model_link, shards_link
from cim.lineage.link import Check, Link, whole_folder

CARD, SUMMARY = "cim.json", "summary.json"


def captioner_links(layout: Layout, folder: Path, recorded: str, recorded_in: Path) -> Iterator[Link]:
    """The captioner in `folder`, recorded by its fingerprint, and, where it was tuned here, all behind it."""
    yield model_link("captioner", folder, recorded, recorded_in)
    card = folder / CARD
    made_from = read_json(card).get("made_from", {})
    if "training" not in made_from:
        return  # the base: made from a hub's weights or from nothing, as its cim.json says
    yield model_link("base captioner", layout.model("captioner"), read_json(card)["base"], card)
    yield _training(layout, made_from, card)
    for split, images in made_from["images"].items():
        yield shards_link(layout, split, images["shards"], card, images["manifest"])
        yield embeddings_link(layout, f"image/{split}", images["vectors"], card)
    reward = made_from["reward"]
    yield Link("reward", card, card, _told(made_from["params"]["reward"]))
    for role, fingerprint in reward["encoders"].items():
        yield model_link(f"encoder, {role}", layout.model(role), fingerprint, card)
    yield from _index_links(layout, reward["index"], card)
    for split, sha256 in reward["gallery"].items():
        yield shards_link(layout, split, sha256, card)


def _training(layout: Layout, made_from: Mapping[str, Any], card: Path) -> Link:
    folder, recorded = layout.trained, made_from["training"]

    def checks() -> Iterator[Check]:
        marker, summary = marker_of(folder), layout.tuned.parent / SUMMARY
        yield Check(str(marker), recorded["record"], partial(hash_path, marker))
        yield Check(f"best weights in {folder}", recorded["weights"], partial(hash_path, folder))
        told = json.dumps(read_json(marker_of(layout.tuned))["facts"], sort_keys=True)
        yield Check(str(summary), told, lambda: json.dumps(read_json(summary), sort_keys=True))

    facts = {"fingerprint": recorded["fingerprint"], "steps": str(made_from["steps"])}
    facts |= {"ended": made_from["stop_reason"], "best": f"step {made_from['best']['step']}"}
    return Link(
        "training", folder, card, facts | {"interpolation": f"{made_from['params']['interpolation']:g}"}, checks
    )


def _index_links(layout: Layout, parts: Mapping[str, str], card: Path) -> Iterator[Link]:
    """Each part of the index, then each set of embeddings that some part was built from."""
    for part, recorded in parts.items():
        folder = layout.index(part)

        def checks(folder: Path = folder, recorded: str = recorded) -> Iterator[Check]:
            yield Check(str(folder / "meta.json"), recorded, partial(hash_path, folder / "meta.json"))
            built, marker = IndexMeta.read(folder).fingerprint, marker_of(folder)
            yield Check(f"fingerprint in {marker}", built, lambda: read_json(marker)["fingerprint"])
            yield from whole_folder(folder)

        yield Link(f"index, {part}", folder, card, {"sha256 of meta.json": recorded}, checks)
    built = {layout.index(part) / "meta.json": IndexMeta.read(layout.index(part)) for part in parts}
    named = {name: (known, path) for path, meta in built.items() for name, known in meta.built_from.items()}
    for name, (known, path) in named.items():
        yield embeddings_link(layout, name, known, path)


def _told(reward: Mapping[str, Any]) -> dict[str, str]:
    """Its parameters in words; a guard that is off says so."""
    facts = {name: str(value) for name, value in reward.items() if not isinstance(value, Mapping)}
    for name, value in reward.get("terms", {}).items():
        if value:
            facts[f"term {name}"] = json.dumps(value, sort_keys=True).strip("{}").replace('"', "")
    for name, value in reward.get("guards", {}).items():
        facts[f"guard {name}"] = json.dumps(value, sort_keys=True).strip("{}").replace('"', "") if value else "off"
    return facts
