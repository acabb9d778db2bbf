"""Captions taken apart into units that can be checked alone: how many are right, how many of the reference's are told.

    python -m cim.detailed.units --references people.json --captions before.json after.json --judge judge.yaml
    python -m cim.detailed.units --references people.json --captions before.json after.json --parser spacy

After DCScore ("Painting with Words", arXiv 2503.07906): a text model lists the primitive information units of a text,
those that nothing to be seen answers to (opinion, mood, guesses) are set aside, each of the others is judged. What
differs: the paper's judge sees the image; here a unit is right when the reference says it, so precision is a lower
bound where the reference leaves true things out. A parser needs no model, and sets nothing aside.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from cim.atomic import write_json
from cim.command import plain_exit
from cim.detailed.open import open_judge
from cim.detailed.outputs import add_outputs, check_outputs
from cim.detailed.references import References, read_references
from cim.detailed.split import LONGEST, SYSTEM, JudgedUnits
from cim.detailed.submission import Submission, read_submission
from cim.errors import CimError
from cim.graphs.graph import GraphParser
from cim.graphs.matching import Related
from cim.graphs.once import ReadOnce
from cim.graphs.open import open_parser
from cim.markdown import percent
from cim.markdown import table as markdown_table
from cim.metrics.units import BETA, UnitCounts


class UnitScorer(Protocol):
    """Whatever takes texts apart and judges the parts."""

    def __call__(
        self, references: Mapping[str, list[str]], captions: Mapping[str, str]
    ) -> dict[str, UnitCounts | None]:
        """By image; None where a text could not be taken apart."""


@dataclass(frozen=True)
class Result:
    """One captioner. counts: the sum over images. unscorable: images left out of it, as nobody took their texts apart.

    missing: images without a caption; they count, as saying nothing.
    """

    name: str
    counts: UnitCounts
    images: int
    unscorable: int
    missing: int


class ParsedUnits:
    """Meets UnitScorer: the facts of the project's own parsers. scenes: exact; spacy: facts of any English, one group
    of synonyms a unit, right when any reference has it (see docs/metrics.md)."""

    def __init__(self, name: str) -> None:
        """name: scenes or spacy."""
        self._scenes = name == "scenes"

    @cached_property
    def _spacy(self) -> tuple[GraphParser, Related]:
        from cim.graphs.matching import OneSynset
        from cim.graphs.wordnet import load_wordnet

        return ReadOnce(open_parser("spacy", None, "cpu")), OneSynset(load_wordnet())

    def __call__(
        self, references: Mapping[str, list[str]], captions: Mapping[str, str]
    ) -> dict[str, UnitCounts | None]:
        """By image; none is None: a parser reads everything. Each text is parsed once, whoever says it again."""
        if self._scenes:
            from cim.metrics.units import scene_units
            from cim.scenes.parse import parse

            return {
                image: scene_units(parse(" ".join(several)), parse(captions[image]))
                for image, several in references.items()
            }
        from cim.graphs.union import shared

        texts = [*captions.values(), *(one for several in references.values() for one in several)]
        parser, related = self._spacy
        graphs, found = dict(zip(texts, parser.parse(texts), strict=True)), dict[str, UnitCounts | None]()
        for image, several in references.items():
            kinds = shared(graphs[captions[image]], [graphs[one] for one in several], related).values()
            said, there = sum(len(kind.said) for kind in kinds), sum(len(kind.true) for kind in kinds)
            right = said - sum(len(kind.wrong) for kind in kinds)
            found[image] = UnitCounts(right, said, right, there)
        return found


def result(one: Submission, references: References, scorer: UnitScorer) -> Result:
    """All captions of a captioner against the references."""
    found = scorer(references, one.captions)
    counts = [of for of in found.values() if of is not None]
    return Result(one.name, sum(counts, UnitCounts()), len(counts), len(found) - len(counts), len(one.missing))


def table(results: Sequence[Result]) -> str:
    """A Markdown table: shares in percent, of sums over images."""
    head = ["captions", "precision", "recall", "F1", f"F, beta squared {BETA}", "units said", "set aside", "unjudged"]
    rows = []
    for one in results:
        counts = one.counts
        shares = [counts.precision, counts.recall, counts.f(), counts.f(BETA)]
        numbers = [counts.said, counts.aside, counts.unjudged, one.images, one.unscorable, one.missing]
        rows.append([one.name, *map(percent, shares), *map(str, numbers)])
    return markdown_table([*head, "images", "unscorable", "missing"], rows)


def run(options: argparse.Namespace) -> str:
    """All files of captions; the table. Raises CimError."""
    check_outputs(options)
    if (options.judge is None) == (options.parser is None):
        raise CimError("none or both of --judge and --parser", "one: who takes texts apart", "give --judge or --parser")
    references = read_references(options.references)
    found = [read_submission(path, list(references)) for path in options.captions]
    scorer: UnitScorer
    if options.judge is None:
        scorer = ParsedUnits(options.parser)
    else:
        scorer = JudgedUnits(open_judge(options.judge, options.answers, SYSTEM, LONGEST))
    results = [result(one, references, scorer) for one in found]
    if options.json is not None:
        write_json(options.json, [as_json(one) for one in results])
    return table(results)


def as_json(one: Result) -> dict[str, Any]:
    """JSON-able; shares in [0, 1]."""
    counts = one.counts
    shares = {"precision": counts.precision, "recall": counts.recall, "f1": counts.f(), "f": counts.f(BETA)}
    return {**vars(one), "counts": vars(counts), **shares}


def parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    made = argparse.ArgumentParser("python -m cim.detailed.units", description=__doc__)
    made.add_argument("--references", type=Path, required=True, help="JSON {image id: what people say of it}")
    made.add_argument(
        "--captions", type=Path, nargs="+", required=True, help="JSON {image id: caption}; one row a file"
    )
    made.add_argument("--judge", type=Path, help="YAML that names the text model that takes apart and judges")
    made.add_argument("--parser", choices=("spacy", "scenes"), help="take apart by a parser instead")
    add_outputs(made)
    return made


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table; a CimError goes to stderr and ends with code 1."""
    options = parser().parse_args(arguments)
    with plain_exit("units"):
        print(run(options))


if __name__ == "__main__":
    main()
