"""Views of a photo, and what their captions agree on."""

import numpy as np
from PIL import Image

from benchmarks.photo_views import agreed, views


def test_views_are_the_photo_and_parts_of_it() -> None:
    rng = np.random.default_rng(0)
    photo = Image.fromarray(rng.integers(0, 255, (40, 60, 3), dtype=np.uint8))
    found = views(photo, 3, 0.4, "a")
    assert found[0] is photo
    assert [one.size for one in found] == [(60, 40)] * 4
    assert len({one.tobytes() for one in found}) == 4  # each another part
    assert [one.tobytes() for one in views(photo, 3, 0.4, "a")] == [one.tobytes() for one in found]


def test_the_caption_most_like_the_others_stands_for_its_photo() -> None:
    said = ["a cat on a mat", "a dog runs", "a dog runs fast", "two boys play", "a red car", "two boys play ball"]
    # Alike are the two of a dog, and the two of boys. ROUGE-L of beta 1.2 weighs recall more: the longer one covers
    # the shorter one whole (2.44 * 0.75 / (1 + 1.44 * 0.75) = 0.88), the shorter one not (1.83 / (0.75 + 1.44) = 0.84).
    assert agreed(said, 2) == ["a dog runs fast", "two boys play ball"]
