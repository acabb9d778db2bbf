"""Marked words, the choice of cards, what a card says."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cim.metrics.measurements import Measurements
from cim.metrics.references import ReferenceAgreement
from cim.metrics.scenes import Counts
from cim.records import IdentityScore
from cim.report.cards import GAIN, LOSS, RANDOM, Card, Found, Piece, answers, choose, marked_words
from cim.report.html import card_data, choices


def test_added_and_dropped_words_by_hand():
    before, after = marked_words("a star, and a circle.", "A red star above a circle")
    assert before == [Piece("a", False), Piece("star,", False), Piece("and", True), Piece("a circle.", False)]
    assert after == [Piece("A", False), Piece("red", True), Piece("star", False), Piece("above", True),
                     Piece("a circle", False)]  # fmt: skip


def test_all_words_of_an_answer_to_nothing_are_new():
    assert marked_words("", "a star") == ([], [Piece("a star", True)])


@given(st.text(), st.text())
def test_pieces_give_the_captions_back(before, after):
    left, right = marked_words(before, after)
    assert " ".join(piece.text for piece in left) == " ".join(before.split())
    assert " ".join(piece.text for piece in right) == " ".join(after.split())


def test_choose_by_hand():
    # 100 images, gain of image i is i - 50; 8 cards: 4 by lot, 2 largest gains, 2 largest losses
    gains = [float(i - 50) for i in range(100)]
    chosen = choose(gains, 8, seed=0)
    by_lot = [i for i, why in chosen.items() if why == RANDOM]
    assert len(chosen) == 8
    assert len(by_lot) == 4
    best = [i for i in range(99, -1, -1) if i not in by_lot][:2]
    worst = [i for i in range(100) if i not in by_lot][:2]
    assert [i for i, why in chosen.items() if why == GAIN] == best
    assert [i for i, why in chosen.items() if why == LOSS] == worst
    assert choose(gains, 8, seed=0) == chosen != choose(gains, 8, seed=1)


def test_choose_shows_everything_when_it_can():
    assert choose([1.0, None, -1.0], 50, seed=0) == {0: RANDOM, 1: RANDOM, 2: RANDOM}


def test_choose_never_calls_a_loss_a_gain():
    chosen = choose([-1.0] * 40, 20, seed=0)
    assert len(chosen) == 20
    assert GAIN not in chosen.values()


@given(st.lists(st.none() | st.floats(-2, 2), min_size=1, max_size=60), st.integers(1, 70))
def test_choose_fills_up_without_repeats(gains, count):
    assert len(choose(gains, count, seed=3)) == min(count, len(gains))


def measured(caption, total, truncated=False):
    facts = {"objects": Counts(1, 2, 3), "attributes": Counts(), "relations": Counts(1, 1, 1)}
    identity = total and IdentityScore(0.5, total - 0.5, total, ("g1", "g2"), (0.9, 0.8), (0.7, -0.1))
    return Measurements([caption], [truncated], [facts], np.array([3]), [identity], [None])


def card(base, tuned, why=RANDOM):
    ((before, after),) = answers(base, tuned, [0], {"g1": "one"})
    return Card("x", "data:,", [], why, before, after)


def test_answers_and_flags():
    made = card(measured("a", 1.0), measured("a b c d e a b c d", 1.5, True))
    assert made.base.facts[0] == ("objects", 1, 1, 2)  # 1 of 2 said is right; 1 of 3 true was said
    assert made.base.found == [Found("g1", "one", 0.9, 0.7), Found("g2", "", 0.8, -0.1)]
    assert made.gain == pytest.approx(0.5)
    assert made.base.flags == ["wrong facts"]
    assert made.tuned.flags == ["truncated", "repeats itself", "wrong facts"]  # "a b c d" twice
    assert not made.unchanged


def test_unscorable_has_no_gain_and_is_flagged():
    made = card(measured("a", None), measured("a", 1.0))
    assert made.gain is None
    assert made.base.flags == ["wrong facts", "unscorable"]
    assert made.unchanged
    assert made.base.found == []
    (data,) = card_data([made])["cards"]
    assert (data["gain"], data["base"]["grc"], data["base"]["total"]) == (None, None, None)  # never 0


def test_a_caption_that_several_images_got_is_flagged():
    said = Measurements(["a", "b", "a "], [False] * 3, [None] * 3, np.arange(3), [None] * 3, [None] * 3)
    other = Measurements(["c", "d", "e"], [False] * 3, [None] * 3, np.arange(3), [None] * 3, [None] * 3)
    flags = [tuned.flags for _, tuned in answers(other, said, [2, 1], {})]
    assert flags == [["not unique", "unscorable"], ["unscorable"]]
    assert answers(other, said, [0], {})[0][1].facts == []  # no ground truth: nothing is called wrong


def test_a_photo_is_not_called_wrong_but_what_no_reference_names_is_flagged():
    counts = {"objects": Counts(1, 2, 3), "attributes": Counts(0, 1, 1), "relations": Counts()}
    photo = replace(measured("a", 1.0), facts=[None], referenced=[ReferenceAgreement(counts, ("cat",), 0.5, 0.5)])
    right = replace(photo, referenced=[ReferenceAgreement(counts, (), 0.5, 0.5)])
    made = card(photo, right)
    assert made.base.flags == ["in no reference"]
    assert made.tuned.flags == []  # one attribute is in no reference: people leave them out
    assert made.base.facts == [("objects", 1, 1, 2), ("attributes", 0, 1, 1), ("relations", 0, 0, 0)]
    (data,) = card_data([made])["cards"]
    assert (data["base"]["unmentioned"], data["tuned"]["unmentioned"]) == (["cat"], [])
    exact = replace(photo, facts=measured("a", 1.0).facts)  # parser spacy on a scene: the truth decides
    assert card(exact, exact).base.flags == ["wrong facts"]
    assert card_data([card(exact, exact)])["cards"][0]["base"]["unmentioned"] is None


def test_numbers_that_are_not_finite_are_no_numbers():
    made = card(measured("a", float("nan")), measured("a", 1.0))
    assert card_data([made])["cards"][0]["base"]["total"] is None


def test_choices_count_the_cards_that_have_them():
    cards = [card(measured("a", 1.0), measured("b", 1.5)), card(measured("a", None), measured("a", 1.0), GAIN)]
    assert choices(cards) == {
        "How it was chosen": [("why random draw", "random draw", 1), ("why large gain", "large gain", 1)],
        "Flagged after": [("tuned", "any flag", 2), ("tuned wrong facts", "wrong facts", 2)],
        "Flagged before": [("base", "any flag", 2), ("base wrong facts", "wrong facts", 2),
                           ("base unscorable", "unscorable", 1)],
        "Change": [("gained", "better reward", 1), ("unchanged", "same caption", 1)],
    }  # fmt: skip
    assert "How it was chosen" not in choices(cards[:1])


def test_a_gallery_image_stands_once_however_often_it_was_found():
    data = card_data([card(measured("a", 1.0), measured("b", 1.5))] * 3)
    assert data["gallery"] == {"g1": "one", "g2": ""}
    assert data["cards"][0]["why"] is None  # every image has a card, so how it was chosen says nothing
    assert data["cards"][0]["tuned"]["found"] == [["g1", 0.9, 0.7], ["g2", 0.8, -0.1]]
