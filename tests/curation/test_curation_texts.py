"""Rules for texts, one by one, the first of several named."""

from typing import Any

import polars as pl
import pytest

from cim.curation.reasons import Drop
from cim.curation.texts import check_patterns, folded, text_reason
from cim.errors import CimError
from cim.params.curate import BOILERPLATE, TextFilters


def reasons(texts: list[str | None], **changes: Any) -> list[str | None]:
    frame = pl.DataFrame({"caption": texts}, schema={"caption": pl.String})
    return frame.select(text_reason(TextFilters(**changes))).to_series().to_list()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("A man in a shop.", None),
        ("Two women read a book in front of a stock market, one of them is on the phone.", None),
        ("cat", Drop.TOO_FEW_WORDS),
        ("- ... -", Drop.TOO_FEW_WORDS),
        ("a word " * 200, Drop.TOO_MANY_WORDS),  # before its repetition
        ("a red car a red car a red car", Drop.REPETITION),  # 7 3-grams, 3 different: 4 of 7 repeat
        ("a red car and a red bus and a red tram", None),  # 8 3-grams: "and a red" repeats once, 1 of 8
        ("собака бежит по траве", Drop.SCRIPT),
        ("собака и кот: a dog and a cat", Drop.SCRIPT),  # 10 of 21 letters are Latin
        ("Ein Hund läuft über die Wiese", None),
        ("Stock photo of a dog", Drop.BOILERPLATE),
        ("click here to enlarge", Drop.BOILERPLATE),
        ("IMG_1234.JPG from holiday", Drop.BOILERPLATE),
        ("see www.example.com for more", Drop.BOILERPLATE),
        ("Image may contain: 1 person", Drop.BOILERPLATE),
        ("A dog \u00a9 2019 by me", Drop.BOILERPLATE),
        ("buy now at low prices", Drop.BOILERPLATE),
        ("write to me@there.de", Drop.EMAIL),
        ("call 555-123-4567 now", Drop.PHONE),
        (None, None),
    ],
)
def test_the_first_rule_that_a_text_breaks_is_named(text: str | None, reason: str | None) -> None:
    assert reasons([text]) == [reason]


def test_english_alone_where_it_is_asked_for() -> None:
    texts = ["A dog is running on the grass", "Ein Hund ist auf der Wiese", "Un chien dans la rue", "kurzer Text"]
    assert reasons(texts) == [None] * 4
    assert reasons(texts, min_english=0.1) == [
        None,
        Drop.LANGUAGE,
        Drop.LANGUAGE,
        None,
    ]  # the last is too short to tell


def test_scripts_and_rules_can_be_left_out() -> None:
    nothing: dict[str, Any] = {"scripts": [], "boilerplate": [], "contacts": False, "max_repetition": None}
    assert reasons(["собака бежит", "mail me@there.de", "a b c a b c a b c"], **nothing, min_words=0) == [None] * 3
    assert reasons(["собака бежит", "a dog"], scripts=["Cyrillic", "Latin"]) == [None, None]
    assert reasons(["12 34"]) == [None]  # no letters, none of another script


def test_texts_are_the_same_but_for_case_and_blanks() -> None:
    frame = pl.DataFrame({"caption": ["A  dog. ", "a dog", "a dog!"]})
    assert frame.select(folded()).to_series().to_list() == ["a dog", "a dog", "a dog!"]


def test_a_pattern_that_looks_around_is_refused_before_any_work() -> None:
    check_patterns(BOILERPLATE)
    with pytest.raises(CimError, match="without look-around"):
        check_patterns([*BOILERPLATE, r"(?<=a)b"])
