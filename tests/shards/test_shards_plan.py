"""Scan, merge, split, number: what the plan says before anything is written."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shard_pictures import encoded, item, list_source, params, picture

from cim.errors import CimError
from cim.images.ids import content_id
from cim.params import Shard
from cim.readers.base import Item, Source
from cim.shards.plan import Plan, make_plan

IMAGES = [encoded(picture(seed)) for seed in range(24)]
FIVE = {"gallery": 0.2, "train": 0.2, "validation": 0.2, "target": 0.2, "eval": 0.2}


def found(number: int, *captions: str | bytes, name: str = "", **extra: object) -> Item:
    return item(name or f"{number}.png", IMAGES[number], *captions, **extra)


def planned(sources: list[Source], values: Shard, workers: int = 1) -> Plan:
    return make_plan(sources, values, workers, Path("copies"))  # which nobody makes


def rows(plan, *columns: str) -> list[tuple]:
    return plan.samples.select(columns).rows()


def test_duplicates_merge_captions_in_order():
    source = list_source(
        [found(0, "a", "b", "a"), found(1, "x"), found(0, "b", " c ", name="copy.png", scene={"k": 1}), found(1, "y")]
    )
    plan = planned([source], params(), workers=2)
    # Image 0: a, b (a again, which the reader leaves out), then b again, c. Image 1: x, y.
    assert rows(plan, "id", "locator", "captions", "extra") == [
        (content_id(IMAGES[0]), "0.png", ["a", "b", "c"], '{"scene": {"k": 1}}'),
        (content_id(IMAGES[1]), "1.png", ["x", "y"], "{}"),
    ]
    assert plan.summary["images"] == {"in": 4, "out": 2, "rejected": 0, "merged": 2}
    assert plan.summary["captions"] == {"in": 6, "out": 5, "rejected": 0, "of_rejected_images": 0, "merged": 1}


def test_an_image_of_two_sources_stays_with_the_first():
    first = list_source([found(0, "one"), found(1, "two")], "first")
    second = list_source([found(1, "two", "three"), found(2, "four")], "second")
    plan = planned([first, second], params({"gallery": 1.0}, {"eval": 1.0}))
    assert rows(plan, "locator", "source", "split", "captions") == [
        ("0.png", "first", "gallery", ["one"]),
        ("1.png", "first", "gallery", ["two", "three"]),
        ("2.png", "second", "eval", ["four"]),
    ]
    # "three" came with the second source and was new; its "two" was not.
    assert plan.summary["sources"]["second"] == {
        "images": {"in": 2, "out": 1, "rejected": 0, "merged": 1},
        "captions": {"in": 3, "out": 2, "rejected": 0, "of_rejected_images": 0, "merged": 1},
    }


def test_only_target_takes_images_without_captions():
    sources = [list_source([found(0), found(1, "said")], "a"), list_source([found(2), found(3, " ")], "b")]
    plan = planned(sources, params({"gallery": 1.0}, {"target": 1.0}))
    assert rows(plan, "locator", "split") == [("1.png", "gallery"), ("2.png", "target"), ("3.png", "target")]
    assert plan.rejects.rows() == [
        ("a", "image without caption", "0.png: split gallery needs captions"),
        ("b", "caption is empty", "3.png"),
    ]


def test_a_caption_of_a_duplicate_saves_an_image():
    plan = planned([list_source([found(0), found(0, "said", name="copy.png")])], params())
    assert rows(plan, "locator", "captions") == [("0.png", ["said"])]


def test_shards_fill_in_scan_order():
    plan = planned([list_source([found(n, "c") for n in range(5)])], params(samples_per_shard=2), workers=3)
    numbers = [(n // 2) for n in range(5)]
    assert rows(plan, "locator", "shard") == [(f"{n}.png", f"gallery-{numbers[n]:06d}.tar") for n in range(5)]
    assert plan.summary["splits"] == {"gallery": {"images": 5, "captions": 5, "shards": 3}}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.integers(0, 23), min_size=1, max_size=30), st.integers(0, 23), st.integers(0, 99))
def test_splits_are_disjoint_and_stay_when_images_are_added(numbers, more, seed):
    def splits(chosen: list[int]) -> dict[str, str]:
        # Every split gets one image of its own beforehand, because an empty split is an error.
        sure = [list_source([item(str(n), encoded(picture(900 + n)), "c")], f"sure{n}") for n in range(5)]
        source = list_source([found(n, "c", name=f"{i}.png") for i, n in enumerate(chosen)])
        plan = planned([*sure, source], params(*({split: 1.0} for split in FIVE), FIVE, seed=seed))
        pairs = rows(plan, "id", "split")
        assert len(pairs) == len(dict(pairs)) == 5 + len(set(chosen))  # no id twice: in one split only
        assert plan.summary["images"]["in"] == 5 + len(chosen)
        return dict(pairs)

    before, after = splits(numbers), splits([more, *numbers])
    assert before.items() <= after.items()


def test_locator_order_of_threads_does_not_matter():
    items = [found(n % 24, f"c{n}", name=f"{n}.png") for n in range(60)]
    plans = [planned([list_source(items)], params(), workers) for workers in (1, 4)]
    assert plans[0].samples.equals(plans[1].samples)


@pytest.mark.parametrize(
    ("items", "values", "message"),
    [
        ([], {}, "source list is empty"),
        ([item("a.jpg", b"", "c"), item("b.jpg", None, "c")], {}, "no usable image among 2"),
        ([found(0)], {}, "1 image without caption, such as '0.png"),
        ([found(0, "c"), item("a.jpg", b""), item("b.jpg", b"")], {"max_reject_share": 0.6},
         "2 of 3 images rejected (2 empty file, such as 'a.jpg')"),
    ],
)  # fmt: skip
def test_errors_name_reasons_and_counts(items, values, message):
    with pytest.raises(CimError) as caught:
        planned([list_source(items)], params(**values))
    assert message in str(caught.value)


def test_rejects_at_the_limit_are_let_through():
    source = list_source([found(0, "c"), item("a.jpg", b"")])
    assert planned([source], params(max_reject_share=0.5)).summary["images"]["rejected"] == 1


def test_an_empty_split_is_an_error():
    with pytest.raises(CimError, match=r"no image for .*larger share"):
        planned([list_source([found(0, "c")])], params(FIVE))
