"""What refiners do to captions of scenes, by the exact facts: dropping, enriching, consensus over views, choosing.

python -m benchmarks.refine --data data [--images 300] [--samples 5] [--kept said.parquet] [--write docs/refine.md]

Of a finished run of the default: the first scenes of its eval split, its base and its tuned captioner. What these say
is kept in a file, so that tables can be made again.
"""

import argparse
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common.document import replace_between
from benchmarks.refine.choices import Candidates, table
from benchmarks.refine.facts import HEADER, counts, row
from benchmarks.refine.said import WHO, Seen, captioner_of, captions, log_probs, look, views
from cim.images.ids import content_id
from cim.layout import Layout
from cim.params import load_params
from cim.params.refiners import DropUnanswerable as DropSettings
from cim.params.refiners import Enrich as EnrichSettings
from cim.refine.base import Bill, Sample, Unfit
from cim.refine.enrich import Enrich
from cim.refine.medoid import medoid
from cim.refine.scene_exam import SceneExam
from cim.refine.scene_votes import agreed_caption
from cim.refine.unanswerable import DropUnanswerable

LOCAL = {"looker": {"kind": "local", "folder": "replayed"}, "questions": {"kind": "scenes"}}
CHOICE = "| chosen | F1, even images | F1, odd images | more than the best alone, odd (95%) |\n|---|--:|--:|--:|"


class Replays:
    """Meets Looker: the samples that were drawn, by the image's name."""

    parallel = 1

    def __init__(self, said: dict[str, list[str]]) -> None:
        self._said = said

    def look(self, image: bytes, prompts: Sequence[str], bill: Bill) -> list[str]:
        return self._said[content_id(image)][: len(prompts)]

    def identity(self) -> dict[str, Any]:
        return {}


def dropped(seen: Seen, samples: int) -> Iterator[str]:
    """Facts that the captioner does not say again in most of its samples."""
    for who in WHO:
        before = counts(seen.truths, seen.greedy[who])
        yield row(f"{who}", before)
        for most in (0.2, 0.4, 0.6):
            settings = DropSettings.model_validate(
                {"kind": "drop_unanswerable", **LOCAL, "trials": samples, "max_wrong": most}
            )
            looker = replayed(seen, who)
            refiner = DropUnanswerable(settings, looker, SceneExam(settings, "", looker))
            after = [refined(refiner.drop, at, text) for at, text in enumerate(seen.greedy[who])]
            yield row(f"{who}, dropped above {most:g} wrong", counts(seen.truths, after), before)


def enriched(seen: Seen, samples: int) -> Iterator[str]:
    """What the captioner's samples say beyond its greedy caption."""
    for who in WHO:
        before = counts(seen.truths, seen.greedy[who])
        yield row(f"{who}", before)
        for budget, votes in ((1, 1), (samples, 1), (samples, 2)):
            settings = EnrichSettings.model_validate({"kind": "enrich", **LOCAL, "budget": budget, "min_votes": votes})
            refiner = Enrich(settings, replayed(seen, who))
            after = [refined(refiner.enrich, at, text) for at, text in enumerate(seen.greedy[who])]
            yield row(f"{who}, {budget} answers, {votes} votes", counts(seen.truths, after), before)


def rated(layout: Layout, seen: Seen) -> Iterator[str]:
    """Whether what the image adds to a sample's log-probability tells right samples from those with a wrong fact."""
    for who in WHO:
        texts, every = [*chain.from_iterable(seen.sampled[who])], len(seen.sampled[who][0])
        pictures = [picture for picture in seen.pictures for _ in range(every)]
        counted = counts([truth for truth in seen.truths for _ in range(every)], texts)
        right = counted[:, 0] == counted[:, 1]
        captioner = captioner_of(layout, who)
        seeing, blind = log_probs(captioner, pictures, texts), log_probs(captioner, [None] * len(texts), texts)
        gains = [np.array(a) - np.array(b) for a, b in zip(seeing, blind, strict=True)]
        shares = {
            "mean gain": [float(one.mean()) if len(one) else -9.0 for one in gains],
            "greatest gain": [float(one.max()) if len(one) else -9.0 for one in gains],
            "least gain": [float(one.min()) if len(one) else -9.0 for one in gains],
            "mean log-probability": [float(np.mean(one)) if one else -9.0 for one in seeing],
        }
        cells = " | ".join(f"{_auc(np.array(values), right):.2f}" for values in shares.values())
        yield f"| {who} | {100 * right.mean():.0f}% | {cells} |"


