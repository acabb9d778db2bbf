"""Models that exist: local folders and files for real, the hub as far as one gets without network."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from huggingface_hub.errors import HTTPError
from model_hub import COMMIT, Hub
from PIL import Image
from scene_gallery import scenes

from cim.encoders.card import EncoderCard
from cim.encoders.load import load_clip, load_text_encoder
from cim.encoders.make import make_clip_encoder, make_text_encoder
from cim.errors import CimError
from cim.params import LoadedClip, TextEncoder

NOWHERE = Path("/nowhere")


def clip(name: str, revision: str | None = None, pretrained: str | None = None) -> LoadedClip:
    return LoadedClip(kind="open_clip", name=name, revision=revision, pretrained=pretrained)


def unchecked(name: str, revision: str | None) -> LoadedClip:
    """What params refuse: a folder seen when they were read may be gone when it is fetched."""
    return LoadedClip.model_construct(kind="open_clip", name=name, revision=revision, pretrained=None)


@pytest.fixture
def no_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every download fails as without network."""
    trouble = HTTPError("no route to host")

    def fail(*_: object, **__: object) -> None:
        raise trouble

    Hub({}, trouble).install(monkeypatch)
    monkeypatch.setattr("open_clip.factory.download_pretrained", fail)


class TestLocal:
    def test_open_clip_folder(self, clip_folder: Path, tmp_path: Path) -> None:
        card = make_clip_encoder(clip(str(clip_folder)), tmp_path / "heldout", NOWHERE)
        assert (card.role, card.name) == ("heldout", str(clip_folder))
        pictures = [Image.fromarray(one) for one in scenes(2)[0]]
        first, second = (load_clip(f, "cpu").encode_images(pictures) for f in (clip_folder, tmp_path / "heldout"))
        np.testing.assert_array_equal(first, second)
        assert card.fingerprint == EncoderCard.read(clip_folder).fingerprint

    def test_text_folder_with_code_and_pickles_left_behind(self, text_folder: Path, tmp_path: Path) -> None:
        source = tmp_path / "source"
        shutil.copytree(text_folder, source)
        for name in ("pytorch_model.bin", "evil.py", "onnx/model.onnx", ".git/config.json"):
            (source / name).parent.mkdir(exist_ok=True)
            (source / name).write_text("anything")
        card = make_text_encoder(TextEncoder(name=str(source), revision=None), tmp_path / "text")
        assert card.fingerprint == EncoderCard.read(text_folder).fingerprint
        assert load_text_encoder(tmp_path / "text", "cpu").dim == 384

    def test_checkpoint_of_a_known_architecture(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A .pt file of weights becomes safetensors; the architecture is open_clip's own, made small for the test."""
        import open_clip
        import torch

        small = {
            "embed_dim": 8,
            "vision_cfg": {"image_size": 32, "layers": 1, "width": 64, "patch_size": 16},
            "text_cfg": {"context_length": 12, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1},
        }
        monkeypatch.setitem(open_clip.factory._MODEL_CONFIGS, "Small-1", small)
        torch.save(open_clip.create_model("Small-1").state_dict(), tmp_path / "weights.pt")
        card = make_clip_encoder(clip("Small-1", pretrained=str(tmp_path / "weights.pt")), tmp_path / "image", NOWHERE)
        assert card.dim == 8
        assert sorted(path.suffix for path in (tmp_path / "image").iterdir()) == [".json", ".json", ".safetensors"]
        assert load_clip(tmp_path / "image", "cpu").encode_texts(["a dog"]).shape == (1, 8)

    def test_a_checkpoint_that_would_run_code(self, tmp_path: Path) -> None:
        import torch

        torch.save({"model": print}, tmp_path / "evil.pt")  # a pickled function
        with pytest.raises(CimError, match="nothing but weights"):
            make_clip_encoder(clip("RN50", pretrained=str(tmp_path / "evil.pt")), tmp_path / "image", NOWHERE)
        assert not (tmp_path / "image").exists()


class TestHub:
    @pytest.mark.parametrize("revision", [None, "main", "abc123"])
    def test_asks_for_a_commit(self, tmp_path: Path, revision: str | None) -> None:
        with pytest.raises(CimError, match="40 hex digits"):
            make_text_encoder(TextEncoder.model_construct(name="a/b", revision=revision), tmp_path / "text")
        for name in ("hf-hub:a/b", "a/b"):
            with pytest.raises(CimError, match="40 hex digits"):
                make_clip_encoder(unchecked(name, revision), tmp_path / "image", NOWHERE)

    @pytest.mark.usefixtures("no_hub")
    def test_unreachable(self, tmp_path: Path) -> None:
        with pytest.raises(CimError, match="no download of maker/model"):
            make_text_encoder(TextEncoder(name="maker/model", revision=COMMIT), tmp_path / "text")
        with pytest.raises(CimError, match="give its path"):
            make_clip_encoder(clip("hf-hub:maker/model", COMMIT), tmp_path / "image", NOWHERE)

    @pytest.mark.usefixtures("no_hub")
    def test_unreachable_tag(self, tmp_path: Path) -> None:
        with pytest.raises(CimError, match="no download of RN50 yfcc15m"):
            make_clip_encoder(clip("RN50", pretrained="yfcc15m"), tmp_path / "image", NOWHERE)

    def test_a_download_that_broke_off_goes_on(
        self, clip_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        hub = Hub.of(clip_folder)
        hub.lost = "open_clip_model.safetensors"
        hub.install(monkeypatch)
        with pytest.raises(CimError, match="a partial download"):
            make_clip_encoder(clip("hf-hub:maker/model", COMMIT), tmp_path / "image", NOWHERE)
        (partial,) = tmp_path.iterdir()
        assert [path.name for path in partial.glob("*.json")] == ["open_clip_config.json"]  # not the card
        hub.lost = ""
        card = make_clip_encoder(clip("hf-hub:maker/model", COMMIT), tmp_path / "image", NOWHERE)
        assert (card.name, card.revision) == ("hf-hub:maker/model", COMMIT)
        assert card.fingerprint == EncoderCard.read(clip_folder).fingerprint
        assert [path.name for path in tmp_path.iterdir()] == ["image"]


class TestMistakes:
    def test_unknown_architecture_names_near_ones(self, tmp_path: Path) -> None:
        with pytest.raises(CimError, match="ViT-B-32"):
            make_clip_encoder(clip("ViT-B32"), tmp_path / "image", NOWHERE)

    @pytest.mark.parametrize("pretrained", [None, "laion9b"])
    def test_unknown_tag_names_those_there_are(self, tmp_path: Path, pretrained: str | None) -> None:
        with pytest.raises(CimError, match="yfcc15m"):
            make_clip_encoder(clip("RN50", pretrained=pretrained), tmp_path / "image", NOWHERE)

    def test_text_tower_that_needs_the_hub(self, tmp_path: Path) -> None:
        with pytest.raises(CimError, match="roberta-base"):
            make_clip_encoder(clip("roberta-ViT-B-32", pretrained="laion2b_s12b_b32k"), tmp_path / "image", NOWHERE)

    def test_a_folder_of_another_kind(self, text_folder: Path, tmp_path: Path) -> None:
        with pytest.raises(CimError, match=r"no open_clip_config\.json"):
            make_clip_encoder(clip(str(text_folder)), tmp_path / "image", NOWHERE)

    @pytest.mark.parametrize("name", ["package:no_such_module", "package:json", "no such thing"])
    def test_text_names(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(CimError, match=r"models\.text_encoder\.name"):
            make_text_encoder(TextEncoder(name=name, revision=None), tmp_path / "text")
