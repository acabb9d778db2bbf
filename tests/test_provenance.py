"""Whose an image is: which fields say it, what says nothing, what is counted."""

from typing import Any

import pytest

from cim.params.provenance import ProvenanceColumns
from cim.provenance import MOST, OTHERS, ProvenanceCounts, added_up, licenses_text, provenance_of


@pytest.mark.parametrize(
    ("facts", "found"),
    [
        ({}, {}),
        ({"LICENSE": "CC BY 2.0", "URL": "http://x/1.jpg", "Author": "A"},
         {"license": "CC BY 2.0", "source_url": "http://x/1.jpg", "attribution": "A"}),
        ({"license": "?", "licence": "mine"}, {"license": "mine"}),  # LAION's mark of what it does not know
        ({"license": None, "url": " ", "author": "N/A"}, {}),
        ({"license": True, "url": {"a": "b"}, "author": ["A", None, "B"]}, {"attribution": "A; B"}),
        ({"license": 4}, {"license": "4"}),
        ({"license": "one\nline  |"}, {"license": "one line |"}),
        ({"extra": {"provenance": {"license": "a", "mine": "b"}}, "url": "http://y"},
         {"license": "a", "source_url": "http://y"}),
        ({"provenance": {"license": "ours"}, "license": "theirs", "original": {"license": "old", "author": "A"}},
         {"license": "ours", "attribution": "A"}),
        ({"original": {"original": {"extra": {"url": "http://z"}}}}, {"source_url": "http://z"}),
        ({"original": "text", "provenance": 3, "extra": None}, {}),
    ],
)  # fmt: skip
def test_what_is_known(facts: dict[str, Any], found: dict[str, str]) -> None:
    assert provenance_of(facts) == found


def test_columns_are_named_by_params_in_order() -> None:
    columns = ProvenanceColumns.model_validate({"license": ["rights_a", "rights_b"], "source_url": []})
    facts = {"rights_b": "b", "RIGHTS_A": "a", "license": "no", "url": "no", "author": "A"}
    assert provenance_of(facts, columns) == {"license": "a", "attribution": "A"}


def test_what_is_not_known_is_counted() -> None:
    counts = ProvenanceCounts()
    counts.add({"license": "b", "source_url": "u"})
    counts.add({"license": "a"}, images=2)
    counts.add({}, images=4)
    one = counts.values()
    assert one == {
        "license": {"a": 2, "b": 1, "unknown": 4},
        "source_url": {"known": 1, "unknown": 6},
        "attribution": {"known": 0, "unknown": 7},
    }
    assert added_up([one, one])["license"] == {"a": 4, "b": 2, "unknown": 8}
    assert added_up([one, one])["attribution"] == {"known": 0, "unknown": 14}
    assert added_up([]) == ProvenanceCounts().values()
    assert licenses_text(one) == "unknown: 4, a: 2, b: 1"
    assert licenses_text(one, named=1) == "unknown: 4, a: 2 and 1 more"


def test_licences_without_end_are_counted_together() -> None:
    counts = ProvenanceCounts()
    for at in range(MOST + 5):
        counts.add({"license": f"{at}"})
    assert counts.values()["license"][OTHERS] == 5