def agreed(layout: Layout, seen: Seen, number: int) -> Iterator[str]:
    """One caption for several drawings of one scene."""
    pictures = views(seen.truths, number, seen.pictures[0].width)
    names = [f"{name}-{at}" for name in seen.ids for at in range(number)]
    for who in WHO:
        flat = captions(captioner_of(layout, who), [*chain.from_iterable(pictures)], names)
        said = [flat[start : start + number] for start in range(0, len(flat), number)]
        one = counts(seen.truths, [texts[0] for texts in said])
        yield row(f"{who}, one view", one)
        yield row(f"{who}, medoid of {number}", counts(seen.truths, [texts[medoid(texts)] for texts in said]), one)
        for share in (0.25, 0.5):
            facts = [agreed_caption(texts, share) or texts[0] for texts in said]
            yield row(f"{who}, facts of {share:g} of {number}", counts(seen.truths, facts), one)


def replayed(seen: Seen, who: str) -> Replays:
    """The captioner's samples; an image is named by its place."""
    return Replays({content_id(_name(at)): texts for at, texts in enumerate(seen.sampled[who])})


def refined(refine: Any, at: int, text: str) -> str:
    """A refiner's text of one image."""
    try:
        return str(refine(Sample(str(at), _name(at), {}, {}, {}, text)).text)
    except Unfit:
        return text


def _name(at: int) -> bytes:
    return str(at).encode()


def _auc(values: Any, right: Any) -> float:
    """The chance that a right one has the higher value than a wrong one."""
    from scipy.stats import mannwhitneyu

    good, bad = values[right], values[~right]
    return float(mannwhitneyu(good, bad).statistic / (len(good) * len(bad))) if len(good) and len(bad) else float("nan")


def main() -> None:
    """Print the tables, and put them into a document."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks.refine", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--params", type=Path, default=Path("params.yaml"))
    parser.add_argument("--data", type=Path, default=Path("data"), help="of a finished run; default: %(default)s")
    parser.add_argument("--images", type=int, default=300, help="default: %(default)s")
    parser.add_argument("--samples", type=int, default=5, help="captions sampled an image; default: %(default)s")
    parser.add_argument("--views", type=int, default=4, help="drawings of a scene; default: %(default)s")
    parser.add_argument("--kept", type=Path, default=Path("said.parquet"), help="default: %(default)s")
    parser.add_argument("--write", type=Path, help="Markdown file with the markers <!-- refined-scenes -->")
    options = parser.parse_args()
    layout, params = Layout(options.data.resolve()), load_params(options.params)
    seen = look(layout, "eval", options.images, options.samples, options.kept)
    parts = [f"{len(seen.ids)} scenes of eval, {options.samples} samples at temperature 1 where samples are asked for."]

    def part(title: str, head: str, lines: Iterator[str]) -> None:
        parts.append("\n".join([f"#### {title}\n", head, *lines]))
        print(f"\n{parts[-1]}", flush=True)

    part("drop_unanswerable", HEADER.format("before"), dropped(seen, options.samples))
    part("enrich", HEADER.format("before"), enriched(seen, options.samples))
    part(
        "Samples that are right rated above those with a wrong fact (chance 0.50)",
        "| of | right | mean gain | greatest gain | least gain | mean log-probability |\n|---|--:|--:|--:|--:|--:|",
        rated(layout, seen),
    )
    part("consensus over views", HEADER.format("one view"), agreed(layout, seen, options.views))
    pairs = [list(pair) for pair in zip(seen.greedy["base"], seen.greedy["tuned"], strict=True)]
    only = {who: np.tile(np.arange(2) == place, (len(pairs), 1)).astype(float) for place, who in enumerate(WHO)}
    part("choose: base or tuned", CHOICE, iter(table(Candidates(layout, params, seen, pairs), only)))
    for who in WHO:
        texts = seen.sampled[who]
        first = {"the first sample": np.tile(np.arange(options.samples) == 0, (len(texts), 1)).astype(float)}
        found = Candidates(layout, params, seen, texts)
        part(f"choose: one of {options.samples} samples, {who}", CHOICE, iter(table(found, first)))
    if options.write:
        replace_between(options.write, "refined-scenes", "\n\n".join(parts))


if __name__ == "__main__":
    main()
