"""Tars as a corpus: how samples are found in them, and what is refused."""

import io
import tarfile
from pathlib import Path
from typing import Literal

import pytest
import webdataset
from corpus_files import first, picture, plan, read, shard, tar_bytes

from cim.readers.base import Item
from cim.readers.webdataset import TarPart


def items(folder: Path, members: list[tuple[str, bytes]]) -> list[Item]:
    (folder / "a.tar").write_bytes(tar_bytes(members))
    return list(TarPart(folder / "a.tar").items())


def test_samples_are_those_that_webdataset_finds(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(shard(0, 3))
    ours = list(TarPart(tmp_path / "a.tar").items())
    theirs = list(webdataset.WebDataset(str(tmp_path / "a.tar"), shardshuffle=False))
    assert [(i.name, i.image, first(i)) for i in ours] == [(t["__key__"], t["png"], t["txt"].decode()) for t in theirs]
    assert ours[2].facts == {"caption": "alt 2", "url": "http://x/2.png", "key": "000000002"}
    assert {item.suffix for item in ours} == {"png"}


def test_captions_are_the_text_and_the_jsons_list_else_its_caption(tmp_path: Path) -> None:
    found = items(
        tmp_path,
        [
            ("a.jpg", b"1"), ("a.txt", b" spaced \n"), ("a.json", b'{"caption": "no"}'),
            ("b.jpg", b"2"), ("b.json", b'{"caption": "single"}'),
            ("c.jpg", b"3"), ("c.json", b'{"captions": ["first", "second"], "caption": "no"}'),
            ("d.jpg", b"4"), ("d.txt", b"one"), ("d.json", b'{"captions": ["two", "one", "two"]}'),
            ("e.jpg", b"5"),
        ],
    )  # fmt: skip
    assert [item.captions for item in found] == [("spaced",), ("single",), ("first", "second"), ("one", "two"), ()]


def test_nothing_is_lost_to_a_key_used_twice(tmp_path: Path) -> None:
    found = items(tmp_path, [("a.jpg", b"1"), ("a.txt", b"x"), ("a.jpg", b"2"), ("b.jpg", b"3"), ("a.jpg", b"4")])
    assert [(item.name, item.image) for item in found] == [("a", b"1"), ("a", b"2"), ("b", b"3"), ("a", b"4")]


def test_other_members_are_named_and_notes_are_no_samples(tmp_path: Path) -> None:
    found = items(
        tmp_path, [("README", b"hello"), ("x/a.png", b"1"), ("x/a.cls", b"7"), ("x/a.pyd", b"\x80\x04K\x07.")]
    )
    assert [(item.name, item.facts) for item in found] == [("x/a", {"not_kept": ["cls", "pyd"]})]


@pytest.mark.parametrize(
    ("members", "problem"),
    [
        ([("a.txt", b"words")], ("sample without image", "only txt")),
        ([("a.pkl", b"\x80\x04K\x07.")], ("sample without image", "only pkl")),
        ([("../../a.jpg", b"1")], ("unsafe name", "'../../a.jpg'")),
        ([("/etc/a.jpg", b"1")], ("unsafe name", "'/etc/a.jpg'")),
        ([("x/..\\a.jpg", b"1")], ("unsafe name", r"'x/..\\a.jpg'")),
        ([("a.jpg", b"1"), ("b.jpg", b"3"), ("a.txt", b"words")], ("members not adjacent", "only txt")),
    ],
)
def test_a_sample_that_must_not_be_used_says_why(
    tmp_path: Path, members: list[tuple[str, bytes]], problem: tuple[str, str]
) -> None:
    *_, bad, good = items(tmp_path, [*members, ("good.jpg", b"2")])
    assert (bad.image, bad.problem) == (None, problem)
    assert (good.name, good.image, good.problem) == ("good", b"2", None)


@pytest.mark.parametrize(
    ("members", "captions", "lost"),
    [
        ([("a.txt", b"caf\xe9")], (), ("caption is not UTF-8", "caf\\xe9")),
        ([("a.txt", b"caf\xe9"), ("a.json", b'{"caption": "else"}')], ("else",), ("caption is not UTF-8", "caf\\xe9")),
        ([("a.json", b'{"score": NaN}')], (), ("broken JSON", "ValueError: NaN is no JSON number")),
        # JSON, but read as an infinity
        ([("a.json", b'{"score": [-1e999]}')], (), ("broken JSON", "ValueError: -1e999 is read as infinite")),
        ([("a.json", b"[1, 2]")], (), ("broken JSON", "a list, not an object")),
        ([("a.txt", b"stays"), ("a.json", b"[1, 2]")], ("stays",), ("broken JSON", "a list, not an object")),
    ],
)
def test_what_cannot_be_read_beside_an_image_is_lost_alone(
    tmp_path: Path, members: list[tuple[str, bytes]], captions: tuple[str, ...], lost: tuple[str, str]
) -> None:
    bad, good = items(tmp_path, [("a.jpg", b"1"), *members, ("good.jpg", b"2")])
    assert (bad.image, bad.problem, bad.captions, bad.lost) == (b"1", None, captions, (lost,))
    assert (good.name, good.image, good.problem, good.lost) == ("good", b"2", None, ())


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        link = tarfile.TarInfo("a.jpg")
        link.type, link.linkname = tarfile.SYMTYPE, str(tmp_path / "secret")
        tar.addfile(link)
    (item,) = TarPart(tmp_path / "a.tar").items()
    assert (item.image, item.problem) == (None, ("not a regular file", "'a.jpg' is a link"))


@pytest.mark.parametrize("kind", ["gz", "bz2", "xz"])
def test_a_compressed_tar_is_read(tmp_path: Path, kind: Literal["gz", "bz2", "xz"]) -> None:
    with tarfile.open(tmp_path / f"a.tar.{kind}", f"w:{kind}") as tar:
        member = tarfile.TarInfo("a.png")
        member.size = len(picture(1))
        tar.addfile(member, io.BytesIO(picture(1)))
    part = TarPart(tmp_path / f"a.tar.{kind}")
    (item,) = part.items()
    assert item.image == picture(1)
    assert list(part.fetch([0])) == [picture(1)]


def test_globs_braces_and_lists_are_planned_in_order(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"{number}.tar").write_bytes(shard(number, 1))
    names = ["0.tar", "1.tar", "2.tar"]
    for path in (f"{tmp_path}/*.tar", f"{tmp_path}/{{0..2}}.tar", f"file://{tmp_path}/*.tar"):
        parts = plan({"kind": "webdataset", "path": path})
        assert list(parts) == ["00000", "00001", "00002"]
        assert [part.name for part in parts.values()] == names
    parts = plan({"kind": "webdataset", "path": [f"{tmp_path}/2.tar", f"{tmp_path}/{{0,1}}.tar"]})
    assert [first(items[0]) for items in read(parts, tmp_path / "copies")] == ["alt 2", "alt 0", "alt 1"]


def test_a_changed_tar_is_another(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(shard(0, 1))
    part = TarPart(tmp_path / "a.tar")
    before = part.identity()
    (tmp_path / "a.tar").write_bytes(shard(1, 1))
    assert part.identity() != before
