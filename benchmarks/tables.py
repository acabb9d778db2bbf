"""Put a measured table into a document, between its markers."""

import re
from pathlib import Path


def replace_between(path: Path, name: str, content: str) -> None:
    """Replace what stands between `<!-- name -->` and `<!-- end name -->`. Raises ValueError without them."""
    text = path.read_text(encoding="utf-8")
    pattern = re.compile(rf"(<!-- {re.escape(name)} -->\n).*?(<!-- end {re.escape(name)} -->)", re.DOTALL)
    if not pattern.search(text):
        raise ValueError(f"{path} lacks the markers <!-- {name} --> and <!-- end {name} -->")
    path.write_text(pattern.sub(lambda found: f"{found[1]}\n{content}\n\n{found[2]}", text), encoding="utf-8")
