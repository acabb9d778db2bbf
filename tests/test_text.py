"""Wording, by hand."""

import numpy as np
import pytest

from cim.text import distinct, distinct_without, duplicated, repeated_share, repetition, words


def test_words():
    assert words("A man's well-lit room, 3 chairs!") == ["a", "man's", "well-lit", "room", "3", "chairs"]
    assert words(" ... ") == []


def test_distinct():
    # a red circle / a red star: 6 words of which 4 differ; 4 bigrams of which (a red) repeats: 3 differ
    captions = ["a red circle", "A red star"]
    assert distinct(captions, 1) == pytest.approx(4 / 6)
    assert distinct(captions, 2) == pytest.approx(3 / 4)
    assert distinct(["", "one"], 2) is None


def test_distinct_with_one_caption_left_out():
    # without the first: a red star, 3 of 3 words; without the second: a red red, 2 of 3
    assert distinct_without(["a red red", "A red star"], 1).tolist() == pytest.approx([1, 2 / 3])
    found = distinct_without(["one", "", "two three"], 2)
    assert (found[:2].tolist(), np.isnan(found[2])) == ([1, 1], True)
    captions = ["a dog and a dog", "a cat", "a dog", "the cat and the dog", ""]
    direct = [distinct(captions[:i] + captions[i + 1 :], 2) for i in range(5)]
    assert distinct_without(captions, 2).tolist() == pytest.approx(direct)


def test_repetition():
    # 8 words, 5 4-grams: (a red circle and) starts at 0 and again at 4; the other three differ
    assert repetition("a red circle and a red circle and") == (1, 5)
    assert repetition("too short here") == (0, 0)


def test_repeated_share():
    # 3-grams: a b a, b a b, a b a (again), b a b (again): 2 of 4
    assert repeated_share("A b a, b a b.") == 0.5
    assert repeated_share("a b c d") == 0
    assert repeated_share("a b") == 0
    assert repeated_share("red red red", n=1) == pytest.approx(2 / 3)
    assert repeated_share("red red red red red red") == 0.75  # 4 3-grams, 3 of them again
    assert repeated_share("a red cat") == 0  # 1 3-gram
    assert repeated_share("") == 0


def test_duplicated_ignores_only_outer_blanks():
    assert duplicated(["a cat", "a cat ", "A cat", "dog"]).tolist() == [True, True, False, False]
