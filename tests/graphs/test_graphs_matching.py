"""Matching by hand: equal, related, near."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from standin import phrases

from cim.graphs.matching import Agreement, Fact, Matcher, Synonyms, contains_text, contains_words
from cim.graphs.phrases import BATCH, Phrases, Vectors
from cim.graphs.wordnet import load_wordnet


def never(a: str, b: str) -> bool:
    return False


def facts(*words: str) -> list[Fact]:
    return [(word,) for word in words]


class TestAgreement:
    def test_f1(self) -> None:
        assert Agreement(1.0, 0.5).f1 == pytest.approx(2 / 3)  # 2 * 1 * 0.5 / 1.5
        assert Agreement(0.0, 0.0).f1 == 0.0


class TestMatch:
    def test_equal_words(self) -> None:
        """dog and cat are on both sides; hat is at a right angle to both that are left, so it adds nothing.

        Precision 2 / 3; recall 2 / 4.
        """
        matcher = Matcher(never, phrases(hat=90, sun=0, tree=0))
        found = matcher.match(facts("dog", "cat", "hat"), facts("cat", "dog", "sun", "tree"))
        assert found.precision == pytest.approx(2 / 3)
        assert found.recall == pytest.approx(2 / 4)

    def test_each_fact_is_matched_once(self) -> None:
        """Red is said of two things, true of one: the second red has nothing left to be compared with."""
        found = Matcher(never, phrases()).match(facts("red", "red"), facts("red"))
        assert (found.precision, found.recall) == (0.5, 1.0)

    def test_synonyms(self) -> None:
        """sofa and couch share a synset: 1 of 1, and the cosine (which the stand-in does not know) is not asked for."""
        matcher = Matcher(Synonyms(load_wordnet(), contains_words), phrases())
        assert matcher.match(facts("sofa"), facts("couch")) == Agreement(1.0, 1.0)

    def test_equal_words_go_before_synonyms(self) -> None:
        """In the order given, couch would take sofa first and leave the other couch a stranger."""
        matcher = Matcher(Synonyms(load_wordnet(), contains_words), phrases())
        assert matcher.match(facts("couch", "sofa"), facts("sofa", "couch")) == Agreement(1.0, 1.0)

    def test_the_rest_counts_by_its_nearest(self) -> None:
        """bus 0 deg, boat 90 deg against truck 60 deg: cosines 0.5 and cos 30 = 0.8660.

        Said: (0.5 + 0.8660) / 2 = 0.6830. True: the largest, 0.8660 / 1.
        """
        found = Matcher(never, phrases(bus=0, boat=90, truck=60)).match(facts("bus", "boat"), facts("truck"))
        assert found.precision == pytest.approx((0.5 + np.sqrt(3) / 2) / 2)
        assert found.recall == pytest.approx(np.sqrt(3) / 2)

    def test_relations_need_all_three(self) -> None:
        """man/adult male share a synset, hold is equal, racket is within tennis racket: 1. Another verb: by cosine,
        cos 60 = 0.5."""
        matcher = Matcher(
            Synonyms(load_wordnet(), contains_words), phrases(man_hold_racket=0, man_paint_tennis_racket=60)
        )
        said = [("man", "hold", "racket")]
        assert matcher.match(said, [("adult male", "hold", "tennis racket")]) == Agreement(1.0, 1.0)
        assert matcher.match(said, [("man", "paint", "tennis racket")]).precision == pytest.approx(0.5)

    @pytest.mark.parametrize("pair", [([], facts("dog")), (facts("dog"), []), ([], [])])
    def test_nothing_on_a_side_scores_nothing(self, pair: tuple[list[Fact], list[Fact]]) -> None:
        assert Matcher(never, phrases()).match(*pair) == Agreement(0.0, 0.0)

    @settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
    @given(said=st.text("abcdef", max_size=6), true=st.text("abcdef", max_size=6))
    def test_bounds_and_symmetry(self, said: str, true: str) -> None:
        """Equal words only, so order can't matter; swapping the sides swaps precision and recall."""
        matcher = Matcher(never, phrases(a=0, b=15, c=30, d=45, e=60, f=75))
        found, turned = matcher.match(facts(*said), facts(*true)), matcher.match(facts(*true), facts(*said))
        assert -1e-6 <= found.precision <= 1 + 1e-6
        assert (found.precision, found.recall) == pytest.approx((turned.recall, turned.precision))
        if said:
            assert matcher.match(facts(*said), facts(*reversed(said))).f1 == pytest.approx(1)


class TestContaining:
    def test_capture_metric_takes_any_substring(self) -> None:
        assert contains_text("carpet", "car")
        assert contains_text("gold", "old")

    def test_whole_words(self) -> None:
        assert contains_words("tennis racket", "racket")
        assert contains_words("racket", "racket")
        assert not contains_words("carpet", "car")


class TestPhrases:
    def test_each_phrase_is_encoded_once_in_bounded_batches(self) -> None:
        seen: list[list[str]] = []

        def encode(texts: list[str]) -> Vectors:
            seen.append(texts)
            return np.ones((len(texts), 1), dtype=np.float32)

        known = Phrases(encode)
        known.learn(f"{i}" for i in range(BATCH + 1))
        known.learn(["0", "0", "new"])
        assert [len(batch) for batch in seen] == [BATCH, 1, 1]
        assert known.cosines(["0", "new"], ["1"]).shape == (2, 1)

    def test_what_has_no_direction_is_like_nothing(self) -> None:
        known = Phrases(lambda texts: np.full((len(texts), 2), np.nan, dtype=np.float32))
        assert known.cosines(["a"], ["b"]).tolist() == [[0.0]]
