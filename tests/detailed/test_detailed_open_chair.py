"""Objects of any vocabulary: who is asked about which, what the answers are worth, and what silence hides."""

import json
from pathlib import Path

import pytest
from answering_by import Judging, shown

from cim.detailed import open_chair as command
from cim.detailed.open_chair import OpenChair, concrete, open_chair, spacy_reader
from cim.detailed.submission import submission
from cim.errors import CimError

REFERENCES = {"1": ["A man rides a bicycle.", "A cyclist on a road."], "2": ["A boat."], "3": ["Two cats."]}
CAPTIONS = {"1": "A man on a bike beside a tree and a lamp.", "2": "A boat with a kite, a flag and an anchor.", "3": ""}


def says(prompt: str) -> str | None:
    return {"tree": "Yes.", "lamp": "no", "kite": "unsure", "flag": None, "anchor": "perhaps"}[shown(prompt)[-1]]


def test_counts_by_hand() -> None:
    """Said: man, bike, tree, lamp; boat, kite, flag, anchor. Named: man, bike (bicycle), boat. Of the five asked about
    one is there, one is not, of one the judge is unsure, two answers can't be read: 1 of 5 known is hallucinated; all
    but yes are 4 of 8."""
    judge = Judging(says)
    one = submission("mine", CAPTIONS, list(REFERENCES))
    found = open_chair(one, REFERENCES, spacy_reader([REFERENCES, CAPTIONS]), judge)
    assert found == OpenChair("mine", said=8, named=3, present=1, absent=1, unsure=1, unread=2, images=3, silent=1)
    assert (found.hallucinated, found.published) == (1 / 5, 4 / 8)
    assert sorted(shown(prompt)[-1] for prompt in judge.asked) == ["anchor", "flag", "kite", "lamp", "tree"]
    assert shown(judge.asked[0])[:2] == REFERENCES["1"]


def test_without_a_judge_no_share_of_hallucinations_is_told() -> None:
    reader = spacy_reader([REFERENCES, CAPTIONS])
    found = open_chair(submission("mine", CAPTIONS, list(REFERENCES)), REFERENCES, reader, None)
    assert (found.hallucinated, found.published, found.named, found.said) == (None, None, 3, 8)
    silent = open_chair(submission("none", {}, list(REFERENCES)), REFERENCES, reader, Judging(says))
    assert (silent.hallucinated, silent.published, silent.silent) == (None, None, 3)


def test_the_list_of_concrete_words(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("Word,Bigram,Conc.M\nball,0,5\ngame,0,4.5\nTree,0,4.9\n")
    (tmp_path / "a.txt").write_text("Word\tBigram\tConc.M\nball\t0\t5\n")
    kept = concrete(tmp_path / "a.csv")
    assert [kept(name) for name in ("ball", "game", "tree", "tennis ball", "way")] == [True, False, True, True, False]
    assert concrete(tmp_path / "a.txt")("ball")
    (tmp_path / "b.csv").write_text("word\nball\n")
    for name in ("b.csv", "none.csv"):
        with pytest.raises(CimError, match="concreteness"):
            concrete(tmp_path / name)


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "people.json").write_text(json.dumps(REFERENCES))
    (tmp_path / "mine.json").write_text(json.dumps(CAPTIONS))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(command, "open_judge", lambda *_: Judging(says))
    files = ["--references", "people.json", "--captions", "mine.json"]
    command.main([*files, "--judge", "judge.yaml", "--json", "out.json"])
    assert "| mine | 20.0 | 50.0 | 62.5 | 8 | 3 | 1 | 1 | 1 | 2 | 1 |" in capsys.readouterr().out
    assert json.loads((tmp_path / "out.json").read_text())[0]["hallucinated"] == 1 / 5
    command.main(files)
    assert "| mine | - | - | 62.5 | 8 | 3 | 0 | 0 | 0 | 0 | 1 |" in capsys.readouterr().out


@pytest.mark.parametrize("content", ["[]", "{}", '{"1": 3}', '{"1": []}', '{"1": [" "]}', '{"1": ""}'])
def test_references_of_another_shape(tmp_path: Path, content: str, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "people.json").write_text(content)
    with pytest.raises(SystemExit):
        command.main(["--references", str(tmp_path / "people.json"), "--captions", "none.json"])
    assert "list of descriptions" in capsys.readouterr().err
