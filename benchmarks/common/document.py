"""A measured table: the arguments of a script that makes one, and its way into a document, between its markers."""

import argparse
import re
from pathlib import Path


def replace_between(path: Path, name: str, content: str) -> None:
    """Replace what stands between `<!-- name -->` and `<!-- end name -->`. Raises ValueError without them."""
    text = path.read_text(encoding="utf-8")
    pattern = re.compile(rf"(<!-- {re.escape(name)} -->\n).*?(<!-- end {re.escape(name)} -->)", re.DOTALL)
    if not pattern.search(text):
        raise ValueError(f"{path} lacks the markers <!-- {name} --> and <!-- end {name} -->")
    path.write_text(pattern.sub(lambda found: f"{found[1]}\n{content}\n\n{found[2]}", text), encoding="utf-8")


def arguments(doc: str | None, images: int, name: str) -> argparse.Namespace:
    """params, data, count, write and name: what a table from a finished workspace takes.

    doc: says what it is. images: how many unless told. name: of the markers unless told.
    """
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--params", type=Path, default=Path("params.yaml"))
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--count", type=int, default=images, help="images")
    parser.add_argument("--write", type=Path, help="Markdown file with the markers <!-- NAME --> and <!-- end NAME -->")
    parser.add_argument("--name", default=name, help="of the markers")
    return parser.parse_args()
