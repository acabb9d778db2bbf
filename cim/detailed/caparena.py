"""CapArena-Auto with its own files: battles against three captioners, scored as the published table is.

    python -m cim.detailed.caparena --battles caparena_auto_600.json --captions me.json --judge judge.yaml --records DIR

DIR holds one file of records a captioner, as published (GPT-4o-0806.json and so on); ours is written there, to be read
by the published scripts as well, and all are tabled. Protocol of arXiv 2503.12329 and its code, but for the judge: it
reads a person's description and does not see the image, and every battle is fought both ways round, so these figures
stand beside published ones only as far as the judges agree.
"""

import argparse
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from cim.atomic import write_json
from cim.command import check_writable, plain_exit
from cim.detailed.arena import SYSTEM, Verdict, fought
from cim.detailed.benchmark import read_json
from cim.detailed.open import open_judge
from cim.detailed.submission import read_submission
from cim.errors import CimError
from cim.judges.base import Judge
from cim.markdown import table as markdown_table

HUMAN = "human"
_SAID: dict[Verdict, str] = {
    "first": "Caption 1 is better.", "second": "Caption 2 is better.", "tie": "Tie.",
}  # fmt: skip
_READ = {text.rstrip("."): verdict for verdict, text in _SAID.items()}


class _Published(BaseModel):
    """Fields that are not named here are kept."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)


class Battle(_Published):
    """One image of caparena_auto_600.json: captions by captioner, a person's under HUMAN; ref_model: whom to beat."""

    captions: dict[str, str]
    ref_model: str


class Record(_Published):
    """One battle fought. judge: as the published judge says it; left out where it gave no verdict."""

    img: str
    source1: str
    source2: str
    caption1: str
    caption2: str
    ref_model: str
    judge: str | None = None

    def won(self, name: str) -> int | None:
        """1, -1, or 0 for a tie; None where there is no verdict, or none in the form."""
        verdict = _READ.get((self.judge or "").rstrip("."))
        if verdict is None:
            return None
        return 0 if verdict == "tie" else 1 if (verdict == "first") == (self.source1 == name) else -1


@dataclass(frozen=True)
class Score:
    """One captioner. by: won less lost, in percent of its battles, by whom it fought. words: mean length of captions.

    unjudged: battles without a verdict, worth what a tie is, as published.
    """

    name: str
    by: Mapping[str, float]
    words: float
    battles: int
    unjudged: int

    @property
    def average(self) -> float:
        """Over those it fought, each counted alike."""
        return sum(self.by.values()) / len(self.by)


def read_battles(path: Path) -> dict[str, Battle]:
    """By image. Raises CimError for another file."""
    found: dict[str, Battle] = _checked(path, Annotated[dict[str, Battle], Field(min_length=1)])
    for image, one in found.items():
        for who in (HUMAN, one.ref_model):
            if not one.captions.get(who, "").strip():
                raise CimError(f"no caption by {who!r} of {image} in {path}", "one by each", "copy the file again")
    return found


def read_records(path: Path) -> list[Record]:
    """Of one captioner. Raises CimError for another file."""
    found: list[Record] = _checked(path, Annotated[list[Record], Field(min_length=1)])
    return found


def _checked(path: Path, shape: Any) -> Any:
    value = read_json(path)
    try:
        return TypeAdapter(shape).validate_python(value)
    except ValidationError as error:
        first = error.errors()[0]
        raise CimError(
            f"{path} is no such file of CapArena's: {'.'.join(map(str, first['loc']))}: {first['msg']}",
            "the form of caparena_auto_600.json, and of the records beside it",
            "copy the file as published",
        ) from error


