"""The folder that re-captioned shards go to: ours, or not touched."""

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from cim.atomic import read_json, write_json
from cim.captions.claim import claim
from cim.captions.job import ShardJob
from cim.captions.write import prune
from cim.corpus.part import Part
from cim.errors import CimError
from cim.fingerprint import fingerprint

CARD = "recaption.json"


def prepare(folder: Path, jobs: Sequence[ShardJob]) -> str:
    """Make `folder` ours by its card, and clear away shards that `jobs` no longer have; the run's plan.

    The plan names what decides the output: settings and corpus, which is known by its first part, as it may grow.
    Raises CimError for a folder with other files in it, or one that lies in the corpus or holds it: cleaning up
    there would delete what is not ours.
    """
    for place in sorted({place for job in jobs for place in _places(job.part)}):
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
    plan = fingerprint("plan", jobs[0].settings(), jobs[0].part.name)
    content = {"plan": plan, "shards": len(jobs), **jobs[0].lineage.values()}
    try:
        _make_ours(folder, content, [job.stem for job in jobs])
    except OSError as error:
        raise CimError(
            f"{folder} can't be written ({error.strerror or error})",
            "a folder with room that you may write to",
            "free space, mend its rights, or set recaption.output to another folder",
        ) from error
    return plan


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
