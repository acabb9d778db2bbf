"""A folder with everything that goes wrong: the run ends, each reject has its reason, counts add up."""

from collections import Counter

import polars as pl
import pytest
from PIL import Image
from shard_pictures import encoded, picture

from cim.layout import Layout
from cim.params import FolderSource, Shard
from cim.readers.open import open_sources
from cim.shards.plan import make_plan
from cim.shards.publish import prepare, publish
from cim.shards.read import read_samples, shard_paths
from cim.shards.write import write_shard

GOOD = encoded(picture(1, (90, 80)), "JPEG")
FILES = {
    "a_good.jpg": GOOD,
    "b_copy.jpg": GOOD,
    "c_cmyk.jpg": encoded(picture(2, mode="CMYK"), "JPEG"),
    "d_deep.png": encoded(Image.new("I;16", (40, 40), 30_000)),
    "e_latin.webp": encoded(picture(3), "WEBP"),
    "f_latin_only.png": encoded(picture(4)),
    "g_silent.png": encoded(picture(5)),
    "h_zero.jpg": b"",
    "i_cut.jpg": GOOD[:-300],
    "j_text.jpg": b"This is a text.\n",
    "k_gif.gif": encoded(picture(6), "GIF"),
    "l_moving.webp": encoded(picture(7), "WEBP", save_all=True, append_images=[picture(8)]),
    "m_small.png": encoded(picture(9, (31, 40))),
    "n_large.png": encoded(picture(10, (150, 100))),
    "sub/o_good.png": encoded(picture(11)),
    "notes.txt": b"no image, and nobody says it is",
    ".hidden.jpg": b"",
}
CAPTIONS = [
    (b"a_good.jpg", b"first"),
    (b"a_good.jpg", b"second"),
    (b"b_copy.jpg", b"second"),
    (b"b_copy.jpg", b"third"),
    (b"c_cmyk.jpg", b"printed"),
    (b"d_deep.png", b"deep"),
    (b"e_latin.webp", b"caf\xe9"),
    (b"e_latin.webp", "café".encode()),
    (b"f_latin_only.png", b"caf\xe9"),
    (b"h_zero.jpg", b"zero"),
    (b"i_cut.jpg", b"cut, one"),
    (b"i_cut.jpg", b"cut, two"),
    (b"j_text.jpg", b"text"),
    (b"k_gif.gif", b"gif"),
    (b"l_moving.webp", b"moves"),
    (b"m_small.png", b"small"),
    (b"n_large.png", b"large"),
    (b"sub/o_good.png", b"deeper"),
    (b"sub/o_good.png", b"   "),
    (b"missing.jpg", b"nothing to see"),
]


@pytest.fixture
def run(tmp_path):
    """(summary, rejects, samples by id) of the whole stage over that folder."""
    images = tmp_path / "bad"
    for name, content in FILES.items():
        (images / name).parent.mkdir(parents=True, exist_ok=True)
        (images / name).write_bytes(content)
    lines = [b'%s,"%s"' % row for row in CAPTIONS]
    (images / "captions.csv").write_bytes(b"\r\n".join([b"file_name,caption", *lines]))
    source = FolderSource(kind="folder", path=str(images), splits={"gallery": 1.0})
    values = Shard(max_pixels=12_000, max_reject_share=0.7, samples_per_shard=3, sources=[source])
    layout = Layout(tmp_path / "data")
    sources = open_sources(values.sources, 5)  # images a part: of one folder, shards take from several
    plan = make_plan(sources, values, 2, layout.shard_copies)
    for job in prepare(plan, sources, layout):
        write_shard(job)
    summary = publish(plan, layout)
    found = {s.id: s for path in shard_paths(layout.shards("gallery")) for s in read_samples(path)}
    return summary, pl.read_parquet(layout.rejects), found


def test_each_reject_has_its_reason(run):
    _, rejects, _ = run
    named = sorted((row["detail"].split(":")[0], row["reason"]) for row in rejects.iter_rows(named=True))
    assert named == [
        ("e_latin.webp", "caption is not UTF-8"),
        ("f_latin_only.png", "caption is not UTF-8"),
        ("f_latin_only.png", "image without caption"),
        ("g_silent.png", "image without caption"),
        ("h_zero.jpg", "empty file"),
        ("i_cut.jpg", "corrupt image"),
        ("j_text.jpg", "not an image"),
        ("k_gif.gif", "unsupported format"),
        ("l_moving.webp", "animated image"),
        ("m_small.png", "too small"),
        ("missing.jpg", "caption without image"),
        ("n_large.png", "too many pixels"),
        ("sub/o_good.png", "caption is empty"),
    ]


def test_counts_add_up(run):
    summary, rejects, found = run
    # In: 15 image files and one missing one. Merged: b_copy. Rejected: the list above without its 3 captions.
    assert summary["images"] == {"in": 16, "out": 5, "rejected": 10, "merged": 1}
    # In: 20 rows. Of rejected images: zero 1, cut 2, text, gif, moving, small, large 1 each, missing 1 = 9.
    # Merged: "second" of the copy. Out: good 3, cmyk 1, deep 1, latin 1, o_good 1.
    assert summary["captions"] == {"in": 20, "out": 7, "rejected": 3, "of_rejected_images": 9, "merged": 1}
    assert rejects.height == summary["images"]["rejected"] + summary["captions"]["rejected"]
    assert summary["rejects"] == Counter(rejects["reason"])
    assert len(found) == summary["images"]["out"] == summary["splits"]["gallery"]["images"]
    assert sum(len(s.captions) for s in found.values()) == summary["captions"]["out"]


def test_good_images_come_through_untouched(run):
    _, _, found = run
    assert {s.image for s in found.values()} == {
        FILES[name] for name in ("a_good.jpg", "c_cmyk.jpg", "d_deep.png", "e_latin.webp", "sub/o_good.png")
    }
    assert sorted(s.captions for s in found.values()) == [
        ("café",), ("deep",), ("deeper",), ("first", "second", "third"), ("printed",),
    ]  # fmt: skip
