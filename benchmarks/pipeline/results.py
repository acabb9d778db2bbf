"""A run's metrics.json as a Markdown table, put into a document.

python -m benchmarks.pipeline.results data/report/metrics.json --write docs/results.md --name default-run
"""

import argparse
import json
from pathlib import Path

from benchmarks.common.document import replace_between
from cim.report.table import markdown


def main() -> None:
    """Print the table, and write it where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("metrics", type=Path)
    parser.add_argument("--write", type=Path, help="Markdown file with the markers <!-- NAME --> and <!-- end NAME -->")
    parser.add_argument("--name", default="default-run", help="of the markers")
    options = parser.parse_args()
    shown = markdown(json.loads(options.metrics.read_text()))
    print(shown)
    if options.write:
        replace_between(options.write, options.name, shown)


if __name__ == "__main__":
    main()
