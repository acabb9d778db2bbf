"""Every way in which an index may not belong to what lies beside it, planted."""

import numpy as np
import polars as pl
import pytest
from clustered import clustered, named

from cim.errors import CimError
from cim.index.build import build_items, build_space
from cim.index.meta import EmbeddingMeta, IndexMeta, check_embeddings, check_encoder
from cim.index.search import GalleryIndex
from cim.index.stale import PROBE_BYTES, PROBES, digest_file
from cim.params.retrieval import Index

pytestmark = pytest.mark.usefixtures("few_queries")

ROWS, FACTORY = 60, "HNSW8"


@pytest.fixture
def build(layout, embed):
    """build(seed, factory): items and clip index of 60 images; returns the folder of the index."""

    def make(seed=0, factory=FACTORY, encoder="encoder-1", ids=None):
        embed("image", "gallery", [(ids or named(ROWS), clustered(ROWS, 8, seed))], encoder)
        build_items(layout, ["gallery"], 3)
        build_space(layout, "clip", Index(factory=factory), 3)
        return layout.index("clip")

    return make


def refused(folder, pattern, params=None, k=3):
    with pytest.raises(CimError, match=pattern):
        GalleryIndex.open(folder, params, k)


def test_a_fresh_build_opens(build):
    assert len(GalleryIndex.open(build(), Index(factory=FACTORY), 3).items) == ROWS


def test_reordered_ids(build):
    folder = build()
    ids = pl.read_parquet(folder / "ids.parquet")
    ids.reverse().write_parquet(folder / "ids.parquet")
    refused(folder, r"ids.parquet with digest \w{16}; expected \w{16}, as built.*dvc repro --force index")


@pytest.mark.parametrize("name", ["index.faiss", "vectors.npy", "norms.npy"])
def test_a_file_of_another_build_of_the_same_size(build, name):
    folder = build(seed=1)
    other = (folder / name).read_bytes()
    build(seed=0)
    assert (folder / name).stat().st_size == len(other)
    (folder / name).write_bytes(other)
    refused(folder, rf"{name} with digest \w{{16}}; expected \w{{16}}, as built.*dvc repro --force index")


@pytest.mark.parametrize("name", ["index.faiss", "vectors.npy"])
def test_a_file_cut_short_or_gone(build, name):
    folder = build()
    (folder / name).write_bytes((folder / name).read_bytes()[:-16])
    refused(folder, rf"{name} with digest")
    (folder / name).unlink()
    refused(folder, rf"{name} with digest nothing")


def test_a_whole_part_of_another_build(layout, build):
    folder = build(seed=1)
    kept = {path.name: path.read_bytes() for path in folder.iterdir()}
    build(seed=0)
    for name, content in kept.items():
        (folder / name).write_bytes(content)
    refused(folder, r"index clip built beside items \w{16}; expected \w{16}, as the items present.*dvc repro index")


@pytest.mark.parametrize(
    ("params", "pattern"),
    [
        ({"factory": "flat"}, "built with factory 'HNSW8'; expected 'flat'"),
        ({"ef_search": 7}, r"measured with \{'efSearch': 128, 'candidates': 64\}; expected \{'efSearch': 7"),
        ({"candidates": 7}, r"expected \{'efSearch': 128, 'candidates': 7\}.*dvc repro index"),
    ],
)
def test_other_params(build, params, pattern):
    refused(build(), pattern, Index(**{"factory": FACTORY, **params}))


def test_params_that_an_index_does_not_look_at_may_change(build):
    assert GalleryIndex.open(build(factory="flat"), Index(factory="flat", nprobe=1, candidates=1), 3).meta.exact
    assert not GalleryIndex.open(build(), Index(factory=FACTORY, nprobe=1), 3).meta.exact


def test_other_embeddings_gallery_or_weights(layout, build):
    folder = build()
    meta = IndexMeta.read(folder)
    present = EmbeddingMeta.read(layout.embeddings("image", "gallery"))
    check_embeddings(meta, [present])
    order = named(ROWS)[::-1]  # the same vectors under each other's ids
    for changed in ({"seed": 1}, {"ids": order}, {"encoder": "encoder-2"}):
        build(**changed)
        with pytest.raises(CimError, match=r"built from image/gallery .*as the embeddings present.*dvc repro index"):
            check_embeddings(meta, [EmbeddingMeta.read(layout.embeddings("image", "gallery"))])
    with pytest.raises(CimError, match=r"built with encoder encoder-1; expected encoder-2, that of models/image"):
        check_encoder(meta, "encoder-2", "models/image")


def test_the_stage_mends_what_is_refused(build):
    folder = build()
    (folder / "vectors.npy").write_bytes((folder / "norms.npy").read_bytes())
    refused(folder, "vectors.npy with digest")
    build()
    GalleryIndex.open(folder, Index(factory=FACTORY), 3)


def test_large_files_are_told_apart_by_their_size_and_spread_places(tmp_path):
    path, size = tmp_path / "large", 2 * PROBES * PROBE_BYTES
    content = np.zeros(size, dtype=np.uint8)
    content.tofile(path)
    digests = {digest_file(path)}
    for place in (0, (size - PROBE_BYTES) // (PROBES - 1) * 31 + 100, size - 1):
        content[place] = 1
        content.tofile(path)
        digests.add(digest_file(path))
    content[:-1].tofile(path)
    assert len(digests | {digest_file(path)}) == 5
