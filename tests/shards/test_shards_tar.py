"""Tars: the same bytes for the same samples, those of tarfile, readable by WebDataset and by ourselves."""

import hashlib
import json
import os
import tarfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shard_pictures import encoded, picture

from cim.images.ids import content_id
from cim.records import Sample
from cim.shards.read import read_samples
from cim.shards.tar import add_member, header, write_tar

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@st.composite
def samples(draw) -> Sample:
    image = draw(st.binary(max_size=2000))
    return Sample(
        id=content_id(image), image=image, suffix=draw(st.sampled_from(["jpg", "png", "webp"])),
        captions=tuple(draw(st.lists(TEXT, max_size=3))), source=draw(TEXT), width=draw(st.integers(1, 9999)),
        height=draw(st.integers(1, 9999)), extra=draw(st.dictionaries(st.text(), JSON, max_size=3)),
    )  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(st.lists(samples(), max_size=5, unique_by=lambda sample: sample.id))
def test_round_trip_and_same_bytes(tmp_path_factory, given_samples):
    folder = tmp_path_factory.mktemp("tars")
    ordered = sorted(given_samples, key=lambda sample: sample.id)
    write_tar(folder / "a.tar", ordered)
    write_tar(folder / "b.tar", iter(ordered))
    assert list(read_samples(folder / "a.tar")) == ordered
    assert (folder / "a.tar").read_bytes() == (folder / "b.tar").read_bytes()


def sample(number: int, *captions: str) -> Sample:
    image = encoded(picture(number), "JPEG")
    return Sample(content_id(image), image, "jpg", captions, "list", 40, 36, {"scene": {"objects": []}})


def test_members_are_fixed(tmp_path):
    one = sample(1, "first", "zweite — größer")
    write_tar(tmp_path / "a.tar", [one])
    with tarfile.open(tmp_path / "a.tar") as tar:
        members = tar.getmembers()
        facts = json.loads(tar.extractfile(f"{one.id}.json").read())
    assert [m.name for m in members] == [f"{one.id}.jpg", f"{one.id}.txt", f"{one.id}.json"]
    assert {(m.mtime, m.uid, m.gid, m.uname, m.gname, m.mode) for m in members} == {(0, 0, 0, "", "", 0o644)}
    assert facts == {
        "captions": ["first", "zweite — größer"], "source": "list", "width": 40, "height": 36,
        "sha256": hashlib.sha256(one.image).hexdigest(), "extra": {"scene": {"objects": []}},
    }  # fmt: skip


def test_the_bytes_are_those_that_tarfile_writes(tmp_path, monkeypatch):
    ordered = sorted([sample(1, "first"), sample(2), sample(3, "größer" * 99)], key=lambda one: one.id)
    write_tar(tmp_path / "a.tar", ordered)
    with tarfile.open(tmp_path / "b.tar", "w", format=tarfile.USTAR_FORMAT) as tar:
        for one in ordered:
            facts = {
                "captions": one.captions, "source": "list", "width": 40, "height": 36,
                "sha256": hashlib.sha256(one.image).hexdigest(), "extra": one.extra,
            }  # fmt: skip
            add_member(tar, f"{one.id}.jpg", one.image)
            if one.captions:
                add_member(tar, f"{one.id}.txt", one.captions[0].encode())
            add_member(tar, f"{one.id}.json", json.dumps(facts, sort_keys=True).encode())
    assert (tmp_path / "a.tar").read_bytes() == (tmp_path / "b.tar").read_bytes()
    real = os.pwrite  # a disk that takes 100 bytes at a time
    monkeypatch.setattr("cim.shards.tar.os.pwrite", lambda handle, some, at: real(handle, some[:100], at))
    write_tar(tmp_path / "c.tar", ordered)
    assert (tmp_path / "c.tar").read_bytes() == (tmp_path / "b.tar").read_bytes()


@given(st.text("ab.0", min_size=1, max_size=100), st.integers(0, 8**11 - 1))
def test_headers_are_tarfile_s(name, size):
    member = tarfile.TarInfo(name)
    member.size = size
    assert header(name, size) == member.tobuf(tarfile.USTAR_FORMAT)


def test_what_no_header_holds_is_refused():
    for name, size in (("a" * 101, 1), ("a", 8**11)):
        with pytest.raises(ValueError, match="does not fit"):
            header(name, size)


def test_webdataset_reads_them(tmp_path):
    import webdataset

    ordered = sorted([sample(1, "first", "second"), sample(2, "third")], key=lambda one: one.id)
    write_tar(tmp_path / "a.tar", ordered)
    read = list(webdataset.WebDataset(str(tmp_path / "a.tar"), shardshuffle=False))
    assert [(one["__key__"], one["jpg"], one["txt"].decode()) for one in read] == [
        (one.id, one.image, one.captions[0]) for one in ordered
    ]


def test_order_is_demanded(tmp_path):
    ordered = sorted([sample(1), sample(2)], key=lambda one: one.id)
    for wrong in (ordered[::-1], [ordered[0], ordered[0]]):
        with pytest.raises(ValueError, match="ascending"):
            write_tar(tmp_path / "a.tar", wrong)
