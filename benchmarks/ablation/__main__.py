"""A miniature of the paper's tables: what each part of the method changes, on the embedded default.

python -m benchmarks.ablation --work FOLDER --from WORKSPACE [--only NAME ...]    # runs variants
python -m benchmarks.ablation --work FOLDER [--tables NAME ...] [--write docs/ablation.md]    # tabulates what is there

WORKSPACE is a project folder in which the pipeline has run (after `make run`: .). Every variant is a copy of it with
other parameters, in which only the stages named in `variants` run again, so that variants share the warm start, the
encoders and the held-out judge. A variant that has run with the same parameters, code and workspace is not run again;
one that has run with others is refused, never deleted. Without --from nothing runs, and what is there is tabulated,
whatever code made it: each table says which.
"""

import argparse
import sys
from pathlib import Path

from benchmarks.ablation.runs import read_all, run_wanted
from benchmarks.ablation.tables import MARKERS, tabulate
from benchmarks.ablation.variants import VARIANTS
from benchmarks.common.document import replace_between
from cim.errors import CimError


def main() -> None:
    """Run what is asked for and not there yet, then print every table whose variants have run."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks.ablation", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, required=True, help="folder of the variants; kept")
    parser.add_argument("--from", dest="source", type=Path, help="workspace to run variants of; default: run nothing")
    parser.add_argument("--only", nargs="*", choices=sorted(VARIANTS), help="variants to run; default: all")
    parser.add_argument("--tables", nargs="*", choices=MARKERS, default=MARKERS, help="default: all")
    parser.add_argument("--write", type=Path, help="Markdown file with the markers of the tables")
    options = parser.parse_args()
    try:
        if options.source:
            run_wanted({name: VARIANTS[name] for name in options.only or VARIANTS}, options.source, options.work)
        found = read_all(options.work)
    except CimError as error:
        sys.exit(str(error))
    for name, one in found.items():
        print(f"{name}: code {one.code[:8]}, {len(one.ids)} images")
    for marker, text in tabulate(found).items():
        if marker in options.tables:
            print(f"\n{marker}\n{text}")
            if options.write:
                replace_between(options.write, marker, text)


if __name__ == "__main__":
    main()
