"""Where a caption comes from, and whether all of that is still as it was: hashes every file on the way.

python -m cim.lineage 000000012                      # a caption's key, or its image's id
python -m cim.lineage target-000000                   # all captions of a shard
python -m cim.lineage data/tuned/model --json         # a captioner
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cim.command import plain_exit
from cim.errors import CimError
from cim.layout import Layout
from cim.lineage.find import links_from
from cim.lineage.verify import Verdict, verified


def main(arguments: Sequence[str] | None = None) -> None:
    """Print each link, as it is verified; ends with code 1 and names the first that is broken, if any is."""
    options = _parser().parse_args(arguments)
    with plain_exit("lineage"):
        found = []
        for verdict in verified(links_from(Layout(options.data), options.name, options.captions)):
            found.append(verdict)
            if not options.json:
                print(_text(verdict), flush=True)
        if options.json:
            print(json.dumps([_values(verdict) for verdict in found], indent=2))
        broken = [verdict for verdict in found if verdict.problem]
        if broken:
            first = broken[0]
            raise CimError(
                f"{_title(first)} broken, the first of {len(broken)} such links: {first.problem}",
                "every file as it was when its hash was recorded",
                "bring back what was recorded (`dvc checkout`, `dvc pull`), or make it and all after it anew"
                " (`dvc repro`)",
            )


def _text(verdict: Verdict) -> str:
    lines = [f"{'BROKEN' if verdict.problem else 'ok':<7} {_title(verdict)}"]
    if verdict.link:
        lines[0] += f"  {verdict.link.path}"
        lines += [f"{'':<10}{name}: {value}" for name, value in verdict.link.facts.items()]
    return "\n".join([*lines, *([f"{'':<10}{verdict.problem}"] if verdict.problem else [])])


def _title(verdict: Verdict) -> str:
    return verdict.link.title if verdict.link else "the next link"


def _values(verdict: Verdict) -> dict[str, Any]:
    link = verdict.link
    told = {"path": str(link.path), "recorded_in": str(link.recorded_in), "facts": dict(link.facts)} if link else {}
    return {"link": _title(verdict), **told, "problem": verdict.problem}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m cim.lineage", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", metavar="KEY|SHARD|MODEL", help="what to trace back")
    parser.add_argument("--data", type=Path, default=Path("data"), help="folder of artefacts (default: %(default)s)")
    parser.add_argument("--captions", type=Path, help="folder of captions to search (default: data/captions)")
    parser.add_argument("--json", action="store_true", help="the links as JSON")
    return parser


if __name__ == "__main__":
    main()
