"""CapArena's files: read, fought, written back, and scored as the published code scores them."""

import json
from pathlib import Path
from typing import Any

import pytest
from answering_by import Judging, shown

from cim.detailed import caparena
from cim.detailed.caparena import HUMAN, Record, fight, read_battles, read_records, score, table
from cim.errors import CimError

BATTLES = {
    f"test_{n}.jpg": {"captions": {HUMAN: f"truth {n}", whom: f"theirs {n}"}, "ref_model": whom, "image_id": n}
    for n, whom in enumerate(["GPT-4o-0806", "GPT-4o-0806", "MiniCPM-V2.6-8B", "MiniCPM-V2.6-8B"])
}
CAPTIONS = {f"test_{n}": f"mine {n} of {n} words" for n in range(4)}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "caparena_auto_600.json").write_text(json.dumps(BATTLES))
    return tmp_path / "caparena_auto_600.json"


def says(prompt: str) -> str:
    """0: mine wins. 1: theirs does. 2: always A, which is a tie. 3: no verdict."""
    reference, first, _ = shown(prompt)
    mine = "A" if first.startswith("mine") else "B"
    return [mine, {"A": "B", "B": "A"}[mine], "A", "Both are fine"][int(reference.split()[1])]


def published_score(name: str, records: list[dict[str, Any]], whom: str) -> float:
    """As the published code counts, which halves what 200 battles give: here of two battles each, hence times 50."""
    right = ("Caption 1 is better.", "Caption 2 is better.", "Tie.")
    fought = [one for one in records if one["ref_model"] == whom and one.get("judge") in right]
    winners = [
        {"1": one["source1"], "2": one["source2"]}.get(one["judge"].removeprefix("Caption ")[0], "Tie")
        for one in fought
    ]
    return 50.0 * (winners.count(name) - winners.count(whom))


def test_battles_are_fought_written_and_read_again(path: Path, tmp_path: Path) -> None:
    records = fight(Judging(says), read_battles(path), "mine", CAPTIONS)
    raw = [one.model_dump(exclude_none=True) for one in records]
    assert [one.won("mine") for one in records] == [1, -1, 0, None]
    assert {one.source1 for one in records} == {"mine", "GPT-4o-0806", "MiniCPM-V2.6-8B"}  # both sides stand first
    assert [one["judge"] for one in raw[2:3]] == ["Tie."]
    assert "judge" not in raw[3]  # the published code passes over it
    assert raw[0]["ref"] == "truth 0"
    assert {raw[0]["caption1"], raw[0]["caption2"]} == {"mine 0 of 0 words", "theirs 0"}
    (tmp_path / "mine.json").write_text(json.dumps(raw))
    assert read_records(tmp_path / "mine.json") == records


def test_scores_are_the_published_ones(path: Path) -> None:
    """Against GPT-4o one won and one lost: 0. Against MiniCPM a tie and no verdict: 0."""
    records = fight(Judging(says), read_battles(path), "mine", CAPTIONS)
    found = score("mine", records)
    assert (dict(found.by), found.average) == ({"GPT-4o-0806": 0, "MiniCPM-V2.6-8B": 0}, 0)
    assert (found.words, found.battles, found.unjudged) == (5, 4, 1)
    winner = Judging(lambda text: "A" if shown(text)[1].startswith("mine") else "B")
    lucky = fight(winner, read_battles(path), "m", CAPTIONS)
    for name, some in (("mine", records), ("m", lucky)):
        raw = [one.model_dump(exclude_none=True) for one in some]
        assert dict(score(name, some).by) == {
            whom: published_score(name, raw, whom) for whom in ("GPT-4o-0806", "MiniCPM-V2.6-8B")
        }
    assert score("m", lucky).average == 100


@pytest.mark.parametrize("constant", ["A", "B", "tie"])
def test_a_constant_judge_gives_nobody_anything(path: Path, constant: str) -> None:
    assert score("mine", fight(Judging(lambda _: constant), read_battles(path), "mine", CAPTIONS)).average == 0


def test_judgments_as_published_are_read() -> None:
    def record(judge: str | None) -> Record:
        return Record(img="i", source1="x", source2="y", caption1="a", caption2="b", ref_model="y", judge=judge)

    said = ["Caption 1 is better", "Caption 2 is better.", "Tie", "Caption 1", None]
    assert [record(text).won("x") for text in said] == [1, -1, 0, None, None]
    assert record("Caption 1 is better.").won("y") == -1


def test_files_of_another_shape(tmp_path: Path) -> None:
    for name, content in {
        "a": "{}", "b": '{"i": {"captions": {"human": "x"}}}', "c": '{"i": {"captions": {"x": "y"}, "ref_model": "x"}}',
    }.items():  # fmt: skip
        (tmp_path / name).write_text(content)
        with pytest.raises(CimError, match="copy the file"):
            read_battles(tmp_path / name)
    (tmp_path / "d").write_text('[{"img": "i"}]')
    with pytest.raises(CimError, match="CapArena"):
        read_records(tmp_path / "d")


def test_the_command(path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A published file of records lies beside: it stays as it is, and stands in the table."""
    monkeypatch.chdir(path.parent)
    monkeypatch.setattr(caparena, "open_judge", lambda *_: Judging(says))
    theirs = [{"img": "i", "source1": "LLaVA-1.5-7B", "source2": "GPT-4o-0806", "caption1": "a dog", "caption2": "b",
               "ref": "r", "ref_model": "GPT-4o-0806", "judge": "Caption 2 is better."}]  # fmt: skip
    Path("records").mkdir()
    Path("records/LLaVA-1.5-7B.json").write_text(json.dumps(theirs))
    Path("mine.json").write_text(json.dumps({f"{name}.jpg": text for name, text in CAPTIONS.items()}))
    command = ["--battles", path.name, "--captions", "mine.json", "--judge", "judge.yaml", "--records", "records"]
    caparena.main(command)
    out = capsys.readouterr().out
    assert "| mine | 0.00 | -" not in out
    assert "| mine | 0.00 | 0.00 | 0.00 | 5.00 | 4 | 1 |" in out
    assert "| LLaVA-1.5-7B | -100.00 | -100.00 | - | 2.00 | 1 | 0 |" in out
    assert json.loads(Path("records/LLaVA-1.5-7B.json").read_text()) == theirs
    with pytest.raises(SystemExit):
        caparena.main(command)
    assert "is there already" in capsys.readouterr().err
    caparena.main(["--records", "records"])
    assert "| mine | 0.00 |" in capsys.readouterr().out
    assert table([score("x", [Record(**theirs[0])])]).startswith("| captioner | average | against GPT-4o-0806 |")
