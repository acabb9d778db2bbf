"""What a run of re-captioning showed: its speed and the size of what it wrote, read from the run's own files."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cim.atomic import read_json
from cim.captions.output import log_of
from cim.errors import CimError

DONE = ".parquet.done.json"


@dataclass(frozen=True)
class Shown:
    """rate: captions a second of one process, loading of the model included. tar, table: bytes an image, and None
    where no shards are left to look at. characters: of a caption, on average. where: the files that say so."""

    rate: float
    captions: int
    tar: float | None
    table: float | None
    characters: float
    where: str


def shown_by(run: Path) -> Shown:
    """run: the output folder of a run, or a log of JSON lines alone, as data/logs/caption-tuned-eval.jsonl.

    Of several runs in the log the last that made captions. Raises CimError where no run there has ended, or made any.
    """
    log = log_of(run) if run.is_dir() else run
    try:
        lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError) as error:
        raise CimError(
            f"no log of a run at {log} ({getattr(error, 'strerror', None) or error})",
            "a run's output folder with its log beside it, or a log",
            "name the recaption.output of a run that has ended",
        ) from error
    made = [line for line in lines if "run" in line and line["captions_per_second"]]
    if not made:
        raise CimError(f"no run in {log} that made captions", "one that has ended", "let it caption some shards first")
    last = made[-1]
    tar, table = _sizes([read_json(path) for path in sorted(run.glob(f"*{DONE}"))]) if run.is_dir() else (None, None)
    characters = last["summary"]["lengths"]["characters"]["mean"]
    captions = round(last["captions_per_second"] * last["seconds"])
    return Shown(last["captions_per_second"], captions, tar, table, characters, str(run))


def _sizes(markers: list[Mapping[str, Any]]) -> tuple[float | None, float | None]:
    """Bytes of tars and of tables, an image."""
    images = sum(marker["facts"]["images"] for marker in markers)
    tars = sum(marker["facts"]["tar_bytes"] for marker in markers)
    return (tars / images or None, sum(_table(marker) for marker in markers) / images) if images else (None, None)


def _table(marker: Mapping[str, Any]) -> int:
    return int(marker["holds"])
