"""What the contract notices: each way in which a consumer may not do what it owes, planted by hand."""

from dataclasses import replace

import pytest
from contract_case import EMPTY, NOT_UTF8, Expected, Outcome, differences, to_recaptions, to_shards, unsaid

from cim.images.ids import content_id

WANTED = (
    Expected("a", b"A", ("one", "two")),
    Expected("b", b"B", ("fine",), (NOT_UTF8,)),
    Expected("c", problem="corrupt image"),
    Expected("d", b"D", lost=(EMPTY,)),
    Expected("e", b"A", ("two", "three")),
)
A, B, D = (content_id(content) for content in (b"A", b"B", b"D"))
SHARDS = Outcome(
    used=((A, ("one", "two", "three")), (B, ("fine",)), (D, ())),
    rejects=((NOT_UTF8, "b.png: caf"), ("corrupt image", "c.png: broken"), (EMPTY, "d.png")),
    images={"in": 5, "out": 3, "rejected": 1, "merged": 1},
)
RECAPTIONS = Outcome(
    used=((A, ("one",)), (A, ("two",)), (D, ())),
    rejects=((NOT_UTF8, "b: caf"), ("corrupt image", "c: broken")),
    images={"in": 5, "out": 3, "rejected": 2, "merged": 0},
)


def test_what_is_owed() -> None:
    assert differences(to_shards(WANTED), SHARDS) == []
    assert differences(to_recaptions(WANTED), RECAPTIONS) == []


@pytest.mark.parametrize(
    ("planted", "noticed"),
    [
        ({"error": "shard: found"}, "it ended: shard: found"),
        ({"used": SHARDS.used[:2]}, "d with () is not used"),
        ({"used": (*SHARDS.used, (A, ("one",)))}, "a with ('one',) is used"),
        ({"used": ((A, ("one", "two")), *SHARDS.used[1:])}, "a with ('one', 'two', 'three') is not used"),
        ({"used": ((A, ("two", "one", "three")), *SHARDS.used[1:])}, "a with ('one', 'two', 'three') is not used"),
        ({"rejects": SHARDS.rejects[1:]}, f"'b' is not refused with '{NOT_UTF8}'"),
        ({"rejects": (*SHARDS.rejects, ("corrupt image", "c.png: broken"))}, "refused with 'corrupt image': 'c.png"),
        ({"rejects": (*SHARDS.rejects[:1], ("not an image", "c.png"), SHARDS.rejects[2])}, "'c' is not refused with"),
        ({"rejects": (*SHARDS.rejects[:1], ("corrupt image", "cc.png"), SHARDS.rejects[2])}, "'c' is not refused with"),
        ({"images": SHARDS.images | {"in": 4}}, "images: {'in': 4"),
    ],
)
def test_a_planted_difference_is_noticed(planted: dict[str, object], noticed: str) -> None:
    found = differences(to_shards(WANTED), replace(SHARDS, **planted))  # type: ignore[arg-type]
    assert any(line.startswith(noticed) for line in found), found


def test_recaptioning_owes_no_image_whose_caption_is_lost() -> None:
    used = replace(RECAPTIONS, used=(*RECAPTIONS.used, (B, ("fine",))), rejects=RECAPTIONS.rejects[1:])
    assert differences(to_recaptions(WANTED), used)[:2] == [
        "b with ('fine',) is used",
        f"'b' is not refused with '{NOT_UTF8}'",
    ]


def test_a_name_counts_where_it_comes_first() -> None:
    """The detail of one reject may hold the name of another sample."""
    wanted = [Expected("list", problem="x"), Expected("list-of", problem="x")]
    found = Outcome(rejects=(("x", "list-of.png: a list"), ("x", "list.png: a list")), images={
        "in": 2, "out": 0, "rejected": 2, "merged": 0})  # fmt: skip
    assert differences(to_shards(wanted), found) == []


def test_errors_must_come_and_say_what() -> None:
    assert unsaid(["a.tar", "line \\d"], "") == ["it went on"]
    assert unsaid(["a.tar", r"line \d"], "A.TAR, line 5") == []
    assert unsaid(["a.tar", r"line \d"], "a.tar") == [r"'line \\d' is not in: a.tar"]
