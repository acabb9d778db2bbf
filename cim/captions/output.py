"""The folder that re-captioned shards go to: ours, or not touched."""

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from cim.atomic import read_json, write_json
from cim.captions.claim import claim
from cim.captions.lineage import Lineage
from cim.captions.write import prune
from cim.corpus.part import Part
from cim.errors import CimError

CARD = "recaption.json"


def prepare(folder: Path, parts: Mapping[str, Part], lineage: Lineage) -> None:
    """Make `folder` ours by its card, and clear away shards that `parts` no longer has.

    Raises CimError for a folder with other files in it, or one that lies in the corpus or holds it: cleaning up
    there would delete what is not ours.
    """
    for place in sorted({place for part in parts.values() for place in _places(part)}):
        if _within(place, folder) or (place.is_dir() and _within(folder, place)):
            raise CimError(
                f"recaption.output {folder}, and the corpus at {place}",
                "folders of which none lies in the other",
                "set recaption.output to a folder of its own",
            )
    card = folder / CARD
    seen = [path for path in folder.glob("*") if not path.name.startswith(".")]  # a dot: of a run killed at its start
    if seen and not card.is_file():
        raise CimError(
            f"{folder} with files in it, but no {CARD}",
            "a new or empty folder, or an earlier run's",
            "set recaption.output to another folder",
        )
    content = {"shards": len(parts), **lineage.values()}
    try:
        _make_ours(folder, content, parts)
    except OSError as error:
        raise CimError(
            f"{folder} can't be written ({error.strerror or error})",
            "a folder with room that you may write to",
            "free space, mend its rights, or set recaption.output to another folder",
        ) from error


def _make_ours(folder: Path, content: Any, stems: Iterable[str]) -> None:
    card = folder / CARD
    with claim(folder / f".{CARD}.lock", math.inf):
        for left in set(folder.glob(f".{CARD}.*")) - {folder / f".{CARD}.lock"}:
            left.unlink()
        if not card.is_file() or read_json(card) != content:
            write_json(card, content)
        prune(folder, stems)


def _places(part: Part) -> Iterable[Path]:
    return [Path(found) for name in ("path", "root") if (found := getattr(part, name, None)) is not None]


def _within(inner: Path, outer: Path) -> bool:
    return inner.resolve().is_relative_to(outer.resolve())
