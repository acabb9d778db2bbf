"""Files that commands with a judge write beside their table."""

import argparse
from pathlib import Path

from cim.command import check_writable


def add_outputs(parser: argparse.ArgumentParser) -> None:
    """--answers and --json."""
    parser.add_argument("--answers", type=Path, help="file that keeps the judge's answers, for resuming")
    parser.add_argument("--json", type=Path, help="write all figures here, too")


def check_outputs(options: argparse.Namespace) -> None:
    """Before the work begins. Raises CimError for a file that can't be written."""
    for option, path in (("--json", options.json), ("--answers", options.answers)):
        if path is not None:
            check_writable(option, path)
