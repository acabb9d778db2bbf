"""Text and page: aligned, escaped, alone."""

import re
import weakref
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import cim.score.page as page_module
from cim.layout import Layout
from cim.params import Reward
from cim.params.guards import Guards
from cim.records import IdentityScore
from cim.report.pictures import Splits
from cim.rewards.retriever import Unscorable
from cim.rewards.training_reward import NO_TERMS, Further, Penalty, TrainingReward
from cim.score.__main__ import main
from cim.score.page import FAULTS, SIZE, Page, build, render
from cim.score.requests import InvalidRequest, Request
from cim.score.run import Result, read_picture
from cim.score.show import Summary, block, printable

SCORE = IdentityScore(0.75, -0.25, 0.5, ("aa", "bbbb"), (0.9, 0.8), (0.5, -0.5))
EVIL = "<script>alert(1)</script> \x1b[31m & \ud800"


PUNISHED = TrainingReward(-2.5, 0.75, -0.25, (Penalty("length", 0.0, 3.0), Penalty("copied", -1.0, 3.0)))


def result(caption="a dog", outcome=SCORE, line=None, reward=PUNISHED):
    return Result(Request(caption, id="source", line=line), "source", outcome, reward)


def test_a_block_is_aligned():
    assert block(result(line=3), {"aa": "a  black\ndog", "bbbb": "x" * 200}, "clip").splitlines() == [
        "line 3: image source",
        "caption  a dog",
        "GRC 0.7500  QIR -0.2500  total 0.5000",
        "guards   copied -1.0000 x 3; reward with them, as training pays it, -2.5000",
        "rank  id    caption to image  image cosine  caption",
        "   1  aa              0.9000        0.5000  a black dog",
        "   2  bbbb            0.8000       -0.5000  ...",
    ]


def test_what_is_missing_is_said():
    unscorable = block(result(outcome=Unscorable("undecodable image"), reward=NO_TERMS), {}, "clip")
    assert unscorable.endswith("unscorable: undecodable image")
    free = block(result(reward=TrainingReward(0.5)), {}, "clip")
    assert "none fires; reward with them, as training pays it, 0.5000" in free
    assert block(InvalidRequest("not JSON", 7), {}, "clip") == "line 7: bad: not JSON"


def test_terms_are_shown_with_their_weights_and_none_where_they_failed():
    further = (Further("bags", 0.25, 2.0), Further("self_retrieval", None, 1.0))
    lacking = result(reward=TrainingReward(None, 0.75, -0.25, (), further))
    assert "terms    bags 0.2500 x 2, self_retrieval unscorable" in block(lacking, {}, "clip").splitlines()
    paid = result(reward=TrainingReward(1.0, 0.75, -0.25, (), further))
    params = Reward.model_validate({"terms": {"self_retrieval": {"weight": 1.0}}})
    page = render(Page([paid], params, {}, {}, {}, summary_of([paid])))
    assert "Bags: <b>0.250</b> &times; 2. Self retrieval: unscorable. Training pays" in page
    assert "and with self retrieval, asked about the images here" in page


def test_nothing_steers_the_terminal():
    text = block(result(EVIL), {"aa": EVIL}, "fused")
    assert "\x1b" not in text
    text.encode()
    assert printable("a\tb\nc é 😀") == "a\tb\nc é 😀"


def test_a_summary_counts():
    summary = Summary()
    other = result(outcome=IdentityScore(0.25, 0.75, 1.0, (), (), ()), reward=TrainingReward(1.0))
    for one in (result(), other, InvalidRequest("x", 1), InvalidRequest("y", 2)):
        summary.add(one)
    summary.add(result(outcome=Unscorable("why"), reward=NO_TERMS))
    assert summary.mean_reward() == -0.75  # -2.5 and 1
    assert summary.read == 3
    assert summary.means() == [0.5, 0.25, 0.75]
    assert summary.first_bad == "x"
    assert str(summary).startswith("3 captions: 2 scored, 1 unscorable; bad lines: 2")
    assert Summary().means() is None


