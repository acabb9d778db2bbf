"""Building from embeddings: contents, skipping, refusals, and what must not be imported."""

import subprocess
import sys

import numpy as np
import pytest

from cim.atomic import read_json
from cim.errors import CimError
from cim.index.build import build_items, build_space
from cim.index.meta import IndexMeta
from cim.index.search import GalleryIndex
from cim.index.vectors import VectorStore
from cim.params import Index, Reward

pytestmark = pytest.mark.usefixtures("few_queries")


def random_shards(seed, prefix, counts, dim=8, repeat=1):
    rng = np.random.default_rng(seed)
    shards, start = [], 0
    for count in counts:
        ids = [f"{prefix}{n:04d}" for n in range(start, start + count) for _ in range(repeat)]
        shards.append((ids, rng.normal(size=(len(ids), dim))))
        start += count
    return shards


@pytest.fixture
def embedded(embed):
    embed("image", "gallery", random_shards(0, "g", [5, 4]))
    embed("text", "gallery", random_shards(1, "g", [5, 4], dim=6, repeat=2), encoder="text-1")


def test_items_hold_every_image_vector_in_order(layout, embedded):
    meta = build_items(layout, ["gallery"], 3)
    folder = layout.index("items")
    stored = np.load(folder / "vectors.npy", mmap_mode="r")
    shards = [np.load(layout.embeddings("image", "gallery") / f"gallery-00000{n}.npy") for n in (0, 1)]
    np.testing.assert_array_equal(stored, np.concatenate(shards))
    assert stored.dtype == np.float16
    assert (meta.rows, meta.items, meta.dim, meta.encoder) == (9, 9, 8, "encoder-1")
    assert IndexMeta.read(folder) == meta


def test_spaces_count_rows_and_items(layout, embedded):
    build_items(layout, ["gallery"], 3)
    text = build_space(layout, "caption_text", Index(factory="Flat"), 3)
    clip = build_space(layout, "clip", Index(factory="Flat"), 3)
    assert (text.rows, text.items, text.dim, text.encoder, text.recall) == (18, 9, 6, "text-1", None)
    assert (clip.rows, clip.items, clip.dim, clip.encoder) == (9, 9, 8, "encoder-1")
    store = VectorStore([(layout.index("items") / "vectors.npy", layout.index("items") / "ids.parquet")])
    ids = [f"g{n:04d}" for n in range(9)]
    found, scores = GalleryIndex.open(layout.index("clip")).search(store.get(ids), 1)
    assert found == [[name] for name in ids]
    np.testing.assert_allclose(scores, 1, atol=1e-6)


def test_captions_without_an_image_vector_are_left_out_and_counted(layout, embed, embedded):
    embed("text", "gallery", random_shards(1, "g", [5, 6], dim=6), encoder="text-1")
    build_items(layout, ["gallery"], 3)
    assert build_space(layout, "caption_text", Index(factory="Flat"), 3).items == 9
    assert read_json(layout.root / "index" / "caption_text.done.json")["facts"]["skipped"] == 2


def test_done_is_skipped_and_changed_embeddings_are_not(layout, embed, embedded):
    def build():
        build_items(layout, ["gallery"], 3)
        build_space(layout, "clip", Index(factory="Flat"), 3)
        return [(layout.index(part) / "ids.parquet").stat().st_mtime_ns for part in ("items", "clip")]

    first = build()
    assert build() == first
    embed("image", "gallery", random_shards(7, "g", [5, 4]))
    assert all(later > earlier for later, earlier in zip(build(), first, strict=True))


@pytest.mark.parametrize("lost", ["index.faiss", "vectors.npy", "norms.npy", "ids.parquet", "meta.json"])
def test_a_lost_file_is_built_again(layout, embedded, lost):
    build_items(layout, ["gallery"], 3)
    build_space(layout, "clip", Index(factory="HNSW4"), 3)
    (layout.index("clip") / lost).unlink()
    build_space(layout, "clip", Index(factory="HNSW4"), 3)
    assert len(GalleryIndex.open(layout.index("clip")).items) == 9


def test_a_build_cut_short_cannot_be_opened_and_is_redone(layout, embedded, monkeypatch):
    build_items(layout, ["gallery"], 3)
    monkeypatch.setattr("cim.index.build._finish", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        build_space(layout, "clip", Index(factory="Flat"), 3)
    with pytest.raises(CimError, match="dvc repro index"):
        GalleryIndex.open(layout.index("clip"))
    monkeypatch.undo()
    build_space(layout, "clip", Index(factory="Flat"), 3)
    assert len(GalleryIndex.open(layout.index("clip")).items) == 9


def test_refusals_before_anything_is_written(layout, embed, embedded):
    with pytest.raises(CimError, match="dvc repro embed"):
        build_items(layout, ["validation"], 3)
    with pytest.raises(CimError, match="9 gallery items; expected at least k = 10"):
        build_items(layout, ["gallery"], 10)
    assert not layout.index("items").exists()
    build_items(layout, ["gallery"], 3)
    with pytest.raises(CimError, match="'Flatt'"):
        build_space(layout, "clip", Index(factory="Flatt"), 3)
    with pytest.raises(CimError, match="leave IDMap out"):
        build_space(layout, "clip", Index(factory="IDMap,Flat"), 3)
    with pytest.raises(CimError, match="enough vectors to train"):
        build_space(layout, "clip", Index(factory="IVF64,Flat"), 3)
    embed("image", "train", random_shards(5, "t", [3]), encoder="encoder-2")
    with pytest.raises(CimError, match=r"different encoders.*image/train by encoder-2"):
        build_items(layout, ["gallery", "train"], 3)
    embed("image", "train", random_shards(5, "g", [3]))
    with pytest.raises(CimError, match="an id twice"):
        build_items(layout, ["gallery", "train"], 3)


def test_embeddings_cut_short_or_beside_other_ids_are_refused(layout, embedded):
    path = layout.embeddings("image", "gallery") / "gallery-000001.npy"
    whole = path.read_bytes()
    path.write_bytes(whole[:-16])
    with pytest.raises(CimError, match=r"gallery-000001.npy: .*a whole file of vectors.*dvc repro index"):
        build_items(layout, ["gallery"], 3)
    np.save(path, np.load(path.with_name("gallery-000000.npy")))
    with pytest.raises(CimError, match=r"gallery-000001.npy of shape \(5, 8\) beside 4 ids"):
        build_items(layout, ["gallery"], 3)
    with pytest.raises(CimError, match="a built index"):
        IndexMeta.read(layout.index("items"))
    path.write_bytes(whole)
    assert build_items(layout, ["gallery"], 3).rows == 9


def test_building_and_opening_import_no_torch():
    code = (
        "import sys, cim.index.build, cim.index.search, cim.rewards.retriever, cim.rewards.trl\n"
        "print(*({'torch', 'transformers', 'sentence_transformers', 'open_clip', 'trl'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_the_task_builds_each_part(layout, embedded):
    from tasks.index import index_part

    params = Index(factory="Flat")
    for part, rows in (("items", 9), ("caption_text", 18), ("clip", 9)):
        assert index_part.fn(part, layout, params, Reward(k=3)).rows == rows
