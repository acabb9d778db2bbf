"""How sure is a gain over few trainings? Two arms trained from more seeds, and where the gain comes from.

python -m benchmarks.downstream.seeds --from WORKSPACE --work FOLDER [--seeds 8] [--write docs/downstream.md]

Corpus, captions, recipe and exam are those of `benchmarks.downstream`, whose FOLDER it shares: what was trained there
is not trained again. Nothing is chosen by what comes out.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.common.document import replace_between
from benchmarks.downstream.__main__ import CHANCE, MEASURES, SHOWN
from benchmarks.downstream.gains import Gain, gain
from benchmarks.downstream.prepare import Prepared, prepare
from benchmarks.downstream.runs import Key, Result, run
from benchmarks.downstream.tables import cpu_seconds, table
from benchmarks.downstream.texts import described_by_kind
from cim.errors import CimError


def main() -> None:
    """Train what is missing, print the tables, and write them where asked."""
    options = parsed()
    try:
        found = prepare(options.source, options.work, options.images, options.test)
        keys = [(arm, seed) for seed in range(options.seeds) for arm in options.arms]
        results = run(found.material, keys, options.work / "trained", options.workers)
    except CimError as error:
        sys.exit(str(error))
    text = report(found, results, options.arms)
    print(text)
    if options.write:
        replace_between(options.write, "downstream-seeds", text)


def report(found: Prepared, results: dict[Key, Result], arms: Sequence[str]) -> str:
    """Markdown: the gain of the second of two arms over the first, its spread, and its parts."""
    seeds = sorted({seed for _, seed in results})
    values = [[results[arm, seed] for seed in seeds] for arm in arms]
    changed = np.array(found.asked.changed)

    def of(measure: str, only: npt.NDArray[np.bool_] | None = None) -> Gain:
        first, second = ([result[measure] for result in several] for several in values)
        return gain(first, second, only)

    head = ["", *arms, "gain", "95%, over seeds and images"]
    whole = {label: of(name) for name, label in MEASURES.items() if name in SHOWN}
    kinds = {name: of(name) for name in MEASURES if name not in SHOWN}
    chance = CHANCE | {"relation": 1 / 5}
    facts = {kind: changed == kind for kind in sorted(set(found.asked.changed))}
    named = {arm: found.arms[arm] for arm in arms}
    rows = [
        [[*row(name, one), _interval(one.seeds), _interval(one.images)] for name, one in whole.items()],
        [[name, *(f"{100 * gained:+.1f}" for gained in one.per_seed), *_spreads(one)] for name, one in whole.items()],
        [[*row(name, one), f"{100 * chance[name]:.1f}"] for name, one in kinds.items()],
        [[*row(kind, of("fact", only)), f"{only.sum()}"] for kind, only in facts.items()],
    ]
    deviations = [f"sd of {one}" for one in (*arms, "the gain")]
    return "\n\n".join([
        f"{len(seeds)} seeds of training, {len(changed):,} images; {len(results)} models took"
        f" {cpu_seconds(results):.0f} CPU s.",
        "#### Gain, in percent and points",
        table([*head, "over seeds alone", "over images alone"], rows[0]),
        "#### Between seeds, in points",
        table(["gain", *(f"seed {seed}" for seed in seeds), *deviations], rows[1]),
        "#### By short prompts, in percent",
        table([*head, "chance"], rows[2]),
        "#### Right text against one wrong fact, by the kind of that fact, in percent",
        table([*head, "images"], rows[3]),
        "#### What the texts state, in percent",
        described_by_kind(named, found.corpus.graphs),
    ])  # fmt: skip


def row(name: str, one: Gain) -> list[str]:
    """Both arms in percent, the gain in points and its interval over seeds and images."""
    return [name, f"{100 * one.base:.1f}", f"{100 * one.tuned:.1f}", f"{100 * one.value:+.1f}", _interval(one.both)]


def _interval(ends: tuple[float, float]) -> str:
    """In bold where it does not hold 0."""
    text = f"{100 * ends[0]:+.1f} to {100 * ends[1]:+.1f}"
    return f"**{text}**" if ends[0] > 0 or ends[1] < 0 else text


def _spreads(one: Gain) -> list[str]:
    return [f"{100 * spread:.1f}" for spread in one.spreads]


def parsed() -> argparse.Namespace:
    """The options of the command."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks.downstream.seeds",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--from", dest="source", type=Path, default=Path("."), help="workspace; default: %(default)s")
    parser.add_argument("--work", type=Path, required=True, help="folder of captions and results; kept")
    parser.add_argument("--images", type=int, default=3000, help="scenes of the corpus; default: %(default)s")
    parser.add_argument("--test", type=int, default=1000, help="unseen scenes; default: %(default)s")
    parser.add_argument("--arms", nargs=2, default=["base", "tuned"], help="the second against the first")
    parser.add_argument("--seeds", type=int, default=8, help="trainings of each arm; default: %(default)s")
    parser.add_argument("--workers", type=int, default=2, help="trainings at once; default: %(default)s")
    parser.add_argument("--write", type=Path, help="Markdown file with the markers <!-- downstream-seeds -->")
    return parser.parse_args()


if __name__ == "__main__":
    main()
