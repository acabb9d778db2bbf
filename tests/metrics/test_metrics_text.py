"""Wording and overlap, by hand."""

import pytest

from cim.metrics.overlap import rouge_l
from cim.metrics.text import distinct, duplicated, repetition, words


def test_words():
    assert words("A man's well-lit room, 3 chairs!") == ["a", "man's", "well-lit", "room", "3", "chairs"]
    assert words(" ... ") == []


def test_distinct():
    # a red circle / a red star: 6 words of which 4 differ; 4 bigrams of which (a red) repeats: 3 differ
    captions = ["a red circle", "A red star"]
    assert distinct(captions, 1) == pytest.approx(4 / 6)
    assert distinct(captions, 2) == pytest.approx(3 / 4)
    assert distinct(["", "one"], 2) is None


def test_repetition():
    # 8 words, 5 4-grams: (a red circle and) starts at 0 and again at 4; the other three differ
    assert repetition("a red circle and a red circle and") == (1, 5)
    assert repetition("too short here") == (0, 0)


def test_duplicated_ignores_only_outer_blanks():
    assert duplicated(["a cat", "a cat ", "A cat", "dog"]).tolist() == [True, True, False, False]


def test_rouge_l_by_hand():
    # said: a red circle above a square (6); reference: a circle above a blue square (6)
    # longest common subsequence: a circle above a square = 5; P = R = F = 5/6
    assert rouge_l("a red circle above a square", ["a circle above a blue square"]) == pytest.approx(5 / 6)


def test_rouge_l_takes_best_precision_and_best_recall():
    # said: a b (2). Against "a b c d": lcs 2, P 1, R 1/2. Against "a": lcs 1, P 1/2, R 1.
    # best P 1, best R 1: F = 1
    assert rouge_l("a b", ["a b c d", "a"]) == pytest.approx(1)
    # against the first alone: (1 + 1.44) * 1 * 0.5 / (0.5 + 1.44 * 1) = 1.22 / 1.94
    assert rouge_l("a b", ["a b c d"]) == pytest.approx(1.22 / 1.94)


def test_rouge_l_edges():
    assert rouge_l("", ["a cat"]) == 0
    assert rouge_l("dog", ["a cat"]) == 0
    assert rouge_l("dog", []) is None
    assert rouge_l("dog", ["..."]) is None
