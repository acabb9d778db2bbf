"""Heads with a text model made from nothing on the captions of its half, fitted to generated scenes."""

from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image
from scene_gallery import scenes
from transformers import AutoTokenizer

from cim.encoders.card import EncoderCard
from cim.encoders.load import load_clip
from cim.encoders.make import make_clip_encoder
from cim.encoders.own_text import frequent_words
from cim.encoders.pairs import gallery_captions
from cim.params import FittedHeads, FittedText, TextEncoder, Trunk
from cim.params.load import parse_section


@pytest.fixture(scope="module")
def params(small_trunk: Trunk) -> FittedHeads:
    text = FittedText(kind="fit", hidden=64)
    return FittedHeads(
        kind="heads", seed=0, trunk=small_trunk, text=text, embed_dim=16, epochs=60, batch_size=24, learning_rate=0.005
    )


@pytest.fixture(scope="module")
def folder(params: FittedHeads, gallery: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "heldout"
    make_clip_encoder(params, folder, gallery, "cpu")
    return folder


def test_it_finds_its_own_pairs(folder: Path) -> None:
    """24 pairs learnt by heart, as far as a random trunk tells scenes apart: by chance it would be 1 of 24."""
    encoder = load_clip(folder, "cpu")
    pixels, said = scenes(24)
    images = encoder.encode_images([Image.fromarray(one) for one in pixels])
    texts = encoder.encode_texts([caption for (caption,) in said])
    assert np.mean((texts @ images.T).argmax(axis=1) == np.arange(24)) > 0.5
    losses = EncoderCard.read(folder).made_from["losses"]
    assert losses[-1] < losses[0]


def test_open_clip_itself_reads_the_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    model, _, _ = open_clip.create_model_and_transforms("local-dir:.")
    said = ["a red star", "a word that is not there: xyzzy"]
    with torch.inference_mode():
        texts = model.eval().encode_text(open_clip.get_tokenizer("local-dir:.")(said), normalize=True)
    np.testing.assert_allclose(texts.numpy(), load_clip(folder, "cpu").encode_texts(said), atol=1e-5)


def test_the_same_seed_makes_the_same_model(params: FittedHeads, folder: Path, gallery: Path, tmp_path: Path) -> None:
    torch.manual_seed(7)  # whatever came before
    made = make_clip_encoder(params, tmp_path / "heldout", gallery, "cpu")
    assert made.fingerprint == EncoderCard.read(folder).fingerprint


def test_it_knows_the_words_of_its_half_only(params: FittedHeads, gallery: Path, tmp_path: Path) -> None:
    half = params.model_copy(update={"pairs": "second_half", "epochs": 1, "batch_size": 4})
    make_clip_encoder(half, tmp_path / "heldout", gallery, "cpu")
    known = set(AutoTokenizer.from_pretrained(tmp_path / "heldout").get_vocab())
    mine, others = (gallery_captions(gallery, part) for part in ("second_half", "first_half"))
    assert sorted(mine + others) == sorted(gallery_captions(gallery, "all"))
    assert {word for word in known if word[0] != "["} == set(frequent_words(mine, 10_000))


def test_words_are_counted() -> None:
    # dog 3, a 3, ran 2, . 2; cafe once with and once without its accent; cat and the once
    captions = ["A dog ran.", "a dog ran", "A CAFÉ, the dog.", "cafe cat"]
    assert frequent_words(captions, 10) == ["a", "dog", ".", "cafe", "ran"]
    assert frequent_words(captions, 3) == ["a", "dog", "."]


def test_how_parameters_name_it() -> None:
    values = {
        "kind": "heads", "seed": 0, "text": {"kind": "fit", "layers": 1},
        "trunk": {"architecture": "a", "weights": "package:b"},
    }  # fmt: skip
    assert parse_section(values, FittedHeads, "params").text == FittedText(kind="fit", layers=1)
    loaded = parse_section(values | {"text": {"name": "package:b"}}, FittedHeads, "params").text
    assert loaded == TextEncoder(name="package:b")
