"""Counts add up whatever comes in, and a count that does not is an error."""

from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shard_pictures import encoded, item, list_source, params, picture

from cim.errors import CimError
from cim.shards.ledger import reasons, summarize
from cim.shards.merge import merge_duplicates
from cim.shards.plan import make_plan
from cim.shards.scan import scan_sources

CONTENTS = [None, b"", b"text", encoded(picture(1, (8, 8))), *(encoded(picture(seed)) for seed in range(3))]
CAPTIONS = st.lists(st.sampled_from(["a", "b", " a", "", " ", b"\xff"]), max_size=4).map(tuple)
COPIES = Path("copies")  # which nobody makes
ITEMS = st.lists(st.tuples(st.sampled_from(CONTENTS), CAPTIONS), min_size=1, max_size=12)


def arriving(given_one):
    """What a reader finds: texts without repeats, and each that can't be read."""
    texts = [c.strip() for c in given_one[1] if isinstance(c, str)]
    return len({text for text in texts if text}) + texts.count("") + given_one[1].count(b"\xff")


@settings(max_examples=60, deadline=None)
@given(ITEMS, ITEMS)
def test_in_is_out_and_rejected_and_merged(first, second):
    sources = [
        list_source([item(f"{i}", image, *captions) for i, (image, captions) in enumerate(given_ones)], name)
        for name, given_ones in (("first", first), ("second", second))
    ]
    with suppress(CimError):  # nothing usable
        plan = make_plan(sources, params({"gallery": 1.0}, {"gallery": 1.0}), workers=1, copies=COPIES)
        images, captions = plan.summary["images"], plan.summary["captions"]
        assert images["in"] == len(first) + len(second) == images["out"] + images["rejected"] + images["merged"]
        assert captions["in"] == sum(map(arriving, first + second)) == sum(captions.values()) - captions["in"]
        assert plan.rejects.height == images["rejected"] + captions["rejected"]
        assert plan.summary["rejects"] == Counter(plan.rejects["reason"])
        assert images["out"] == plan.samples.height == plan.samples["id"].n_unique()
        # What each image keeps, worked out the plain way: all its texts, in order, stripped, once.
        for number in range(3):
            texts = [c.strip() for image, said in first + second if image == CONTENTS[4 + number] for c in said if isinstance(c, str)]  # fmt: skip  # noqa: E501
            kept = list(dict.fromkeys(text for text in texts if text))
            assert not kept or kept in plan.samples["captions"].to_list()


def test_a_wrong_count_is_noticed():
    limits = params()
    scanned = scan_sources([list_source([item("0", CONTENTS[4], "a")])], limits, workers=1, copies=COPIES)
    merged = merge_duplicates(scanned.found)
    samples = make_plan([list_source([item("0", CONTENTS[4], "a")])], limits, workers=1, copies=COPIES).samples
    assert summarize(samples, scanned.rejects, scanned, merged, ["list"])["images"]["out"] == 1
    scanned.arrived[0].images += 1  # one came and is nowhere
    with pytest.raises(RuntimeError, match="images of list do not add up"):
        summarize(samples, scanned.rejects, scanned, merged, ["list"])
    scanned.arrived[0].images -= 1
    scanned.arrived[0].captions += 1
    with pytest.raises(RuntimeError, match="captions of list do not add up"):
        summarize(samples, scanned.rejects, scanned, merged, ["list"])


def test_reasons_are_counted_with_an_example():
    empty = [item(f"{n}.jpg", b"") for n in (1, 2)]
    items = [item("0", CONTENTS[4], "a"), *empty, item("3.jpg", b"text")]
    rejects = scan_sources([list_source(items)], params(), workers=1, copies=COPIES).rejects
    assert reasons(rejects) == "2 empty file, such as '1.jpg'; 1 not an image, such as \"3.jpg: begins with b'text'\""
    assert reasons(rejects.clear()) == "none rejected"