def fight(judge: Judge, battles: Mapping[str, Battle], name: str, captions: Mapping[str, str]) -> list[Record]:
    """A record an image, as the published evaluation writes it; who stands first changes with the image's name.

    captions: by image without its ending. A captioner does not fight itself.
    """
    ours = {image: one for image, one in battles.items() if one.ref_model != name}
    mine = [captions.get(bare(image), "") for image in ours]
    triples = [
        (one.captions[HUMAN], text, one.captions[one.ref_model])
        for text, one in zip(mine, ours.values(), strict=True)
    ]  # fmt: skip
    records = list[Record]()
    for (image, one), (told, text, other), bout in zip(
        ours.items(), triples, fought(judge, triples, name), strict=True
    ):
        verdict = bout.verdict
        first = sum(image.encode()) % 2 == 0
        if not first and verdict in ("first", "second"):
            verdict = "second" if verdict == "first" else "first"
        sides = [(name, text), (one.ref_model, other)]
        (source1, caption1), (source2, caption2) = sides if first else sides[::-1]
        records.append(
            Record(
                img=image, source1=source1, source2=source2, caption1=caption1, caption2=caption2,
                ref=told, ref_model=one.ref_model, judge=_SAID.get(verdict),
            )
        )  # fmt: skip
    return records


def bare(image: str) -> str:
    """The name of an image without its ending, as submissions have it."""
    return image.removesuffix(".jpg")


def score(name: str, records: Sequence[Record]) -> Score:
    """Of one captioner's records."""
    won = defaultdict[str, list[int | None]](list)
    for one in records:
        won[one.ref_model].append(one.won(name))
    lengths = [len((one.caption1 if one.source1 == name else one.caption2).split(" ")) for one in records]
    by = {whom: 100 * sum(result or 0 for result in results) / len(results) for whom, results in won.items()}
    unjudged = sum(result is None for results in won.values() for result in results)
    return Score(name, by, sum(lengths) / len(lengths), len(records), unjudged)


def table(scores: Sequence[Score]) -> str:
    """A Markdown table, the best first."""
    whom = list(dict.fromkeys(name for one in scores for name in one.by))
    rows = []
    for one in sorted(scores, key=lambda one: -one.average):
        by = ["-" if name not in one.by else f"{one.by[name]:.2f}" for name in whom]
        rows.append([one.name, f"{one.average:.2f}", *by, f"{one.words:.2f}", str(one.battles), str(one.unjudged)])
    against = [f"against {name}" for name in whom]
    return markdown_table(["captioner", "average", *against, "words", "battles", "unjudged"], rows)


def run(options: argparse.Namespace) -> str:
    """Battles fought and written, all records tabled. Raises CimError."""
    options.records.mkdir(parents=True, exist_ok=True)
    if options.answers is not None:
        check_writable("--answers", options.answers)
    if options.captions:
        if options.battles is None or options.judge is None:
            raise CimError("captions, but no --battles or no --judge", "both", "give them")
        battles = read_battles(options.battles)
        found = [read_submission(path, [bare(image) for image in battles]) for path in options.captions]
        judge = open_judge(options.judge, options.answers, SYSTEM)
        for one in found:
            path = options.records / f"{one.name}.json"
            if path.exists():
                raise CimError(f"{path} is there already", "records of new captions", "move it away, or rename them")
            check_writable("--records", path)
            records = fight(judge, battles, one.name, one.captions)
            write_json(path, [record.model_dump(exclude_none=True) for record in records])
    scores = [score(path.stem, read_records(path)) for path in sorted(options.records.glob("*.json"))
              if options.battles is None or path.resolve() != options.battles.resolve()]  # fmt: skip
    if not scores:
        raise CimError(f"no records in {options.records}", "a file a captioner", "give captions, or another --records")
    return table(scores)


def parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    made = argparse.ArgumentParser("python -m cim.detailed.caparena", description=__doc__)
    made.add_argument("--records", type=Path, required=True, help="folder of records, one file a captioner")
    made.add_argument("--battles", type=Path, help="caparena_auto_600.json, as published")
    made.add_argument("--captions", type=Path, nargs="+", default=[], help="JSON {image: caption}; a captioner a file")
    made.add_argument("--judge", type=Path, help="YAML that names the judge")
    made.add_argument("--answers", type=Path, help="file that keeps the judge's answers, for resuming")
    return made


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table; a CimError goes to stderr and ends with code 1."""
    options = parser().parse_args(arguments)
    with plain_exit("caparena"):
        print(run(options))


if __name__ == "__main__":
    main()
