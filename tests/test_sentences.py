"""Where sentences end, and where truncated text is cut."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cim.sentences import cut_at_sentence, join_sentences, sentence_spans, sentences

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


@pytest.mark.parametrize(
    "expected",
    [
        ["Dr. Smith holds a 3.5 in. ruler.", "He smiles."],
        ['A sign reads "Stop! Now." by the door.', "A man waits."],
        ['A man says "Hello."', 'A child says "Bye!" and goes.'],
        ["(He waits. She goes.)", "The sky is red."],
        ["A U.S. Navy ship sails at 5 p.m. on a calm sea.", "Its No. 5 gun fires."],
        ["J. K. Rowling signs a book...", "Then she leaves."],
        ["Wow!!", "Really?!", "Yes."],
        ["1. A dog runs.", "2. A cat sleeps."],
        ["A Sra. Silva espera na Av. Paulista.", "Chove."],
        ["Le chat dort.", "\u00c7a va ?"],
        ["Visit www.example.com. for more, e.g. Maps."],
        ["a red circle and a"],
        ["It is 6 ft. tall.", "3 dogs run."],
        ['A 24" screen stands there.', "It is off."],  # nothing closes the mark of inches
        [
            "\u041a\u043e\u0442 \u0441\u043f\u0438\u0442.",
            "\u0421\u043e\u0431\u0430\u043a\u0430 \u0436\u0434\u0451\u0442.",
        ],
    ],
)
def test_sentences_by_hand(expected: list[str]) -> None:
    assert sentences(" ".join(expected)) == expected


def test_a_paragraph_ends_a_sentence() -> None:
    assert sentences("A dog near St. Paul's\n\nA cat") == ["A dog near St. Paul's", "A cat"]


def test_chinese_needs_no_blank_and_lists_end_by_line() -> None:
    chinese = [
        "\u4e00\u53ea\u732b\u3002",
        "\u4ed6\u8bf4\uff1a\u300c\u8d70\uff01\u5feb\uff01\u300d\u3002",
        "\u72d7\u5417\uff1f",
    ]
    assert sentences("".join(chinese)) == chinese
    assert join_sentences(chinese) == "".join(chinese)
    assert sentences("Two things:\n- a red cup\n- a blue one, it is\nold") == [
        "Two things:",
        "- a red cup",
        "- a blue one, it is\nold",
    ]


@given(st.lists(st.sampled_from(FULL), min_size=1, max_size=6))
def test_full_sentences_are_found_again(whole: list[str]) -> None:
    assert sentences(join_sentences(whole)) == whole


ALPHABET = st.sampled_from([*'aB3 .!?\n"()-', "\u3002", "\u300c", "\u300d", "\u201c", "\u201d", " Dr.", " No. "])


@given(st.one_of(st.text(), st.lists(ALPHABET).map("".join)))
def test_nothing_but_blanks_is_lost_and_a_sentence_is_one(text: str) -> None:
    spans = sentence_spans(text)
    assert "".join("".join(text[start:end].split()) for start, end in spans) == "".join(text.split())
    assert all(end <= begins for (_, end), (begins, _) in pairwise(spans))
    for one in sentences(text):
        assert one == one.strip() != ""
        assert sentences(one) == [one]
