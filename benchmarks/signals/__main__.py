"""What each reward term changes, alone (alpha 0, beta 0) and with CIM, on the embedded default: one table.

python -m benchmarks.signals --from WORKSPACE --work FOLDER [--seeds 0 1 2] [--only NAME ...] [--write docs/signals.md]

WORKSPACE is a project folder in which the pipeline has run (after `make run`: .): it is CIM with `tune.seed` 0. As in
benchmarks.ablation every variant is a copy of it in which tuning, captions and evaluation run again with other
parameters. All share the warm start, the encoders, the base captioner's captions and the held-out judge, which takes no
part in any term. A command that was stopped goes on. `--only` without a name runs nothing, and tabulates what is there.
"""

import argparse
import sys
from pathlib import Path

from benchmarks.ablation.finished import finished, read
from benchmarks.ablation.runs import run_wanted
from benchmarks.common.document import replace_between
from benchmarks.common.timing import machine
from benchmarks.signals.cost import CALLS, IMAGES, kept_costs
from benchmarks.signals.effects import Found
from benchmarks.signals.scorer import keep_scorer
from benchmarks.signals.tables import Measured, by_seed, methods, not_run, promised
from benchmarks.signals.variants import CIM, DEFAULT_SEED, Row, variants
from cim.errors import CimError


def main() -> None:
    """Run what is asked for and not there yet, then print the tables of what has run."""
    options = parsed()
    known = variants(options.seeds)
    chosen = list(known) if options.only is None else options.only
    try:
        if strange := sorted(set(chosen) - set(known)):
            raise CimError(f"--only {' '.join(strange)}", f"of {', '.join(known)}", "mend the names or add --seeds")
        if any("learned" in name for name in chosen):
            keep_scorer(options.source, options.work)
        run_wanted({name: known[name] for name in chosen}, options.source, options.work)
        tables = tabulate(options, list(known))
    except CimError as error:
        sys.exit(str(error))
    for marker, text in tables.items():
        print(f"\n{marker}\n{text}")
        if options.write:
            replace_between(options.write, marker, text)


def tabulate(options: argparse.Namespace, names: list[str]) -> dict[str, str]:
    """Markdown by marker."""
    default = CIM.name(DEFAULT_SEED)
    runs = {name: read(options.work / name) for name in names if finished(options.work / name)}
    found = Found.of(default, {default: read(options.source), **runs})
    cost = kept_costs(options.source, options.work)
    measured = Measured(found, options.seeds, cost.milliseconds, gained(options.downstream, options.work))
    codes = sorted({one.code[:8] for one in found.runs.values()})
    note = (
        f"{len(found.runs[default].ids)} eval images. Costs: calls of {2 * IMAGES} captions of {IMAGES} images, {CALLS}"
        f" of them, one thread; 10,000,000 additions in Python took {cost.additions:.2f} s (about 0.5 s on a laptop)."
        f" {machine('torch')}. Made with code {', '.join(codes)}."
    )
    return {
        "signals": f"{methods(measured)}\n\n{note}",
        "signals-promised": promised(measured),
        "signals-seeds": by_seed(measured),
        "signals-not-run": not_run(names, found),
    }


def gained(terms: list[str], work: Path) -> dict[str, str]:
    """What terms are worth downstream, by name."""
    if not terms:
        return {}
    from benchmarks.signals.downstream import downstream  # torch

    return {name: downstream(work / Row(name, alone=True).name(DEFAULT_SEED)) for name in terms}


def parsed() -> argparse.Namespace:
    """The options of the command."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks.signals", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--from", dest="source", type=Path, default=Path("."), help="workspace; default: %(default)s")
    parser.add_argument("--work", type=Path, required=True, help="folder of the variants; kept")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="of tuning; default: %(default)s")
    parser.add_argument("--only", nargs="*", help="variants to run; default: all of these seeds")
    parser.add_argument(
        "--downstream", nargs="*", default=[], help="terms whose captions, alone and with seed 0, train a CLIP as well"
    )
    parser.add_argument("--write", type=Path, help="Markdown file with the markers of the tables")
    return parser.parse_args()


if __name__ == "__main__":
    main()
