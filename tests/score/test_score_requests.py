"""Lines of a JSONL file: what they ask for, or why not."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cim.errors import CimError
from cim.score.requests import Bad, Request, read_jsonl


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
    ],
)
def test_what_is_wrong_is_said_and_the_next_line_is_read(tmp_path, line, reason):
    bad, good = read(tmp_path, line, '{"id": "a", "caption": "b"}')
    assert isinstance(bad, Bad)
    assert bad.line == 1
    assert bad.reason.startswith(reason)
    assert good == Request("b", id="a", line=2)


def test_a_byte_order_mark_is_no_mistake(tmp_path):
    assert read(tmp_path, b'\xef\xbb\xbf{"id": "a", "caption": "b"}') == [Request("b", id="a", line=1)]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.dictionaries(st.text(), inner), max_leaves=4
)
named = st.dictionaries(st.sampled_from(["id", "image", "caption", "other"]), json_values)
lines = st.one_of(st.binary(), st.one_of(json_values, named).map(lambda value: json.dumps(value).encode()))


@given(st.lists(lines.map(lambda line: line.replace(b"\n", b" ")), max_size=5))
def test_every_line_that_is_not_blank_gives_one_answer(tmp_path_factory, given_lines):
    found = read(tmp_path_factory.mktemp("lines"), *given_lines)
    assert [one.line for one in found] == [n for n, line in enumerate(given_lines, start=1) if line.strip()]


def test_a_missing_file_is_a_plain_error(tmp_path):
    with pytest.raises(CimError, match=r"no readable .*gone.jsonl.*give --jsonl a path"):
        list(read_jsonl(tmp_path / "gone.jsonl"))