@pytest.fixture
def page():
    results = [result(EVIL, line=1), result(outcome=Unscorable("why")), InvalidRequest(EVIL, 9)]
    return render(Page(results, Reward(), {"aa": EVIL}, {"aa": "data:image/png;base64,AA"}, {}, summary_of(results)))


def summary_of(results):
    summary = Summary()
    for one in results:
        summary.add(one)
    return summary


def test_a_page_stands_alone_and_runs_nothing(page):
    assert re.findall(r"""(?:src|href)\s*=\s*["'](?!data:)([^"']+)""", page) == []
    assert "<script" not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") == 3
    assert "\x1b" not in page
    page.encode()


def test_a_page_says_what_is_missing(page):
    assert "Unscorable: why" in page
    assert page.count("no picture") == 3  # of both sources and of "bbbb"
    assert "\u22120.250" in page
    assert "prefers-color-scheme: dark" in page


def test_a_page_says_what_guards_take_and_how_many_it_shows(page):
    assert "Guards take away 3.000 for <b>another image&#39;s caption</b>." in page
    assert "Training pays <b>\u22122.500</b>." in page
    summary = summary_of([result()] * 3)
    assert "The first 1 of them" in render(Page([result()], Reward(), {}, {}, {}, summary))


def test_every_guard_has_its_plain_words():
    assert set(FAULTS) == set(Guards.model_fields)


def test_pictures_of_files_share_the_room_and_are_held_one_at_a_time(tmp_path, monkeypatch):
    rng, held, most = np.random.default_rng(0), [], []
    results = []
    for number in range(20):
        path = tmp_path / f"{number}.png"
        Image.fromarray(rng.integers(0, 255, (200, 200, 3), dtype=np.uint8)).save(path)
        results.append(Result(Request("a", image=path), str(number), Unscorable("why")))
    (tmp_path / "3.png").unlink()  # since it was scored

    def watched(path):
        picture = read_picture(path)
        held.append(weakref.ref(picture))
        most.append(sum(one() is not None for one in held))
        return picture

    monkeypatch.setattr(page_module, "read_picture", watched)
    monkeypatch.setattr(page_module, "SIZE", replace(SIZE, all=60_000))
    sources = build(results, Reward(), Splits(Layout(tmp_path), []), Summary()).sources
    assert sources.keys() == {str(number) for number in range(20)} - {"3"}
    assert max(map(len, sources.values())) <= 3000  # 60,000 among 20
    assert max(most) <= 2  # that before, until it is replaced


def test_a_place_that_is_refused_is_refused_before_anything_is_read(tmp_path, capsys):
    arguments = ["--id", "x", "--caption", "a", "--data", str(tmp_path / "nothing"), "--html", str(tmp_path)]
    with pytest.raises(SystemExit, match="1"):
        main(arguments)
    assert "can't be written (a folder)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("tune.reward.spce=clip", "did you mean 'space'"),
        ("k", "--set k"),
        ("tune.reward={k: 1, k: 2}", "--set tune.reward={k: 1, k: 2} can't be read at line 1, column 8"),
        ("evaluate.allow_same_encoder=on", "write true or false"),
        ("tune.steps=[", "can't be read at line 2"),
    ],
)
def test_parameters_given_with_the_command_are_checked(tmp_path, capsys, given, found):
    with pytest.raises(SystemExit, match="1"):
        main(["--id", "x", "--caption", "a", "--data", str(tmp_path), "--set", given])
    assert found in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--id", "--caption", "--prompt"])
def test_bytes_that_are_no_utf8_are_refused(capsys, option):
    typed = {"--id": "x", "--caption": "a", "--prompt": "Describe."} | {option: "caf\udce9"}  # as argv holds b"caf\xe9"
    with pytest.raises(SystemExit, match="1"):
        main([part for pair in typed.items() for part in pair])
    assert f"found {option} with bytes that are no UTF-8" in capsys.readouterr().err
