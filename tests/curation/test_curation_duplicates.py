"""Perceptual hashes and near-duplicates: copies found, one kept, no chains."""

import io

import numpy as np
import pytest
from curated_corpora import encoded, picture
from PIL import Image

from cim.curation.duplicates import by_cosine, by_hash, near_duplicates
from cim.curation.phash import perceptual_hash
from cim.params.curate import Duplicates

NO_VECTORS = np.empty((4, 0), np.float16)


def hashes(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.uint64)


def test_the_hash_is_that_of_the_lowest_frequencies() -> None:
    """A ramp from black to white, left to right: in gray only the first row of frequencies is not 0.

    Of it the mean is positive and the odd ones are negative (dark is left), the even ones 0 up to rounding.
    """
    ramp = Image.fromarray(np.tile(np.arange(0, 256, 8, dtype=np.uint8), (32, 1)))
    bits = f"{perceptual_hash(ramp):064b}"
    assert bits[0] == "1"
    assert [bits[at] for at in (1, 3, 5, 7)] == ["0"] * 4


def test_the_bits_are_those_of_the_package_imagehash() -> None:
    """Known from imagehash.phash 4.3.2, which is not installed here."""
    known = ["bed018c8f313d6e4", "8ca7d158b83a2fca", "bd4c0b0d075b9d65"]
    assert [f"{perceptual_hash(picture(3, seed, 96)):016x}" for seed in range(3)] == known


@pytest.mark.parametrize("seed", range(8))
def test_copies_of_other_size_and_format_have_nearly_the_same_hash(seed: int) -> None:
    image = picture(3, seed, 96)
    copies = [image.resize((40, 60)), image.resize((200, 200), Image.Resampling.BICUBIC)]
    copies += [Image.open(io.BytesIO(encoded(image, kind, quality=40))) for kind in ("JPEG", "WEBP")]
    far = [perceptual_hash(picture(3, other, 96)) for other in range(8) if other != seed]
    own = perceptual_hash(image)
    assert max((own ^ perceptual_hash(copy)).bit_count() for copy in copies) <= 8
    assert min((own ^ other).bit_count() for other in far) > 8


def test_all_hashes_within_the_distance_are_near() -> None:
    near = by_hash(hashes(0b0, 0b111, 0b11111, 0b111), 2)
    assert near.label.tolist() == [0, 1, 2, 1]
    assert [sorted(found.tolist()) for found in near.near] == [[0], [1, 2], [1, 2]]  # 3 and 5 bits differ in 2


def test_all_vectors_within_the_cosine_are_near_however_many() -> None:
    vectors = np.tile(np.eye(2, dtype=np.float16), (40, 1))  # 40 each way: more than are looked for first
    near = by_cosine(vectors, 0.9)
    assert sorted(near.near[1].tolist()) == list(range(1, 80, 2))


def test_an_image_repeats_the_best_kept_one_and_not_by_a_chain() -> None:
    """0 - 1 - 2 differ in 2 bits each, 0 and 2 in 4. In order 0, 1, 2, 3: 1 repeats 0; 2 is near 1 only, so it stays;
    3 is near 1 and 2, and repeats 2. In order 1 first, all repeat 1."""
    params = Duplicates(hash_distance=2, cosine=None)
    four = hashes(0b0, 0b11, 0b1111, 0b111)
    assert near_duplicates(params, four, NO_VECTORS, np.arange(4)).tolist() == [-1, 0, -1, 2]
    assert near_duplicates(params, four, NO_VECTORS, np.array([1, 0, 2, 3])).tolist() == [1, -1, 1, 1]


def test_both_must_agree_where_both_are_asked_for() -> None:
    same, vectors = hashes(5, 5, 5, 9), np.array([[1, 0], [0, 1], [1, 0], [1, 0]], np.float16)
    order = np.arange(4)
    assert near_duplicates(Duplicates(hash_distance=0), same, vectors, order).tolist() == [-1, -1, 0, -1]
    assert near_duplicates(Duplicates(hash_distance=0), same, NO_VECTORS, order).tolist() == [-1, 0, 0, -1]
    assert near_duplicates(Duplicates(hash_distance=None), same, vectors, order).tolist() == [-1, -1, 0, 0]
