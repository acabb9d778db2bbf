"""Lists in the clothes of sentences, and sentences in other languages."""

import pytest

from benchmarks.hacking.languages import SENTENCES
from cim.params.guards import FillerGuard, ProseGuard
from cim.rewards.guards.base import GeneratedCaption
from cim.rewards.guards.english import english_share
from cim.rewards.guards.prose import Filler, Prose, alternation, loose_share, rhythm, same_share

FILLER, PROSE = Filler(FillerGuard()), Prose(ProseGuard())


def said(text):
    return text.split()


def test_filler():
    assert same_share(said("dog is man is park is tree")) == 1
    # between dog and man "a", man and red nothing, red and park "a", park and tree "a"
    assert same_share(said("a dog a man red a park a tree")) == 3 / 4
    assert same_share(said("dog in the park in the snow")) == 0  # twice is nothing
    assert same_share(said("a dog is man a park is tree a boy")) == pytest.approx(0.6)  # "is" and "a" twice
    assert rhythm(said("a dog the man this park some tree")) == 1 / 2  # four of a class, at 0, 2, 4, 6
    assert rhythm(said("a man and a woman and a dog and a boy")) == 1 / 3  # "a" at 0, 3, 6, 9
    assert rhythm(said("a dog a man a park")) == same_share([]) == rhythm([]) == 0
    # all 11 pairs of 12 words change; but for "in the", where the next has one word more there
    assert alternation(said("dog in park on grass is big or red with hat of")) == 1
    assert alternation(said("dog in the park on grass is big or red with hat")) == 10 / 11
    assert alternation(said("dog in park on grass")) == 0  # short
    # before the second and third article stands a noun; before the fourth a verb, before the fifth a word of place
    assert loose_share("a red dog a green park a man holding a ball near the tree") == 2.5 / 4
    assert loose_share("throw a ball") == 0  # once may be a verb without an ending
    assert loose_share("") == 0


@pytest.mark.parametrize(
    "text",
    [
        "a circle a square a red a large a blue",
        "the circle this square some red a large the blue",
        "circle is square is red is large is blue",
        "circle is a square is a red is a large is a blue",
        "a circle is square a red is large a blue",
        "circle and square and red and large and blue",
        "circle in square on red at large with blue of dotted by white is small",
        "a red circle a large square a blue background a dotted star",
        "a circle and square a red and blue",
        "a red circle a green grass a dotted square a blue",
        "two circle three square two red four large one blue",
    ],
)
def test_keywords_with_fillers_are_found(text):
    assert FILLER(GeneratedCaption(text)) == -1


def test_english():
    assert english_share(said("a dog on the grass")) == pytest.approx(3 / 5)
    # "in" less two for "zwei" and two for "einem"
    assert english_share(said("zwei hunde spielen in einem park")) == pytest.approx(-3 / 6)
    # 3 (i, a, in) less 3 for four words that end in vowels
    assert english_share(said("i bambini giocano a calcio in giardino")) == 0
    assert english_share(said("a camera on a sofa")) == pytest.approx((3 - 1) / 5)
    assert english_share([]) == 0


@pytest.mark.parametrize(
    ("language", "sentence"), [(language, one) for language, several in SENTENCES.items() for one in several]
)
def test_sentences_in_other_languages_are_found(language, sentence):
    assert PROSE(GeneratedCaption(sentence)) == -1
