"""Existing WebDataset tars."""

import io
import json
import tarfile

import pytest
from cim.readers.spans import from_span
from source_pictures import png

from cim.errors import CimError
from cim.images.ids import content_id
from cim.params import WebDatasetSource
from cim.readers.open import open_source
from cim.records import Sample
from cim.shards.tar import write_tar


def tar_of(path, *members: tuple[str, bytes]):
    with tarfile.open(path, "w") as tar:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def scan(path):
    source = open_source(WebDatasetSource(kind="webdataset", path=str(path), splits={"train": 1.0}))
    found = list(source.scan())
    for one in found:
        if one.image is not None:
            assert source.fetch(one.locator) == one.image
    return found


def test_img2dataset_tars(tmp_path):
    foreign = json.dumps({"caption": "from json", "url": "http://x", "width": 8}).encode()
    tar_of(
        tmp_path / "a.tar",
        ("000.jpg", png(1)), ("000.json", foreign), ("000.txt", b"from text"),
        ("001.json", foreign), ("001.webp", png(2)),
        ("sub/001.PNG", png(3)), ("sub/001.txt", b"caf\xe9"),
    )  # fmt: skip
    found = scan(tmp_path / "a.tar")
    assert [(one.image, one.captions, one.extra) for one in found] == [
        (png(1), ("from text",), {}),
        (png(2), ("from json",), {}),
        (png(3), (b"caf\xe9",), {}),
    ]
    assert found[2].locator.startswith("sub/001.PNG at ")


def test_our_own_shards_come_back_whole(tmp_path):
    extra = {"scene": {"objects": [], "relations": []}}
    written = Sample(content_id(png(1)), png(1), "png", ("one", "two"), "scenes:1", 8, 8, extra)
    write_tar(tmp_path / "gallery-000000.tar", [written])
    (found,) = scan(tmp_path / "gallery-000000.tar")
    assert (found.image, found.captions, found.extra) == (png(1), ("one", "two"), extra)


def test_odd_members(tmp_path):
    tar_of(
        tmp_path / "a.tar",
        ("README.md", b"not a sample"),
        ("lonely.txt", b"no image"),
        ("two.jpg", png(1)), ("two.png", png(2)), ("two.seg.png", png(3)), ("two.cls", b"7"),
        ("broken.jpg", png(4)), ("broken.json", b"{"), ("broken.txt", b"still here"),
        ("list.jpg", png(5)), ("list.json", b"[1]"),
        ("odd.jpg", png(6)), ("odd.json", b'{"captions": ["a", 5, "caf\xe9"], "extra": 3}'),
    )  # fmt: skip
    assert [(one.image, one.captions) for one in scan(tmp_path / "a.tar")] == [
        (None, ("no image",)),
        (png(1), ()),
        (png(4), ("still here",)),
        (png(5), ()),
        (png(6), ("a", b"caf\xe9")),
    ]


def test_globs_and_braces(tmp_path):
    for number in (2, 0, 1):
        tar_of(tmp_path / f"a-{number:03d}.tar", (f"{number}.png", png(number)))
    for pattern in ("a-*.tar", "a-{000..002}.tar", "a-{000,001,002}.tar"):
        assert [one.image for one in scan(tmp_path / pattern)] == [png(0), png(1), png(2)]
    with pytest.raises(CimError, match="no file at"):
        scan(tmp_path / "b-*.tar")
    with pytest.raises(CimError, match=r"no file at \S*a-003.tar, \S*a-004.tar, \S*a-005.tar and 1 more"):
        scan(tmp_path / "a-{000..006}.tar")
    for pattern in ("{a", "a}", "a-{000..{001}.tar"):
        with pytest.raises(CimError, match="unbalanced braces"):
            scan(tmp_path / pattern)
    (tmp_path / "a-000.tar").rename(tmp_path / "{a.tar")
    assert [one.image for one in scan(tmp_path / r"\{a.tar")] == [png(0)]


@pytest.mark.parametrize("cut", [600, 1024, 1200, 2048, 4096])
def test_a_cut_tar_is_an_error_wherever_it_is_cut(tmp_path, cut):
    # Headers at 0, 1024 and 2048; one block of content each (a picture is under 512 bytes), zeros from 3072 on.
    whole = tar_of(tmp_path / "a.tar", ("0.png", png(0)), ("1.png", png(1)), ("2.png", png(2))).read_bytes()
    assert len(png(0)) <= 512
    (tmp_path / "cut.tar").write_bytes(whole[:cut])
    if cut >= 3584:
        assert len(scan(tmp_path / "cut.tar")) == 3  # the end mark was there
    else:
        with pytest.raises(CimError, match="not a whole tar"):
            scan(tmp_path / "cut.tar")


def test_compressed_and_other_files_are_errors(tmp_path):
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as tar:
        tar.addfile(tarfile.TarInfo("0.png"))
    (tmp_path / "text.tar").write_text("text" * 300)
    for name in ("a.tar.gz", "text.tar"):
        with pytest.raises(CimError, match="not a whole tar"):
            scan(tmp_path / name)


def test_a_tar_that_shrank_is_noticed(tmp_path):
    (found,) = scan(tar_of(tmp_path / "a.tar", ("0.png", png(0))))
    (tmp_path / "a.tar").write_bytes(b"x" * 520)
    with pytest.raises(OSError, match="ends before byte"):
        from_span(found.locator)


def test_hostile_members_are_refused_and_their_neighbours_found(tmp_path):
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        for name, kind in [("link.png", tarfile.SYMTYPE), ("../up.png", tarfile.REGTYPE), ("/tmp/b", tarfile.CHRTYPE)]:
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, "/etc/passwd"
            tar.addfile(member)
        member = tarfile.TarInfo("good.png")
        member.size = len(png(1))
        tar.addfile(member, io.BytesIO(png(1)))
    *bad, good = scan(tmp_path / "a.tar")
    assert (good.image, good.problem) == (png(1), "")
    assert [(one.image, one.problem) for one in bad] == [
        (None, "not a regular file: 'link.png' is a link"),
        (None, "unsafe name: '../up.png'"),
        (None, "unsafe name: '/tmp/b'"),
    ]


def test_two_tars_in_one_are_an_error(tmp_path):
    """A reader that stops at the first one's end would lose the second one's samples."""
    whole = tar_of(tmp_path / "a.tar", ("0.png", png(0))).read_bytes()
    (tmp_path / "two.tar").write_bytes(whole + whole)
    with pytest.raises(CimError, match="more data behind its end"):
        scan(tmp_path / "two.tar")
