"""A command that ends as its operator sees it, and what docs/runbook.md says is printed then."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from corpus_files import picture

from cim.params.recaption import Recaptioning
from cim.params.yaml import dump_yaml, read_yaml
from flows.command import main
from flows.recaption import recaption

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/runbook.md"
SHARES = {"gallery": 0.2, "train": 0.2, "validation": 0.2, "target": 0.2, "eval": 0.2}
ANY = "…"  # in the page: whatever stands there


def quoted() -> dict[str, str]:
    """What the page quotes, by heading: the first block of code below it."""
    return _below(r"```\n(.*?)```")


def named_tests() -> dict[str, str]:
    """The test that produces each failure, by heading."""
    return _below("^Produced by `(.*?)`")


def _below(pattern: str) -> dict[str, str]:
    _, *parts = re.split(r"^## (.*)\n", PAGE.read_text(encoding="utf-8"), flags=re.M)
    found = [re.search(pattern, text, re.S | re.M) for text in parts[1::2]]
    return {name: one[1] for name, one in zip(parts[0::2], found, strict=True) if one}


def matches(text: str, said: str) -> bool:
    """Whether `said` has the quotation in it; blanks and line breaks are one, ANY stands for anything."""
    pattern = ".*?".join(re.escape(" ".join(part.split())) for part in text.split(ANY))
    return re.search(pattern, " ".join(said.split())) is not None


def check(heading: str, said: str) -> None:
    """It is what the page quotes, has all three parts, and no traceback."""
    assert matches(quoted()[heading], said), said
    assert re.search(r"(?s)found .*expected .*Remedy: .", said), said
    assert "Traceback" not in said


def ended(command: Callable[[], Any], capfd: pytest.CaptureFixture[str]) -> str:
    """What a command says that ends with code 1."""
    capfd.readouterr()
    with pytest.raises(SystemExit) as over:
        command()
    said = "".join(capfd.readouterr())
    assert over.value.code == 1, said
    return said


def recaptions(folder: Path, base_url: str | None, **changes: Any) -> Callable[[], Any]:
    """`python -m flows.recaption` over three pictures, by a chat server or recaption.model. changes: of recaption."""
    corpus = folder / "photos"
    corpus.mkdir()
    for shade in range(3):
        (corpus / f"{shade}.png").write_bytes(picture(40 * shade))
    asked = {"base_url": base_url, "model": "captioner", "attempts": 1, "parallel": 1}
    params = {
        "runtime": {"workers": 1, "retries": 0, "device": "cpu"},
        "caption": {"prompts": ["Describe."], "max_new_tokens": 9, "batch_size": 1},
        "recaption": {"corpus": {"kind": "folder", "path": "photos"}, "output": "recaptioned"} | changes,
    }
    params["caption"] |= {"engine": "endpoint", "endpoint": asked} if base_url else {}
    (folder / "recaption.yaml").write_text(dump_yaml(params))
    return lambda: main(recaption, "recaption", ["--params", "recaption.yaml"], Recaptioning)


def changed(folder: Path, values: Mapping[str, Any]) -> list[str]:
    """Arguments that name the default's params with other values, by dotted name."""
    params = read_yaml(ROOT / "params.yaml")
    for name, value in values.items():
        *above, last = name.split(".")
        inner = params
        for one in above:
            inner = inner[one]
        inner[last] = value
    (folder / "mine.yaml").write_text(dump_yaml(params))
    return ["--params", "mine.yaml"]


def of_all_kinds(folder: Path) -> list[str]:
    """The same with forty scenes for all splits: a second's work."""
    scenes = {"kind": "scenes", "count": 40, "seed": 1, "detail": 0.9, "near_duplicates": 0.0, "splits": SHARES}
    return changed(folder, {"shard.sources": [scenes]})
