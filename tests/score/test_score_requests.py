"""Lines of a JSONL file: what they ask for, or why not."""

import json
from codecs import BOM_UTF8

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cim.errors import CimError
from cim.score.requests import InvalidRequest, Request, read_jsonl


def read(tmp_path, *lines):
    path = tmp_path / "captions.jsonl"
    path.write_bytes(b"\n".join(line if isinstance(line, bytes) else line.encode() for line in lines))
    return list(read_jsonl(path))


def test_ids_and_images_with_their_lines(tmp_path):
    found = read(tmp_path, '{"id": "ab", "caption": "a", "more": 1}', "", '{"image": "x/y.jpg", "caption": ""}')
    assert found == [
        Request("a", id="ab", line=1),
        Request("", image=tmp_path / "x/y.jpg", line=3),
    ]
    (absolute,) = read(tmp_path, '{"image": "/z.jpg", "caption": "c"}')
    assert str(absolute.image) == "/z.jpg"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "not JSON"),
        (b'{"id": "\xff"}', "not UTF-8"),
        ("[" * 100_000, "not JSON"),
        ('["id"]', "a JSON list, not an object"),
        ("3", "a JSON int, not an object"),
        ('{"id": "a"}', 'no text under "caption"'),
        ('{"id": "a", "caption": null}', 'no text under "caption"'),
        ('{"caption": "a"}', 'neither of "id" and "image"'),
        ('{"caption": "a", "id": "b", "image": "c"}', 'both of "id" and "image"'),
        ('{"caption": "a", "id": 7}', 'no text under "id"'),
        ('{"caption": "a", "image": ""}', 'no text under "image"'),
        (r'{"id": "a", "caption": "half \ud83d"}', 'half of a surrogate pair, which is no character, under "caption"'),
        (r'{"id": "\udc00", "caption": "a"}', 'half of a surrogate pair, which is no character, under "id"'),
        (r'{"image": "\ude00\ud83d", "caption": "a"}', "half of a surrogate pair"),  # the halves in the wrong order
        ('{"id": "a", "caption": "b", "other": ' + "9" * 5000 + "}", "not JSON (Exceeds the limit"),
        ('{"id": "a", "caption": NaN}', 'no text under "caption"'),
        ('{"id": "a", "caption": ["b"]}', 'no text under "caption"'),
        ('{"id": "a", "caption": "b"} {}', "not JSON (Extra data"),
        ('{"id": "a", "caption": "b"', "not JSON"),
        ('{"id": "a",\r"caption": "b"\r}{}', "not JSON (Extra data"),
        (b'\xff\xfe{\x00"\x00', "not UTF-8"),
    ],
)
def test_what_is_wrong_is_said_and_the_next_line_is_read(tmp_path, line, reason):
    bad, good = read(tmp_path, line, '{"id": "a", "caption": "b"}')
    assert isinstance(bad, InvalidRequest)
    assert bad.line == 1
    assert bad.reason.startswith(reason)
    assert good == Request("b", id="a", line=2)


GOOD = b'{"id": "a", "caption": "b"}'


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"\xef\xbb\xbf" + GOOD, [1]),
        (b"\xef\xbb\xbf\r\n" + GOOD, [2]),  # a mark alone is a blank line
        (GOOD + b"\r\n\r\n" + GOOD + b"\r\n", [1, 3]),
        (b"\n \t \n" + GOOD, [3]),
        (rb'{"id": "a", "caption": "b", "other": "\ud83d", "more": [NaN, Infinity]}', [1]),  # what nobody reads
        (b"", []),
    ],
)
def test_marks_blank_lines_and_line_ends_are_no_mistake(tmp_path, content, lines):
    assert read(tmp_path, content) == [Request("b", id="a", line=line) for line in lines]


def test_a_whole_surrogate_pair_is_a_character(tmp_path):
    assert read(tmp_path, r'{"id": "a", "caption": "\ud83d\ude00"}') == [Request("😀", id="a", line=1)]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.dictionaries(st.text(), inner), max_leaves=4
)
named = st.dictionaries(st.sampled_from(["id", "image", "caption", "other"]), json_values)
lines = st.one_of(st.binary(), st.one_of(json_values, named).map(lambda value: json.dumps(value).encode()))


@given(st.lists(lines.map(lambda line: line.replace(b"\n", b" ")), max_size=5))
def test_every_line_that_is_not_blank_gives_one_answer(tmp_path_factory, given_lines):
    found = read(tmp_path_factory.mktemp("lines"), *given_lines)
    assert [one.line for one in found] == [
        n for n, line in enumerate(given_lines, start=1) if line.removeprefix(BOM_UTF8).strip()
    ]


def test_a_missing_file_is_a_plain_error(tmp_path):
    with pytest.raises(CimError, match=r"no readable .*gone.jsonl.*give --jsonl a path"):
        list(read_jsonl(tmp_path / "gone.jsonl"))
