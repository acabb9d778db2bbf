"""`python -m flows.cost`: what docs/costs.md shows, and what is refused."""

import re
from pathlib import Path

import pytest

from flows.cost import main, parser


def test_the_page_shows_what_is_printed(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By hand: 1e7 images / 12 = 231.5 hours; 125 of 1,000 shards a worker, 28.9 hours, x 8 x 2.5 = 578.70.
    150 KiB x 1e7 = 1.4 TiB; a tar has 1,464.8 MiB, 30 parts: 1,000 x (4 + 31) puts."""
    page = (root / "docs/costs.md").read_text(encoding="utf-8")
    ((arguments, shown),) = re.findall(r"^```\n\$ python -m flows\.cost (.*)\n([^`]*)```", page, re.M)
    main(arguments.split())
    assert capsys.readouterr().out == shown
    for value in ("231.5 hours", "28.9 hours", "578.70", "1.4 TiB", "35,000"):
        assert value in shown


def test_a_run_that_is_not_there_is_one_plain_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="1"):
        main(["--images", "5", "--run", str(tmp_path / "out")])
    said = capsys.readouterr().err
    assert said.startswith("cost: found no log of a run at ")
    assert "Remedy: name the recaption.output of a run that has ended" in said


@pytest.mark.parametrize("wrong", [["--images", "0"], ["--rate", "0"], ["--price", "inf"], ["--workers", "many"]])
def test_wrong_options(wrong: list[str]) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(["--images", "5", *wrong])
