"""What an image processor remembers is what it would have said, model by model; what cannot be remembered is asked."""

from typing import Any

import numpy as np
import pytest
import torch
import transformers
from PIL import Image
from rollouts import CountedProcessor

from cim.tuning.pictures import ProcessedOnce, Unread, read_once

SIDE = {"height": 32, "width": 32}
TILES = {"size": {"longest_edge": 64}, "max_image_size": {"longest_edge": 32}}
PROCESSORS = {
    "Qwen2VLImageProcessor": {"patch_size": 8, "merge_size": 2, "size": {"shortest_edge": 1024, "longest_edge": 4096}},
    "CLIPImageProcessor": {"size": {"shortest_edge": 32}, "crop_size": SIDE},
    "SiglipImageProcessor": {"size": SIDE},
    "Gemma3ImageProcessor": {"size": SIDE},
    "GotOcr2ImageProcessor": {"size": SIDE, "crop_to_patches": True, "max_patches": 4},  # InternVL's
    "Idefics3ImageProcessor": TILES | {"return_row_col_info": True},
    "SmolVLMImageProcessor": TILES | {"return_row_col_info": True},
    "PixtralImageProcessor": {"size": {"longest_edge": 64}, "patch_size": 8},
    "LlavaNextImageProcessor": {
        "size": {"shortest_edge": 32}, "crop_size": SIDE, "image_grid_pinpoints": [[32, 64], [64, 32], [64, 64]],
    },
}  # fmt: skip


def pictures() -> list[Image.Image]:
    """Three of noise, of three shapes."""
    noise = np.random.default_rng(0)
    sizes = ((40, 60), (90, 30), (32, 32))
    return [Image.fromarray(noise.integers(0, 255, (*size, 3), dtype=np.uint8)) for size in sizes]


class Owner:
    """Has an image processor, as a model's processor does."""

    def __init__(self, image_processor: Any) -> None:
        self.image_processor = image_processor


def equal(one: Any, other: Any) -> None:
    assert set(one) == set(other)
    for name in one:
        if isinstance(other[name], torch.Tensor):
            torch.testing.assert_close(one[name], other[name])
        else:
            assert one[name] == other[name]


@pytest.mark.parametrize("name", PROCESSORS)
def test_what_is_remembered_is_what_it_would_say(name: str) -> None:
    """Captions a, a, b, b, c, c, asked for twice, then a, c: 3 pictures processed, 6 + 6 + 2 answered."""
    made = CountedProcessor(getattr(transformers, name)(**PROCESSORS[name]))
    owner, once = Owner(made), ProcessedOnce(made)
    a, b, c = ([one] for one in pictures())
    asked, few = [a, a, b, b, c, c], [a, c]
    direct, direct_few = made.inner(asked, return_tensors="pt"), made.inner(few, return_tensors="pt")
    with once.standing_in(owner):
        equal(owner.image_processor(images=asked), direct)  # as the chat template asks: for no tensors in particular
        equal(owner.image_processor(asked, return_tensors="pt"), direct)
        equal(owner.image_processor(few, return_tensors="pt"), direct_few)
        assert owner.image_processor.size == made.inner.size
    assert owner.image_processor is made
    # Each by itself, and a pair together where side by side is tried: one that needs padding, one that does not.
    assert made.calls.count(1) == 3
    assert set(made.calls) == {1, 2}
    assert len(made.calls) <= 5
    with once.standing_in(owner):  # another rollout has forgotten the pictures, and tries no pair again
        owner.image_processor(asked, return_tensors="pt")
    assert made.calls.count(1) == 6
    assert made.calls.count(2) <= 2


class Ranked:
    """Says of each picture where it stands among those of one call: nothing that could be remembered."""

    def __call__(self, images: Any, **_: Any) -> dict[str, Any]:
        return {"pixel_values": torch.arange(len(images))[:, None]}


def test_a_processor_that_looks_at_all_pictures_together_is_asked_each_time() -> None:
    made = CountedProcessor(Ranked())
    owner, asked = Owner(made), [[one] for one in pictures()]
    with ProcessedOnce(made).standing_in(owner):
        for _ in range(2):
            assert owner.image_processor(asked, return_tensors="pt")["pixel_values"].flatten().tolist() == [0, 1, 2]
    # Three by themselves, a pair that shows that they are no answer for it, and the question itself, twice.
    assert made.calls == [1, 1, 1, 2, 3, 3]


@pytest.mark.parametrize(
    ("images", "kwargs"),
    [
        (pictures()[0], {}),
        ([pictures()], {"return_tensors": "pt"}),
        ([[pictures()[0]]], {"return_tensors": "np"}),
    ],
    ids=["a single picture", "several of one sample", "arrays of NumPy"],
)
def test_other_questions_reach_the_processor(images: Any, kwargs: dict[str, Any]) -> None:
    said: list[Any] = []

    def processor(*args: Any, **given: Any) -> str:
        said.append((args, given))
        return "its answer"

    assert ProcessedOnce(processor)(images, **kwargs) == "its answer"
    assert said == [((images,), kwargs)]


def test_rows_of_one_id_share_one_picture(scene: tuple[Any, list[str], Any]) -> None:
    _, ids, images = scene
    rows = [{"id": name, "image": Unread(name, images)} for name in (ids[0], ids[0], ids[1])]
    read = read_once(rows)
    assert [row["id"] for row in read] == [ids[0], ids[0], ids[1]]
    assert read[0]["image"] is read[1]["image"]
    assert read[0]["image"] is not read[2]["image"]
    assert read[2]["image"].size == (32, 32)
