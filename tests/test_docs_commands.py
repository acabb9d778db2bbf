"""Every command that README and docs/ give is run by a test or script, or is named as one that can't be run here."""

from pathlib import Path

import pytest
from docs_commands import commands, stale, unclassified, unused
from test_docs import PAGES


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_runs_it_is_said(page: Path) -> None:
    assert unclassified(page.read_text(encoding="utf-8")) == []


def test_the_lists_are_up_to_date(root: Path) -> None:
    assert stale(root) == []
    assert unused([page.read_text(encoding="utf-8") for page in PAGES]) == []


def test_commands_are_found_wherever_they_stand() -> None:
    text = (
        "# Page\nRun `make run`, not `tune.steps` or `dvc.yaml`.\n\n    A=1 python -m flows.nobody --x   # why\n\n"
        "```\n$ dvc magic\nsaid: make it\n```\n\n```yaml\nmake: no\n```\n"
    )
    assert list(commands(text)) == ["dvc magic", "python -m flows.nobody --x", "make run"]
    assert unclassified(text) == ["dvc magic", "python -m flows.nobody --x"]
