"""WebDataset tars of others and our own, hostile members, and addresses of several."""

import io
import json
import tarfile
from pathlib import Path

import pytest
from corpus_files import tar_bytes
from source_pictures import png

from cim.errors import CimError
from cim.images.ids import content_id
from cim.params.sources import WebDatasetSource
from cim.readers.base import Item
from cim.readers.open import open_source
from cim.readers.webdataset import TarPart
from cim.records import Sample
from cim.shards.tar import write_tar


def items(path: Path) -> list[Item]:
    """Of all tars at a path, from params to items."""
    source = open_source(WebDatasetSource(kind="webdataset", path=str(path)), 10)
    return [item for part in source.parts for item in part.here(Path("never")).items()]


def test_img2dataset_tars(tmp_path: Path) -> None:
    foreign = json.dumps({"caption": "from json", "url": "http://x", "width": 8}).encode()
    content = tar_bytes([
        ("000.jpg", png(1)), ("000.json", foreign), ("000.txt", b"from text"),
        ("001.json", foreign), ("001.webp", png(2)),
        ("sub/001.PNG", png(3)), ("sub/001.txt", b"caf\xe9"),
    ])  # fmt: skip
    (tmp_path / "a.tar").write_bytes(content)
    found = items(tmp_path / "a.tar")
    assert [(one.name, one.image, one.suffix, one.captions) for one in found] == [
        ("000", png(1), "jpg", ("from text",)),
        ("001", png(2), "webp", ("from json",)),
        ("sub/001", png(3), "png", ()),
    ]
    assert [one.facts for one in found] == [json.loads(foreign), json.loads(foreign), {}]
    assert [one.lost for one in found] == [(), (), (("caption is not UTF-8", "caf\\xe9"),)]


def test_our_own_shards_come_back_whole(tmp_path: Path) -> None:
    extra = {"scene": {"objects": [], "relations": []}}
    written = Sample(content_id(png(1)), png(1), "png", ("one", "two"), "scenes:1", 8, 8, extra)
    write_tar(tmp_path / "gallery-000000.tar", [written])
    (found,) = items(tmp_path / "gallery-000000.tar")
    assert (found.image, found.captions, found.facts["extra"], found.lost) == (png(1), ("one", "two"), extra, ())


def test_odd_members(tmp_path: Path) -> None:
    content = tar_bytes([
        ("README.md", b"no image"),
        ("lonely.txt", b"no image"),
        ("two.jpg", png(1)), ("two.png", png(2)), ("two.seg.png", png(3)), ("two.cls", b"7"),
        ("broken.jpg", png(4)), ("broken.json", b"{"), ("broken.txt", b"still here"),
        ("list.jpg", png(5)), ("list.json", b"[1]"),
        ("odd.jpg", png(6)), ("odd.json", b'{"captions": ["a", 5, "b"], "extra": 3}'),
    ])  # fmt: skip
    (tmp_path / "a.tar").write_bytes(content)
    found = items(tmp_path / "a.tar")
    assert [(one.image, one.captions) for one in found] == [
        (None, ()),  # README.md has an extension, and so is a sample as webdataset has it
        (None, ("no image",)),
        (png(1), ()),
        (png(4), ("still here",)),
        (png(5), ()),
        (png(6), ("a", "b")),
    ]
    assert found[2].facts == {"not_kept": ["cls", "png", "seg.png"]}
    assert [reason for one in found for reason, _ in one.lost] == ["broken JSON", "broken JSON", "caption is not text"]


def test_the_whole_key_counts_and_capitals_do_not(tmp_path: Path) -> None:
    content = tar_bytes([("a/x.jpg", png(1)), ("b/x.TXT", b"of b"), ("b/x.JPG", png(2)), ("b/.x.jpg", png(3))])
    (tmp_path / "a.tar").write_bytes(content)
    assert [(one.name, one.captions) for one in items(tmp_path / "a.tar")] == [("a/x", ()), ("b/x", ("of b",))]


def test_globs_and_braces(tmp_path: Path) -> None:
    for number in (2, 0, 1):
        (tmp_path / f"a-{number:03d}.tar").write_bytes(tar_bytes([(f"{number}.png", png(number))]))
    (tmp_path / "a-folder.tar").mkdir()
    for pattern in ("a-*.tar", "a-{000..002}.tar", "a-{000,001,002}.tar"):
        assert [one.image for one in items(tmp_path / pattern)] == [png(0), png(1), png(2)]
    with pytest.raises(CimError, match="no file at"):
        items(tmp_path / "b-*.tar")
    with pytest.raises(CimError, match=r"no file at \S*a-003.tar, \S*a-004.tar, \S*a-005.tar and 1 more"):
        items(tmp_path / "a-{000..006}.tar")
    for pattern in ("{a", "a}", "a-{000..{001}.tar"):
        with pytest.raises(CimError, match="unbalanced braces"):
            items(tmp_path / pattern)
    (tmp_path / "a-000.tar").rename(tmp_path / "{a.tar")
    assert [one.image for one in items(tmp_path / r"\{a.tar")] == [png(0)]


@pytest.mark.parametrize(("cut", "whole_ones"), [(560, 0), (600, 1), (1024, 1), (1200, 1), (2048, 2), (4096, 3)])
def test_a_cut_tar_ends_in_an_item_of_its_own_wherever_it_is_cut(tmp_path: Path, cut: int, whole_ones: int) -> None:
    # Headers at 0, 1024 and 2048; one block of content each (a picture has 69 or 73 bytes), zeros from 3072 on.
    whole = tar_bytes([(f"{number}.png", png(number)) for number in range(3)])
    assert {len(png(number)) for number in range(3)} == {69, 73}
    (tmp_path / "cut.tar").write_bytes(whole[:cut])
    *found, last = items(tmp_path / "cut.tar")
    if cut >= 3584:
        assert [one.image for one in (*found, last)] == [png(0), png(1), png(2)]  # the end mark was there
    else:
        assert [one.image for one in found] == [png(number) for number in range(whole_ones)]
        assert last.problem is not None
        assert (last.name, last.image, last.problem[0]) == ("", None, "broken tar")


def test_a_tar_that_shrank_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(tar_bytes([("0.png", png(0)), ("1.png", png(1))]))
    part = TarPart(tmp_path / "a.tar")
    assert list(part.fetch([0, 1])) == [png(0), png(1)]
    for left in (tar_bytes([("0.png", png(0))]), tar_bytes([("0.png", png(0)), ("1.txt", b"")]), b"x" * 520):
        (tmp_path / "a.tar").write_bytes(left)
        with pytest.raises(OSError, match=r"ends before sample 1|no image at sample 1"):
            list(part.fetch([1]))


def test_hostile_members_are_refused_and_their_neighbours_found(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        for name, kind in [("link.png", tarfile.SYMTYPE), ("../up.png", tarfile.REGTYPE), ("/tmp/b", tarfile.CHRTYPE)]:
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, "/etc/passwd"
            tar.addfile(member)
        member = tarfile.TarInfo("good.png")
        member.size = len(png(1))
        tar.addfile(member, io.BytesIO(png(1)))
    *bad, good = items(tmp_path / "a.tar")
    assert (good.image, good.problem) == (png(1), None)
    assert [(one.image, one.problem) for one in bad] == [
        (None, ("not a regular file", "'link.png' is a link")),
        (None, ("unsafe name", "'../up.png'")),
        (None, ("unsafe name", "'/tmp/b'")),
    ]
