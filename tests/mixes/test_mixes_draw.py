"""What is drawn for an image: shares, fallbacks, sub-captions, the same on every run."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from cim.mixes.draw import Mixer
from cim.mixes.tokens import Budget
from cim.params.texts import Mix
from cim.sentences import sentences

TEXTS = {"original": "old words", "short": "A cat.", "detailed": "A cat sits. It is red. The sky is blue. Grass grows."}


def mix_of(*parts: tuple[str, float, int | None], **more: object) -> Mix:
    """A mix of (text, share, sentences), without a budget unless `more` has one."""
    txt = [{"text": text, "share": share, "sentences": count} for text, share, count in parts]
    return Mix.model_validate({"txt": txt, "budget": None, **more})


def words(text: str) -> int:
    """A tokenizer for hand counts: a word is a token."""
    return len(text.split())


MIX = mix_of(("original", 0.2, None), ("short", 0.3, None), ("detailed", 0.1, None), ("detailed", 0.4, 1))


def test_shares_are_those_declared() -> None:
    """Of 10,000 keys a share of 0.4 has a standard deviation of 0.5 points; 2 points are four of them."""
    mixer = Mixer(MIX)
    given_ = Counter(mixer.draw(f"{key:09d}", TEXTS).part for key in range(10_000))
    for part in MIX.txt:
        assert abs(given_[part.label] / 10_000 - part.share) < 0.02


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=4), st.integers(0, 2**31))
def test_shares_of_any_mix_and_seed(weights: list[int], seed: int) -> None:
    """2,000 keys: at a share of 0.5 the standard deviation is 1.1 points, 7 points are more than six of them."""
    parts = [(f"t{n}", weight / sum(weights), None) for n, weight in enumerate(weights)]
    mixer, texts = Mixer(mix_of(*parts, seed=seed)), {name: name for name, *_ in parts}
    found = Counter(mixer.draw(str(key), texts).part for key in range(2000))
    assert all(abs(found[name] / 2000 - share) < 0.07 for name, share, _ in parts)


def test_the_key_decides_and_nothing_else() -> None:
    first = [Mixer(MIX).draw(str(key), TEXTS) for key in range(50)]
    mixer = Mixer(MIX)
    assert [mixer.draw(str(key), TEXTS) for key in reversed(range(50))] == first[::-1]
    other = Mixer(MIX.model_copy(update={"seed": 1}))
    assert [other.draw(str(key), TEXTS) for key in range(50)] != first


def test_a_text_that_is_missing_is_passed_over_and_named() -> None:
    mixer = Mixer(mix_of(("original", 0.5, None), ("short", 0.5, None)))
    drawn = [mixer.draw(str(key), {**TEXTS, "original": " \n"}) for key in range(40)]
    assert {one.text for one in drawn} == {"A cat."}
    assert {one.passed for one in drawn} == {(), (("original", "missing"),)}
    assert {(one.first, one.part) for one in drawn} == {("short", "short"), ("original", "short")}


def test_no_text_at_all_is_said() -> None:
    mixer = Mixer(mix_of(("original", 0.5, None), ("short", 0.5, None)), Budget(3, words))
    drawn = mixer.draw("k", {"original": "", "short": "one two three four five"})
    assert (drawn.text, drawn.part) == ("", "")
    assert sorted(drawn.passed) == [("original", "missing"), ("short", "over budget")]


def test_texts_are_cut_behind_a_sentence() -> None:
    """A cat sits. It is red. are 6 words; with The sky is blue. 10."""
    mixer = Mixer(mix_of(("detailed", 1.0, None)), Budget(9, words))
    drawn = mixer.draw("k", TEXTS)
    assert (drawn.text, drawn.cut, drawn.tokens) == ("A cat sits. It is red.", True, 6)
    assert mixer.draw("k", {"detailed": "A cat sits."}).cut is False


def test_a_first_sentence_that_is_too_long_gives_another_part() -> None:
    mixer = Mixer(mix_of(("detailed", 0.9, None), ("short", 0.1, None)), Budget(4, words))
    long = {"detailed": "One two three four five. Six.", "short": "A cat."}
    drawn = [mixer.draw(str(key), long) for key in range(20)]
    assert {one.text for one in drawn} == {"A cat."}
    assert (("detailed", "over budget"),) in {one.passed for one in drawn}


def test_sub_captions_are_sentences_in_their_order_and_vary_by_key() -> None:
    mixer, whole = Mixer(mix_of(("detailed", 1.0, 2))), sentences(TEXTS["detailed"])
    drawn = {mixer.draw(str(key), TEXTS).text for key in range(200)}
    pairs = {f"{whole[i]} {whole[j]}" for i in range(4) for j in range(i + 1, 4)}
    assert drawn == pairs  # 6 of them
    assert Mixer(mix_of(("detailed", 1.0, 9))).draw("k", TEXTS).text == TEXTS["detailed"]


def test_sub_captions_leave_out_sentences_that_are_too_long() -> None:
    """Grass grows. has 2 words; of two sentences with 2 and 3 words only one fits into 4."""
    mixer = Mixer(mix_of(("detailed", 1.0, 1)), Budget(2, words))
    assert {mixer.draw(str(key), TEXTS).text for key in range(20)} == {"Grass grows."}
    two = Mixer(mix_of(("detailed", 1.0, 2)), Budget(4, words))
    drawn = [two.draw(str(key), TEXTS) for key in range(20)]
    assert all(words(one.text) <= 4 and one.text in sentences(TEXTS["detailed"]) and one.cut for one in drawn)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from(["Aa bb.", "Cc dd ee ff.", "Gg!", "Dr. Hh ii."]), min_size=1, max_size=6),
    st.integers(1, 9),
)
def test_no_text_is_over_the_budget_or_cut_inside_a_sentence(whole: list[str], most: int) -> None:
    text = " ".join(whole)
    for part in (("t", 1.0, None), ("t", 1.0, 2)):
        drawn = Mixer(mix_of(part), Budget(most, words)).draw("k", {"t": text})
        assert words(drawn.text) <= most
        left = iter(whole)
        assert all(one in left for one in sentences(drawn.text))  # in their order


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ([("a", 0.5, None)], "shares in txt must sum to 1, found 0.5"),
        ([("a", 0.5, None), ("a", 0.5, None)], "txt names a twice"),
        ([("a", 0.5, 1), ("a", 0.5, 1)], "txt names a/1 twice"),
        ([("A.b", 1.0, None)], "small letters"),
        ([], "at least 1"),
    ],
)
def test_mixes_that_contradict_themselves(parts: list[tuple[str, float, int | None]], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        mix_of(*parts)
