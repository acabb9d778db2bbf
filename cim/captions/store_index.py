"""What a store's done markers say, known without opening them: one listing, and one file that repeats them all."""

import gzip
import json
import zlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from tqdm import tqdm

from cim.captions.store import Store
from cim.captions.write import captions_path, rejects_path
from cim.fingerprint import hash_path
from cim.prefetch import prefetch
from cim.readers.stores import store_errors, store_of

INDEX = "markers.json.gz"
READERS = 16  # requests under way at once

Version = Mapping[str, str]
Marker = Mapping[str, Any]


@dataclass
class StoreIndex:
    """Done markers by stem, each with what the store says of it.

    shards: stem -> {"marker": its version, "says": its content}. card: SHA-256 of the plan's card there, and its
    version. summary: version of the summary that is of exactly these shards, None where there is none.
    An entry counts only as long as the store says of the marker what it said then, so an old index, one that
    another run has replaced and a lost one cost requests, and nothing else.
    """

    shards: dict[str, dict[str, Any]] = field(default_factory=dict)
    card: dict[str, Any] = field(default_factory=dict)
    summary: Version | None = None

    @classmethod
    def read(cls, store: Store, listed: Mapping[str, Version]) -> Self:
        """The one in the store, of which a listing says `listed`; an empty one where there is none that can be used."""
        if listed.get(INDEX, {}).get("size", "0") == "0":
            return cls()
        try:
            found = json.loads(gzip.decompress(store.read(INDEX)))
            return cls(dict(found["shards"]), dict(found["card"]), found["summary"])
        except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError):  # nothing is lost but time
            return cls()

    def write(self, store: Store) -> None:
        """Put it into the store."""
        content = json.dumps(vars(self), sort_keys=True, ensure_ascii=False).encode()
        with store_errors(f"{store.url}/{INDEX}", "written"):
            system, path = store_of(f"{store.url}/{INDEX}")
            system.pipe_file(path, gzip.compress(content, 6, mtime=0))

    def update(self, store: Store, listed: Mapping[str, Version], stems: Collection[str]) -> int:
        """Make `shards` those of `stems` whose markers `listed` has; how many had to be read for that."""
        there = {stem: version for stem in stems if (version := listed.get(marker_name(stem))) is not None}
        known = {stem: one for stem, one in self.shards.items() if stem in there and one["marker"] == there[stem]}
        new = [stem for stem in there if stem not in known]
        read = prefetch(lambda stem: store.json(marker_name(stem)), new, READERS, 4 * READERS)
        for stem, says in zip(new, tqdm(read, "reading done markers", len(new), disable=not new), strict=True):
            if says:  # else it was deleted since
                known[stem] = {"marker": there[stem], "says": says}
        self.shards = {stem: known[stem] for stem in stems if stem in known}
        return len(new)

    def whole(self, stem: str, listed: Mapping[str, Version]) -> Marker | None:
        """What the shard's marker says, if all files that it names are there as it says."""
        says: Marker = self.shards.get(stem, {}).get("says", {})
        holds = {name: listed[name] for name in files_of(stem) if name in listed}
        return says if says.get("holds") == holds else None

    def knows_card(self, card: Path, listed: Version | None) -> bool:
        """Whether the card in the store, of which a listing says so, is the file `card`."""
        return listed is not None and self.card == {"sha256": hash_path(card), "version": listed}


def files_of(stem: str) -> list[str]:
    """Names in a store of a shard's files, without its marker."""
    folder = Path()
    return [path.as_posix() for path in (rejects_path(folder, stem), Path(f"{stem}.tar"), captions_path(folder, stem))]


def marker_name(stem: str) -> str:
    """Name in a store of a shard's done marker."""
    return f"{captions_path(Path(), stem)}.done.json"
