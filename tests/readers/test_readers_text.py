"""Captions and JSON of a sample: one rule for all kinds of sources."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cim.readers.text import MAX_CAPTION, read_captions, read_facts, sample_captions


def reasons(lost: tuple[Any, ...]) -> list[str]:
    return [reason.value for reason, _ in lost]


@pytest.mark.parametrize(
    ("value", "captions", "lost"),
    [
        (None, (), []),
        ("a", ("a",), []),
        (b" a\n", ("a",), []),
        ("\ufeffa", ("a",), []),
        (b"\xef\xbb\xbf a", ("a",), []),
        ("a\ufeff b", ("a\ufeff b",), []),  # no mark but in the beginning
        ("", (), ["caption is empty"]),
        (b" \n\t", (), ["caption is empty"]),
        ("\ufeff", (), ["caption is empty"]),
        ("\u200b\u00a0", (), ["caption is empty"]),
        (b"caf\xe9", (), ["caption is not UTF-8"]),
        ("\ud800", (), ["caption is not UTF-8"]),
        ("x" * MAX_CAPTION, ("x" * MAX_CAPTION,), []),
        ("x" * (MAX_CAPTION + 1), (), ["caption is too long"]),
        ("é" * MAX_CAPTION, ("é" * MAX_CAPTION,), []),  # characters, not bytes
        *((value, (), ["caption is not text"]) for value in (5, 0.5, True, False, [], ["a"], {"raw": "a"})),
    ],
)
def test_one_value(value: Any, captions: tuple[str, ...], lost: list[str]) -> None:
    found, problems = read_captions([value])
    assert (found, reasons(problems)) == (captions, lost)


def test_the_longest_caption_is_131072_characters() -> None:
    assert MAX_CAPTION == 131_072


def test_several_without_repeats_in_their_order() -> None:
    captions, lost = read_captions(["b", b"a", None, " b ", 5, "c"])
    assert (captions, lost) == (("b", "a", "c"), (("caption is not text", "a int: 5"),))


@pytest.mark.parametrize(
    ("text", "facts", "captions", "lost"),
    [
        (None, {}, (), []),
        (b"t", {}, ("t",), []),
        (b"t", {"caption": "c"}, ("t",), []),
        (None, {"caption": "c"}, ("c",), []),
        (None, {"captions": ["a", "b", "a"], "caption": "c"}, ("a", "b"), []),
        (b"b", {"captions": ["a", "b"]}, ("b", "a"), []),
        (b"t", {"captions": []}, ("t",), []),
        (None, {"captions": [], "caption": "c"}, ("c",), []),
        (None, {"captions": [None], "caption": None}, (), []),
        (None, {"captions": "one"}, ("one",), []),
        (b" ", {"caption": "c"}, ("c",), ["caption is empty"]),
        (b"caf\xe9", {"captions": ["a"]}, ("a",), ["caption is not UTF-8"]),
        (None, {"captions": ["a", 5, {"raw": "b"}]}, ("a",), ["caption is not text"] * 2),
        (None, {"captions": 5, "caption": {"raw": "b"}}, (), ["caption is not text"] * 2),
        (b"", {"captions": [""], "caption": ""}, (), ["caption is empty"]),
        (b"t", {"caption": 5}, ("t",), []),  # not asked for
    ],
)
def test_of_a_sample(text: bytes | None, facts: dict[str, Any], captions: tuple[str, ...], lost: list[str]) -> None:
    found, problems = sample_captions(text, facts)
    assert (found, reasons(problems)) == (captions, lost)


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b'{"a": 1', b'{"a": NaN}', b'{"a": Infinity}', b'{"a": [-Infinity]}', b'{"a": 1e999}',
        b'{"a": "\\ud800"}', b'{"\\ud800": 1}', b'{"a":' * 100_000, b"[1]", b'"text"', b"null", b"5",
        b'{"a": "caf\xe9"}', "{}".encode("utf-16"), b"\x80\x04K\x07.", b"{'a': 1}",
    ],
    ids=lambda content: repr(content[:20]),
)  # fmt: skip
def test_broken_json(content: bytes) -> None:
    facts, problem = read_facts(content)
    assert problem is not None
    assert (facts, problem[0].value) == ({}, "broken JSON")
    assert 0 < len(problem[1]) <= 200
    problem[1].encode("utf-8")


def test_a_mark_before_json_is_none_of_it() -> None:
    assert read_facts(b'\xef\xbb\xbf{"a": [1.5, "\xc3\xa9", null]}') == ({"a": [1.5, "é", None]}, None)
    assert read_facts(b'{"a": "\\ud83d\\ude00"}') == ({"a": "\N{GRINNING FACE}"}, None)  # a pair is a character


@given(st.binary())
def test_no_bytes_stop_it(content: bytes) -> None:
    facts, problem = read_facts(content)
    json.dumps(facts, allow_nan=False).encode()
    assert problem is None or facts == {}
    captions, lost = read_captions([content])
    assert len(captions) + len(lost) == 1
