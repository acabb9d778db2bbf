"""What each reward term changes, alone (alpha 0, beta 0) and with CIM, on the embedded default.

python -m benchmarks.signals --work FOLDER --from WORKSPACE [--only NAME ...]    # runs variants
python -m benchmarks.signals --work FOLDER [--write docs/signals.md]    # tabulates what is there

As in benchmarks.ablation: WORKSPACE is a project folder in which the pipeline has run; every variant is a copy of it
in which tuning, captions and evaluation run again with other parameters. All share the warm start, the encoders and
the held-out judge, which takes no part in any term.
"""

import argparse
import sys
from pathlib import Path

from benchmarks.ablation.finished import Ablated, finished, read
from benchmarks.ablation.runs import run_wanted
from benchmarks.ablation.tables import side_by_side
from benchmarks.common.document import replace_between
from benchmarks.signals.variants import TABLES, VARIANTS
from cim.errors import CimError


def main() -> None:
    """Run what is asked for and not there yet, then print the tables of what has run."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks.signals", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, required=True, help="folder of the variants; kept")
    parser.add_argument("--from", dest="source", type=Path, help="workspace to run variants of; default: run nothing")
    parser.add_argument("--only", nargs="*", choices=sorted(VARIANTS), help="variants to run; default: all")
    parser.add_argument("--write", type=Path, help="Markdown file with the markers of the tables")
    options = parser.parse_args()
    try:
        if options.source:
            run_wanted({name: VARIANTS[name] for name in options.only or VARIANTS}, options.source, options.work)
    except CimError as error:
        sys.exit(str(error))
    found = {name: read(options.work / name) for name in VARIANTS if finished(options.work / name)}
    for marker, text in tabulate(found).items():
        print(f"\n{marker}\n{text}")
        if options.write:
            replace_between(options.write, marker, text)


def tabulate(found: dict[str, Ablated]) -> dict[str, str]:
    """Markdown by marker; last, the variants that have not run."""
    built = {marker: side_by_side(found, table) or "" for marker, table in TABLES.items()}
    left = [f"`{name}`" for name in VARIANTS if name not in found]
    return built | {"signals-not-run": f"Not yet run: {', '.join(left)}." if left else "All have run."}


if __name__ == "__main__":
    main()
