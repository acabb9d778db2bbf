"""Parts that do not belong together are refused before anything is scored, each with what mends it."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from word_gallery import CAPTIONS, IMAGES, WordsAsNumbers, build, reward

from cim.encoders.card import EncoderCard
from cim.errors import CimError
from cim.index.meta import IndexMeta
from cim.models.folder import folder_fingerprint
from cim.rewards.open import check_weights
from cim.rewards.retriever import Retriever

SPACES = ["caption_text", "clip", "fused"]


def test_an_index_of_another_encoder_is_refused(world):
    layout, encoder = world
    encoder.fingerprint = "text-2"
    with pytest.raises(CimError, match=r"caption_text built with encoder text-1; expected text-2.*dvc repro index"):
        Retriever.open(layout, reward())


def test_an_index_of_other_embeddings_is_refused(world, embed):
    layout, _ = world
    embed("text", "gallery", [(CAPTIONS[0], np.roll(CAPTIONS[1], 1, axis=0))], encoder="text-1")
    with pytest.raises(CimError, match=r"caption_text built from text/gallery .*present.*dvc repro index"):
        Retriever.open(layout, reward())
    build(layout)
    Retriever.open(layout, reward())
    embed("image", "gallery", [(IMAGES[0], np.roll(IMAGES[1], 1, axis=0))], encoder="image-1")
    with pytest.raises(CimError, match="items built from image/gallery"):
        Retriever.open(layout, reward())


def test_sources_of_another_image_encoder_are_refused(world, embed):
    layout, _ = world
    embed("image", "train", [(["near"], [[1, 0, 0]])], encoder="image-2")
    with pytest.raises(CimError, match=r"items built with encoder image-1; expected image-2, that of .*image/train"):
        Retriever.open(layout, reward())


def test_a_space_of_another_encoder_is_refused_in_each_part_of_fused(world, monkeypatch):
    layout, _ = world
    for wrong in ("text", "image"):
        made = {role: WordsAsNumbers(f"{role}-{2 if role == wrong else 1}") for role in ("text", "image")}
        monkeypatch.setattr("cim.rewards.open._load", lambda _, role, *__, made=made: made[role])
        with pytest.raises(CimError, match=rf"built with encoder {wrong}-1; expected {wrong}-2.*dvc repro index"):
            Retriever.open(layout, reward(space="fused"))


@pytest.mark.parametrize("space", SPACES)
def test_a_reordered_id_list_is_refused(world, space):
    layout, encoder = world
    encoder.fingerprint = "image-1" if space == "clip" else "text-1"
    path = layout.index("clip" if space == "clip" else "caption_text") / "ids.parquet"
    pl.read_parquet(path).reverse().write_parquet(path)
    with pytest.raises(CimError, match=r"ids.parquet with digest .*; expected .*, as built.*dvc repro --force index"):
        Retriever.open(layout, reward(space=space))


def test_reordered_items_are_refused(world):
    layout, _ = world
    path = layout.index("items") / "ids.parquet"
    pl.read_parquet(path).reverse().write_parquet(path)
    with pytest.raises(CimError, match=r"items/ids.parquet with digest .*dvc repro --force index"):
        Retriever.open(layout, reward())


def test_reordered_or_foreign_item_vectors_are_refused(world):
    layout, _ = world
    path = layout.index("items") / "vectors.npy"
    vectors = np.load(path)
    np.save(path, vectors[::-1])
    with pytest.raises(CimError, match=r"2 of 3 vectors in .*items that are not their image's.*delete data/index"):
        Retriever.open(layout, reward())  # the middle one stays where it is
    np.save(path, np.roll(vectors, 1, axis=1))
    with pytest.raises(CimError, match=r"3 of 3 vectors"):
        Retriever.open(layout, reward())
    np.save(path, np.eye(3, 4, dtype=np.float16))
    with pytest.raises(CimError, match=r"vectors of dim 4 in .*items; expected 3"):
        Retriever.open(layout, reward())
    np.save(path, vectors)
    Retriever.open(layout, reward())


def test_an_index_of_another_gallery_is_refused(world, embed):
    """The captions' index, put beside the image vectors of a gallery without image "two"."""
    layout, _ = world
    kept = {path: path.read_bytes() for path in layout.index("caption_text").iterdir()}
    embed("image", "gallery", [(["one", "three"], [[1, 0, 0], [0, 0, 1]])], encoder="image-1")
    build(layout)
    Retriever.open(layout, reward())
    for path, content in kept.items():
        path.write_bytes(content)
    with pytest.raises(
        CimError, match=r"index caption_text built beside items \w+; expected \w+, as the items present"
    ):
        Retriever.open(layout, reward())
    meta = IndexMeta.read(layout.index("caption_text"))  # one that claims to belong here
    replace(meta, items_from=IndexMeta.read(layout.index("items")).fingerprint).write(layout.index("caption_text"))
    with pytest.raises(CimError, match=r"1 items of index caption_text, the first two, that .*items does not hold"):
        Retriever.open(layout, reward())


class TestWeights:
    """The weights decide, not what the card beside them says."""

    @pytest.fixture
    def model(self, layout):
        folder = layout.model("text")
        folder.mkdir(parents=True)
        (folder / "model.safetensors").write_bytes(b"weights")
        EncoderCard("text", "sentence-transformers", "a", None, 2, folder_fingerprint(folder)).write(folder)
        return folder

    def test_as_made_they_pass(self, model):
        check_weights(model)

    def test_swapped_they_do_not(self, world, model, monkeypatch):
        layout, _ = world
        (model / "model.safetensors").write_bytes(b"others")
        monkeypatch.undo()  # the real _load
        with pytest.raises(CimError, match=r"files with fingerprint \w+ in .*; expected \w+, as its card says"):
            Retriever.open(layout, reward())


def test_a_few_shifted_item_vectors_are_refused(layout, embed):
    """All but those that are compared with their embeddings: the digest of the file differs all the same."""
    rng = np.random.default_rng(0)
    ids, vectors = [f"g{n:03d}" for n in range(600)], rng.normal(size=(600, 3))
    embed("image", "gallery", [(ids, vectors)], encoder="image-1")
    embed("text", "gallery", [(ids, rng.normal(size=(600, 2)))], encoder="text-1")
    build(layout)
    path = layout.index("items") / "vectors.npy"
    stored = np.load(path)
    free = np.setdiff1d(np.arange(600), np.linspace(0, 599, 256).astype(int))
    stored[free] = np.roll(stored[free], 1, axis=0)
    np.save(path, stored)
    with pytest.raises(CimError, match=r"items/vectors.npy with digest \w+; expected \w+, as built"):
        Retriever.open(layout, reward())


@pytest.mark.parametrize("space", SPACES)
def test_captions_of_another_gallery_are_refused_in_every_space(world, embed, space):
    """In clip, too, where nothing is searched among them: a caption copied from the gallery is looked for there."""
    layout, encoder = world
    encoder.fingerprint = "image-1" if space == "clip" else "text-1"
    embed("text", "gallery", [(CAPTIONS[0], np.roll(CAPTIONS[1], 1, axis=0))], encoder="text-1")
    with pytest.raises(CimError, match=r"caption_text built from text/gallery .*present.*dvc repro index"):
        Retriever.open(layout, reward(space=space))
