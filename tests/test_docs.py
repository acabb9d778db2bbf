"""What the documents name is there: commands and their options, files, links, parameters."""

import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from cim.params import Params
from cim.params.contradictions import sections_in
from cim.params.recaption import Recaptioning

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
SHARED = ("flows/command.py", "benchmarks/common/document.py")  # where several commands have options from


def parameters(model: type[BaseModel], start: str = "") -> Iterator[str]:
    """section.field of everything in a params file."""
    for name, field in model.model_fields.items():
        yield start + name
        for section in sections_in(field.annotation):
            yield from parameters(section, f"{start}{name}.")


KNOWN = {*parameters(Params), *parameters(Recaptioning)}
FILES = {".py", ".yaml", ".json", ".faiss", ".parquet"}  # index.faiss is no parameter of index
SECTIONS = "|".join(sorted(name for name in KNOWN if "." not in name))


def wrong(text: str, folder: Path = ROOT) -> list[str]:
    """What `text`, a page in `folder`, names and is not there."""
    found = []
    for module, rest in re.findall(r"python -m ([A-Za-z_]+(?:\.[A-Za-z_]+)*)([^`\n#]*)", text):
        path = ROOT / module.replace(".", "/")
        path = path / "__main__.py" if path.is_dir() else path.with_suffix(".py")
        if path.exists():
            source = "".join(one.read_text() for one in [path, *(ROOT / name for name in SHARED)])
            options = set(re.findall(r"--[a-z][a-z-]+", rest)) - {"--help"}
            found += [f"{module} {option}" for option in options if f'"{option}"' not in source]
        elif (ROOT / module.split(".")[0]).is_dir() or importlib.util.find_spec(module) is None:
            found.append(module)
    named = re.findall(r"`((?:benchmarks|cim|docs|examples|flows|tasks|tests)/[\w./-]+)`", text)
    found += [path for path in named if not (ROOT / path).exists()]
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text)
    found += [link for link in links if "://" not in link and not (folder / link).exists()]
    dotted = re.findall(rf"`((?:{SECTIONS})(?:\.[a-z_][a-z0-9_]*)+)[`:]", text)
    return found + [name for name in dotted if name not in KNOWN and Path(name).suffix not in FILES]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_all_that_a_page_names_is_there(page: Path) -> None:
    assert wrong(page.read_text(encoding="utf-8"), page.parent) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("`python -m flows.nothing`", ["flows.nothing"]),
        ("`python -m cim.score --picture x`", ["cim.score --picture"]),
        ("`python -m cim.score --image x`, `python -m benchmarks.reward.exclusion --count 3`", []),
        ("`cim/engines/nowhere.py`", ["cim/engines/nowhere.py"]),
        ("[the page](nowhere.md#part)", ["nowhere.md"]),
        ("`tune.reward.gamma` and `tune.reward.beta: 1`", ["tune.reward.gamma"]),
    ],
)
def test_what_is_not_there_is_found(text: str, found: list[str]) -> None:
    assert wrong(text) == found
