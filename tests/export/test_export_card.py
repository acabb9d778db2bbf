"""Cards hold what others wrote without taking it for their own: front matter, tables, blocks; licences; fields."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from datasets import Features, Value
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from cim.export.dataset_card import dataset_card
from cim.export.fields import MIXED, feature_of, joined, left_out, shape_of
from cim.export.finished import Finished, FinishedShard
from cim.export.licences import hub_license, license_fields
from cim.export.seen import Seen
from cim.markdown import block, code, plain, table
from cim.provenance import ProvenanceCounts, provenance_of

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=40)
SPECIAL = st.text("|`\\*_[](){}<>&#:'\"-~!%@\n\r\t \u2028\u0085é", max_size=20)
ANY = TEXT | SPECIAL
SPLIT = FinishedShard("train", Path("0.tar"), "made")


def seen(facts: list[dict[str, Any]], summary: dict[str, Any] | None = None) -> Seen:
    """Of samples with this JSON."""
    counts = ProvenanceCounts()
    shape: Any = "null"
    for one in facts:
        counts.add(provenance_of(one))
        shape = joined(shape, shape_of(one))
    members = {"json": len(facts), "png": len(facts), "txt": len(facts)}
    looked = {"samples": len(facts), "bytes": 9, "members": members, "captions": {}, "refined": {}, "shape": shape}
    looked = json.loads(json.dumps(looked | {"provenance": counts.values()}))
    return Seen(Finished("curate", Path("in"), (SPLIT,), summary or {}), [looked])


def cells(text: str) -> list[list[str]]:
    """Of every row of the tables that a reader of GitHub's Markdown sees, as the text that it sees."""
    found, row = [], None
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        if token.type == "tr_open":
            row = []
        elif token.type == "inline" and row is not None:
            row.append("".join(one.content for one in token.children or []))
        elif token.type == "tr_close":
            found.append(row or [])
            row = None
    return found


@settings(deadline=None, max_examples=80)
@given(license=ANY, title=ANY, name=ANY, source=ANY)
@example(license="a|b", title="\x85", name="\u2028: x", source="<b>")
def test_nothing_that_others_wrote_breaks_a_card(license: str, title: str, name: str, source: str) -> None:
    summary = {
        "dropped": {source: 1},
        "pairs": 2,
        "kept": 1,
        "sources": {source: {"pairs": 2, "kept": 1, "dropped": {}}},
    }
    card = dataset_card(title, seen([{"license": license, name: 1}], summary), [])
    found = re.match(r"^(\s*---[\r\n]+)([\S\s]*?)([\r\n]+---(\r\n|\n|$))", card)  # as the hub finds it
    assert found is not None
    front = yaml.safe_load(found[2])
    assert front["pretty_name"] == title
    assert front["configs"][0]["data_files"] == [{"split": "train", "path": "data/train/*.tar"}]
    columns = Features._from_yaml_list(front["dataset_info"]["features"])
    assert set(columns) == {"json", "png", "txt", "__key__", "__url__"}
    if name.casefold() != "license" and name:
        assert columns["json"][name] == Value("int64")
    body = card[found.end() :]
    rows = cells(body)
    known = " ".join(license.split())
    said = provenance_of({"license": license}).get("license", "unknown")
    assert [said, "1", "100.0%"] in rows or said != known  # cut, or several words for unknown
    assert [" ".join(source.split()), "2", "1", "0"] in rows
    assert ["split", "samples", "shards", "size"] in rows
    assert len(re.findall(r"^# ", body, re.M)) == 1


@settings(deadline=None, max_examples=200)
@given(texts=st.lists(ANY, min_size=2, max_size=2))
def test_cells_say_what_was_written(texts: list[str]) -> None:
    """On one line; a cell of code as it is, but for white space at its ends."""
    wanted = [" ".join(text.split()) for text in texts]
    for write in (plain, code):
        found = cells(f"{table(['a', 'b'], [[write(text) for text in texts]])}\n")
        assert [[cell.strip() for cell in row] for row in found[1:]] == ([wanted] if any(wanted) else found[1:])


@settings(deadline=None, max_examples=100)
@given(text=ANY)
def test_a_block_holds_all_of_it(text: str) -> None:
    tokens = MarkdownIt("commonmark").parse(f"{block(text, 'text')}\n\nbehind\n")
    assert [token.type for token in tokens][:2] == ["fence", "paragraph_open"]
    assert tokens[0].content.split() == text.split()


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("CC BY 2.0", "cc-by-2.0"),
        ("cc-by-nc-sa-4.0", "cc-by-nc-sa-4.0"),
        ("Attribution License (http://creativecommons.org/licenses/by/2.0/)", "cc-by-2.0"),
        ("https://creativecommons.org/publicdomain/zero/1.0/", "cc0-1.0"),
        ("Attribution License", None),
        ("cc-by", None),  # which of them
        ("all rights reserved", None),
    ],
)
def test_the_hubs_names_of_licences(written: str, name: str | None) -> None:
    assert hub_license(written) == name


def test_a_card_claims_no_licence_that_not_every_image_has() -> None:
    assert license_fields({"CC BY 2.0": 3, "unknown": 0}) == {"license": "cc-by-2.0"}
    assert license_fields({"CC BY 2.0": 3, "unknown": 1}) == {"license": "unknown"}
    assert license_fields({"mine": 3, "unknown": 0}) == {"license": "other", "license_name": "mine"}
    both = {"license": "other", "license_name": "2 licences, see the card"}
    assert license_fields({"CC BY 2.0": 3, "mit": 1, "unknown": 0}) == both
    assert license_fields({"unknown": 0}) == {"license": "unknown"}


def test_fields_get_one_type_or_are_left_out_and_named() -> None:
    values: list[dict[str, Any]] = [
        {"n": 1, "x": 1, "s": "a", "l": [1], "o": {"in": None, "big": 2**70}, "e": [], "p": [[0, "above"]]},
        {"n": 2, "x": 0.5, "s": None, "l": [], "o": {"in": "b"}, "odd": True},
        {"odd": "yes", "none": None},
    ]
    shape: Any = "null"
    for value in values:
        shape = joined(shape, shape_of(value))
    columns = feature_of(json.loads(json.dumps(shape)))
    names = {name: str(feature) for name, feature in columns.items()}
    assert list(names) == ["l", "n", "o", "s", "x"]
    assert (columns["n"], columns["x"], columns["o"]) == (Value("int64"), Value("float64"), {"in": Value("string")})
    several, none = "values of several types", "no value in any sample"
    assert left_out(shape) == {"e[]": none, "none": none, "o.big": several, "odd": several, "p[][]": several}


def test_an_object_of_many_names_is_no_record() -> None:
    shape = joined(
        shape_of({"by": {str(n): n for n in range(150)}}), shape_of({"by": {f"x{n}": n for n in range(150)}})
    )
    assert shape == {"by": MIXED}


def test_what_was_not_recorded_is_said() -> None:
    card = dataset_card("set", seen([{}]), [])
    assert "| plan | not recorded |" in card
    assert "| all | not recorded | not recorded | 0 |" in card
