"""What the documents name is there: commands, options, files, links, parameters; and pages are easy to enter."""

import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from cim.params import Params
from cim.params.contradictions import sections_in
from cim.params.curate import Curation
from cim.params.export import Exporting
from cim.params.recaption import Recaptioning
from cim.params.refine import Refining
from cim.params.remix import Remixing

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
DOCS = [page for page in PAGES if page.parent.name == "docs"]
SHARED = ("flows/command.py", "benchmarks/common/document.py")  # where several commands have options from

FENCE = re.compile(r"^```.*?^```", re.M | re.S)


def parameters(model: type[BaseModel], start: str = "") -> Iterator[str]:
    """section.field of everything in a params file."""
    for name, field in model.model_fields.items():
        yield start + name
        for section in sections_in(field.annotation):
            yield from parameters(section, f"{start}{name}.")


KNOWN = {
    *parameters(Params),
    *parameters(Recaptioning),
    *parameters(Remixing),
    *parameters(Curation),
    *parameters(Exporting),
    *parameters(Refining),
}
FILES = {".py", ".yaml", ".json", ".faiss", ".parquet"}  # index.faiss is no parameter of index
SECTIONS = "|".join(sorted(name for name in KNOWN if "." not in name))


def anchors(text: str) -> set[str]:
    """Of the headings of a page, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)", FENCE.sub("", text), re.M)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def words(text: str) -> int:
    """Those of tables and code are counted, bars and rules are not."""
    return sum(1 for word in text.split() if re.search(r"\w", word))


def long_blocks(text: str, most: int = 699) -> list[str]:
    """Headings of a page, "" for its top, below which more than `most` words follow without another heading."""
    parts = re.split(r"^(#+ .*)$", FENCE.sub(lambda code: code[0].replace("#", " "), text), flags=re.M)
    blocks = zip(["", *parts[1::2]], parts[0::2], strict=True)
    return [heading.lstrip("# ") for heading, block in blocks if words(block) > most]


def opens_late(text: str, most: int = 60) -> bool:
    """Whether a page begins with a long paragraph, and has neither a command nor an example in its first lines."""
    first = text.partition("\n")[2].strip().partition("\n\n")[0]
    return words(first) > most and not re.search(r"^(```|    )", "\n".join(text.splitlines()[:10]), re.M)


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
    named = re.findall(r"`((?:benchmarks|cim|docs|flows|profiles|tasks|tests)/[\w./-]+)`", text)
    found += [path for path in named if not (ROOT / path).exists()]
    links = re.findall(r"\]\(([^)#\s]*)(?:#([^)]*))?\)", text)
    for link, anchor in ((link, anchor) for link, anchor in links if "://" not in link):
        target = folder / link if link else None
        if target is not None and not target.exists():
            found.append(link)
        elif anchor and anchor not in anchors(target.read_text(encoding="utf-8") if target else text):
            found.append(f"{link}#{anchor}")
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
        ("[part](docs/report.md#size), [none](docs/report.md#sizes)", ["docs/report.md#sizes"]),
        ("# One, two\n[part](#one-two) [none](#three)", ["#three"]),
        ("`tune.reward.gamma` and `tune.reward.beta: 1`", ["tune.reward.gamma"]),
    ],
)
def test_what_is_not_there_is_found(text: str, found: list[str]) -> None:
    assert wrong(text) == found


@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.name)
def test_a_page_is_easy_to_enter(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert long_blocks(text) == []
    assert not opens_late(text)


def test_long_blocks_and_late_openings_are_found() -> None:
    """Each row of a table has two words; a comment in code is no heading."""
    rows = "| a | b |\n|---|---|\n" + "| 1 | 2 |\n" * 349
    assert long_blocks(f"# Title\n{rows}\n## Part\nword") == ["Title"]  # 2 + 2 * 349 = 700
    assert long_blocks(f"# Title\n{rows.replace('| a | b |', '')}\n## Part\nword") == []  # 698
    assert long_blocks("# Title\n```\n" + "# one two\n" * 350 + "```\n") == ["Title"]
    assert opens_late("# Title\n" + "word " * 61)
    assert not opens_late("# Title\n" + "word " * 60 + "\n\n" + "word " * 61)
    assert not opens_late("# Title\n" + "word " * 61 + "\n\n    a command\n")
