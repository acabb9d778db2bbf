"""The end of the chain: embeddings, the shards they are of, and the encoder."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from cim.atomic import read_json
from cim.embeddings.write import shard_hashes, split_meta
from cim.encoders.card import EncoderCard
from cim.fingerprint import hash_list, hash_path
from cim.layout import Layout
from cim.lineage.link import Check, Link, whole_folder
from cim.models.folder import folder_fingerprint

MARKER = ".npy.done.json"


def model_link(title: str, folder: Path, recorded: str, card: Path) -> Link:
    """An encoder or a captioner. recorded: its fingerprint in `card`."""

    def checks() -> Iterator[Check]:
        yield Check(f"model in {folder}", recorded, partial(folder_fingerprint, folder))
        yield from whole_folder(folder)

    return Link(title, folder, card, {"fingerprint": recorded}, checks)


def embeddings_link(layout: Layout, name: str, recorded: str, index: Path) -> Link:
    """Vectors of one "role/split". recorded: their fingerprint in the meta.json `index`."""
    role, _, split = name.partition("/")
    folder = layout.embeddings(role, split)
    path = folder / "meta.json"

    def checks() -> Iterator[Check]:
        meta, markers = read_json(path), _markers(folder)
        yield Check(f"fingerprint in {path}", recorded, lambda: meta["fingerprint"])
        facts = [read_json(marker)["facts"] for marker in markers]
        said = split_meta(EncoderCard.read(layout.model(role)), role, split, facts, markers)
        yield Check(f"names in {path}", ", ".join(sorted([*said, "fingerprint"])), lambda: ", ".join(sorted(meta)))
        for key, value in said.items():
            yield Check(f"{key} in {path}", str(value), partial(_text, meta, key))
        for marker, one in zip(markers, facts, strict=True):
            for suffix in (".npy", ".parquet"):
                file = folder / marker.name.replace(MARKER, suffix)
                yield Check(str(file), one["sha256"][file.name], partial(hash_path, file))

    return Link(f"embeddings, {name}", folder, index, {"fingerprint": recorded}, checks)


def shards_link(layout: Layout, split: str, recorded: str, card: Path, manifest: str | None = None) -> Link:
    """The shards of a split that the reward's image encoder saw. recorded: their hash in `card`, see `hash_list`.

    manifest: the hash of manifest.parquet, where that is recorded too.
    """
    folder, embedded = layout.shards(split), layout.embeddings("image", split)

    def checks() -> Iterator[Check]:
        if manifest is not None:
            yield Check(str(folder / "manifest.parquet"), manifest, partial(hash_path, folder / "manifest.parquet"))
        known = shard_hashes([read_json(marker)["facts"] for marker in _markers(embedded)])
        yield Check(f"list of shards in the done markers of {embedded}", recorded, partial(hash_list, known))
        for name, one in sorted(known.items()):
            yield Check(str(folder / name), one, partial(hash_path, folder / name))

    return Link(f"shards, {split}", folder, card, {"sha256": recorded}, checks)


def _markers(folder: Path) -> list[Path]:
    return sorted(folder.glob(f"*{MARKER}"))


def _text(meta: dict[str, Any], key: str) -> str:
    return str(meta.get(key))
