"""The folder that re-captioned shards go to: ours, or not touched."""

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from cim.atomic import read_json, write_json
from cim.captions.write import prune
from cim.errors import CimError
from cim.fingerprint import fingerprint
from cim.lock import file_lock
from cim.readers.address import is_remote
from cim.readers.base import Part

CARD, SUMMARY = "recaption.json", "summary.json"


class Card(Protocol):
    """What the card says of all shards of a run."""

    def values(self) -> Mapping[str, Any]: ...


class Planned(Protocol):
    """A shard to make, as the folder must know it: its part of the corpus, its name, what decides it beside that."""

    @property
    def part(self) -> Part: ...

    @property
    def stem(self) -> str: ...

    @property
    def lineage(self) -> Card: ...

    def settings(self) -> Mapping[str, Any]: ...


def prepare(folder: Path, jobs: Sequence[Planned], section: str = "recaption") -> str:
    """Make `folder` ours by its card, and clear away shards that `jobs` no longer have; the run's plan.

    The plan names what decides the output: settings and corpus, which is known by its first part, as it may grow.
    Of runs with different plans the last to begin has the folder; those before it stop (`check_ours`).
    Raises CimError for a folder with other files in it, or one that lies in the corpus or holds it: cleaning up
    there would delete what is not ours. And where the folder or the log beside it can't be written.
    section: of the params, which names the folder as its `output`, and the card.
    """
    for place in sorted({place for job in jobs for place in _places(job.part)}):
        if _within(place, folder) or (place.is_dir() and _within(folder, place)):
            raise CimError(
                f"{section}.output {folder}, and the corpus at {place}",
                "folders of which none lies in the other",
                f"set {section}.output to a folder of its own",
            )
    card = _card(folder, section)
    check_no_others(card, section)
    open_log(log_of(folder))
    plan = fingerprint("plan", jobs[0].settings(), jobs[0].part.name)
    content = {"plan": plan, "shards": len(jobs), **jobs[0].lineage.values()}
    try:
        _make_ours(card, content, [job.stem for job in jobs])
    except OSError as error:
        raise CimError(
            f"{folder} can't be written ({error.strerror or error})",
            "a folder with room that you may write to",
            f"free space, mend its rights, or set {section}.output to another folder",
        ) from error
    return plan


def log_of(folder: Path) -> Path:
    """The run's log, which has times: beside the folder, which holds none."""
    return folder.with_name(f"{folder.name}.log.jsonl")


def hash_caches(folder: Path, stems: Iterable[str]) -> Path:
    """Where a run keeps hashes of this machine's files, as its log beside the output; those of other shards go."""
    known = folder.with_name(f"{folder.name}.hashes")
    prune(known, stems)
    return known


def check_no_others(card: Path, section: str) -> None:
    """Raise CimError where the folder of `card` holds files without it: they are not ours to clear away."""
    folder = card.parent
    seen = [path for path in folder.glob("*") if not path.name.startswith(".")]  # a dot: of a run killed at its start
    if seen and not card.is_file():
        raise CimError(
            f"{folder} with files in it, but no {card.name}",
            "a new or empty folder, or an earlier run's",
            f"set {section}.output to another folder",
        )


def open_log(log: Path) -> None:
    """Make sure that lines can be added to `log`. Raises CimError where they can't: better now than at the first."""
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        log.open("a", encoding="utf-8").close()
    except OSError as error:
        raise CimError(
            f"the log {log} can't be written ({error.strerror or error})",
            "a file that you may write to, in a folder with room",
            "mend the rights of its folder, or choose an output inside a folder that you may write to",
        ) from error


def _card(folder: Path, section: str) -> Path:
    return folder / f"{section}.json"


def _lock(card: Path) -> Path:
    return card.with_name(f".{card.name}.lock")


def _make_ours(card: Path, content: Any, stems: Iterable[str]) -> None:
    folder = card.parent
    with file_lock(_lock(card), math.inf):
        for left in set(folder.glob(f".{card.name}.*")) - {_lock(card)}:
            left.unlink()
        prune(folder, stems)  # the summary first: killed from here on, the folder must not look finished
        if not card.is_file() or read_json(card) != content:
            write_json(card, content)


def check_ours(folder: Path, plan: str, section: str = "recaption") -> None:
    """Raise CimError when a run with another plan has taken the folder over. Without a plan there is no card."""
    card = _card(folder, section)
    if plan and (theirs := read_json(card).get("plan") if card.is_file() else None) != plan:
        raise taken_over(str(folder), theirs, plan, f"{section}.output")


def taken_over(place: str, theirs: str | None, ours: str, setting: str) -> CimError:
    """What stops a run whose place another one has. setting: the parameter that names the place."""
    return CimError(
        f"{place} in use by another run, whose model, parameters, corpus or version differ"
        f" (the card there names plan {theirs}, this run's is {ours})",
        f"one configuration at a time in a {setting}",
        f"set {setting} to another one for each; or wait until the other run has ended",
    )


def write_summary(folder: Path, summary: Mapping[str, Any], plan: str, section: str = "recaption") -> None:
    """Write summary.json: all shards of the plan are there. Raises CimError as `check_ours`."""
    with file_lock(_lock(_card(folder, section)), math.inf):  # which a run takes that begins
        check_ours(folder, plan, section)
        for left in folder.glob(f".{SUMMARY}.*"):
            left.unlink()  # of a killed run
        write_json(folder / SUMMARY, summary)


def _places(part: Part) -> Iterable[Path]:
    found = [getattr(part, name, None) for name in ("path", "root")]
    return [Path(one) for one in found if one is not None and not is_remote(str(one))]


def _within(inner: Path, outer: Path) -> bool:
    return inner.resolve().is_relative_to(outer.resolve())
