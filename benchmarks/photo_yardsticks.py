"""The yardsticks on photos: captions of a finished workspace beside a person's and another photo's.

python -m benchmarks.photo_yardsticks [--data data] [--count 500] [--write docs/yardsticks.md]

No model writes or judges here: retrieval and CLIPScore are the held-out encoder's, look-alikes the reward's encoder's,
units and objects are spaCy's against the references, and the two arenas compare captions by the cosine with the photo
and by their units. Captioners whose captions are not there are left out.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.common.document import replace_between
from cim.detailed.open_chair import open_chair, spacy_reader
from cim.detailed.submission import submission
from cim.detailed.units import ParsedUnits
from cim.encoders.load import load_clip
from cim.layout import Layout
from cim.markdown import percent, table
from cim.metrics.evalset import CAPTIONERS, EvalSet, read_eval_set
from cim.metrics.heldout import judge_held_out
from cim.metrics.pool import Pool
from cim.metrics.units import BETA, UnitCounts
from cim.metrics.yardsticks import PERSON, YARDSTICKS, with_yardsticks
from cim.params import Negatives
from cim.shards.read import read_manifest

Values = npt.NDArray[np.float64]
NEGATIVES = (Negatives(kind="random", count=99), Negatives(kind="alike", count=9))
SHARES = {  # of `judge_held_out`: what they are called here
    "r1_random_99": "R@1 of 100 at random", "text_r1_random_99": "R@1 of 100 at random, image to text",
    "r1_alike_9": "R@1 of 10 alike", "text_r1_alike_9": "R@1 of 10 alike, image to text",
    "bag_3": "bags of 3", "bag_5": "bags of 5", "bag_7": "bags of 7",
}  # fmt: skip


def photos(layout: Layout, count: int) -> EvalSet:
    """The first `count` eval photos with a person's and another photo's captions, and what captioners said."""
    if all(layout.captions(name, "eval").is_dir() for name in CAPTIONERS):
        found = read_eval_set(layout)
    else:
        manifest = read_manifest(layout.shards("eval"))
        several = [list(captions) for captions in manifest["captions"].to_list()]
        found = EvalSet(manifest["id"].to_list(), several, [None] * len(several), {}, {}, {})
    first = EvalSet(
        found.ids[:count],
        found.references[:count],
        found.truths[:count],
        {name: captions[:count] for name, captions in found.captions.items()},
        {name: cut[:count] for name, cut in found.truncated.items()},
        {},
    )
    return with_yardsticks(first)


def rows(evaluated: EvalSet, layout: Layout) -> dict[str, dict[str, str]]:
    """By captioner, then by the name of a column: what the table shows."""
    encoder = load_clip(layout.model("heldout"), "cpu")
    bare = replace(evaluated, references=[[]] * len(evaluated.ids))  # RefCLIPScore is not asked for
    judged = judge_held_out(bare, Pool.open(layout), encoder.encode_texts, negatives=NEGATIVES)
    said = [_by_id(evaluated, captions) for captions in evaluated.captions.values()]
    reader = spacy_reader([_by_id(evaluated, evaluated.references), *said])
    units = {name: _units(evaluated, name) for name in evaluated.captions}
    found: dict[str, dict[str, str]] = {}
    for name, held in judged.items():
        values = {key: column[:, 0] for key, column in held.values.items()}
        row = {"R@1": percent((held.ranks == 1).mean())}
        row["R@1, image to text"] = percent((values["text_rank"] == 1).mean())
        row |= {label: percent(np.nanmean(values[key])) for key, label in SHARES.items()}
        row["CLIPScore"] = f"{np.nanmean(values['clip_score']):.3f}"
        counts = sum(units[name], UnitCounts())
        row |= {"units right": percent(counts.precision), "units told": percent(counts.recall)}
        against = dict(zip(evaluated.ids, evaluated.against(name), strict=True))
        captions = submission(name, _by_id(evaluated, evaluated.captions[name]), evaluated.ids)
        chair = open_chair(captions, against, reader, None)
        row["objects in no reference"] = percent(1 - chair.named / chair.said if chair.said else None)
        mine, person = values["clip_score"], judged[PERSON].values["clip_score"][:, 0]
        row["arena by cosine, against a person's"] = percent(_share(mine, person))
        f = [[one.f(BETA) or 0.0 for one in units[who]] for who in (name, PERSON)]
        row["arena by units, against a person's"] = percent(_share(*map(np.array, f)))
        found[name] = row
    return found


def _units(evaluated: EvalSet, name: str) -> Sequence[UnitCounts]:
    against = dict(zip(evaluated.ids, evaluated.against(name), strict=True))
    found = ParsedUnits("spacy")(against, _by_id(evaluated, evaluated.captions[name]))
    return [found[image] or UnitCounts() for image in evaluated.ids]


def _by_id(evaluated: EvalSet, values: Sequence[Any]) -> dict[str, Any]:
    return dict(zip(evaluated.ids, values, strict=True))


def _share(mine: Values, theirs: Values) -> float:
    """Won, and half of the ties."""
    return float(np.mean((mine > theirs) + (mine == theirs) / 2))


def main() -> None:
    """Print the table, or write it into a document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("data"), help="of a workspace of photos, evaluated or not")
    parser.add_argument("--count", type=int, default=500, help="photos")
    parser.add_argument("--write", type=Path, help="Markdown file with the markers <!-- photos -->")
    options = parser.parse_args()
    layout = Layout(options.data)
    evaluated = photos(layout, options.count)
    found = rows(evaluated, layout)
    names = {name: YARDSTICKS.get(name, name) for name in found}
    columns = list(next(iter(found.values())))
    shown = [[column, *(row[column] for row in found.values())] for column in columns]
    content = table([f"{len(evaluated.ids)} photos", *names.values()], shown)
    print(content)
    if options.write:
        replace_between(options.write, "photos", content)


if __name__ == "__main__":
    main()
