"""Where truncated text is cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cim.engines.choice import cut_at_sentence

FULL = [
    "A cat sits.",
    "Is it red?",
    "Look!",
    'A sign says "Stop."',
    "(It rains.)",
    "It is 3.5 m tall.",
    "Dr. Who waves.",
]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A cat. It sits on", "A cat."),
        ("A cat. It is 3.", "A cat."),  # may be half of 3.5
        ("A cat. It is 3.5 m", "A cat."),
        ("A cat near St. Paul's and", "A cat near St. Paul's and"),
        ("A cat. Beside it sits Mr.", "A cat."),
        ("A cat. A sign by J. Smith, e.g. the", "A cat."),
        ("Wait... what is", "Wait... what is"),
        ("It waits\u2026 A dog", "It waits\u2026"),
        ('He said "Go!" Then a', 'He said "Go!"'),
        ("\u4e00\u53ea\u732b\u3002\u5b83\u5750", "\u4e00\u53ea\u732b\u3002"),
        ("A cat.\nA dog on", "A cat."),
        ("a red circle and a", "a red circle and a"),
        ("a cat. a dog and", "a cat. a dog and"),  # a small letter follows
        (". A cat and", ". A cat and"),  # no sentence
        ("", ""),
    ],
)
def test_by_hand(text: str, expected: str) -> None:
    assert cut_at_sentence(text) == (expected, expected != text)


@given(st.lists(st.sampled_from(FULL), min_size=1, max_size=5), st.sampled_from(["A dog and", "The sky is 4.", "Over"]))
def test_what_follows_full_sentences_is_left_out(sentences: list[str], half: str) -> None:
    whole = " ".join(sentences)
    assert cut_at_sentence(f"{whole} {half}") == (whole, True)
    assert cut_at_sentence(whole) == (whole, False)


@given(st.text())
def test_any_text_is_only_ever_shortened_once(text: str) -> None:
    kept, cut = cut_at_sentence(text)
    assert text.startswith(kept)
    assert cut == bool(text[len(kept) :].strip())
    assert cut_at_sentence(kept)[0] == kept
