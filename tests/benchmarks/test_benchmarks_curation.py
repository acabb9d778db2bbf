"""What benchmarks.curation plants and how it counts, without a finished run and without photos."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.common.photo_encoder import correlated
from benchmarks.curation.copies import KINDS, Looked, changed, copies
from benchmarks.curation.downstream import aligned
from benchmarks.curation.swaps import Pairs, auc, curate_swapped
from benchmarks.downstream import photo_filter
from benchmarks.downstream.seeds import over_seeds
from cim.curation.encoders import Encoders
from cim.params.curate import Duplicates


def test_the_area_counts_pairs_in_order() -> None:
    """Right 0.9 and 0.3, wrong 0.5 and 0.1: of four pairs three are in order; a tie is half a pair."""
    assert auc(np.array([0.9, 0.3]), np.array([0.5, 0.1])) == pytest.approx(0.75)
    assert auc(np.array([1.0]), np.array([1.0, 0.0])) == pytest.approx(0.75)


def test_leaving_out_either_leaves_as_many_in_the_same_places() -> None:
    left = ["a", None, "c", "d", None, "f"]
    slots = aligned(left)
    assert [place for place, stands_in in slots if not stands_in] == [0, 1, 2, 3, 4, 5]
    having = [place for place, _ in slots if left[place] is not None]
    assert len(having) == 6
    assert [having[place] for place in (0, 2, 3, 5)] == [0, 2, 3, 5]


def test_the_interval_is_students_over_seeds() -> None:
    """Differences of 10 and 30 points: mean 20, standard error 10; t(0.975, 1) = 12.706 = tan(0.475 pi)."""
    found = {(arm, seed): {"r": np.array([[share], [0.0]])} for arm, seed, share in
             (("a", 0, 0.0), ("a", 1, 0.0), ("b", 0, 0.2), ("b", 1, 0.6))}  # fmt: skip
    assert over_seeds(found, [("a", "b")], {"r": "R"}).splitlines()[-1] == "| b against a | +20.0 (-107.1 to +147.1) |"


def test_correlation_finds_what_two_kinds_of_features_share() -> None:
    """Of 9 features each, 6 directions are the same things: an own pair stands out among 99 strangers."""
    rng = np.random.default_rng(0)
    things = rng.normal(size=(400, 6))
    left = np.hstack([things, rng.normal(size=(400, 3))]) @ rng.normal(size=(9, 9))
    right = np.hstack([rng.normal(size=(400, 3)), things]) @ rng.normal(size=(9, 9))
    image, text = correlated(left[:300], [right[:300]])
    products = image(left[300:]) @ text(right[300:]).T
    own = products.diagonal()
    assert (own[:, None] > products).mean() > 0.95


def blocks(seed: int) -> Image.Image:
    pattern = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    return Image.fromarray(pattern).resize((64, 48), Image.Resampling.BICUBIC)


def test_copies_are_found_and_others_are_alarms() -> None:
    images = [blocks(seed) for seed in range(6)]
    looked = Looked.at(images, Encoders())
    params = Duplicates(cosine=None)
    for kind in list(KINDS)[:5]:
        again = Looked.at(changed([images[1], images[4]], kind), Encoders())
        assert copies(looked, again, [1, 4], params).found == 2
    strangers = copies(looked, looked, [1, 2, 3, 4, 5, 0], params)  # said to be copies of others than they are
    assert (strangers.found, strangers.alarms) == (0, 6)


class Shade:
    """A picture to the direction of how red it is, a text to that of its number."""

    dim, fingerprint = 10, "shade"

    @staticmethod
    def prepare(image: Image.Image) -> np.ndarray:
        return np.array(image.resize((1, 1)))

    def encode_pixels(self, pixels: np.ndarray) -> np.ndarray:
        return np.eye(10, dtype=np.float32)[pixels[:, 0, 0, 0] // 25]

    def encode_texts(self, texts: list[str]) -> np.ndarray:
        return np.eye(10, dtype=np.float32)[[int(text) for text in texts]]


@pytest.fixture
def pairs() -> Pairs:
    """Ten shades and their numbers."""
    streams = [io.BytesIO() for _ in range(10)]
    for number, stream in enumerate(streams):
        Image.new("RGB", (64, 64), (25 * number + 5, 0, 0)).save(stream, "PNG")
    return Pairs([stream.getvalue() for stream in streams], [str(number) for number in range(10)])


def test_all_swaps_are_told_and_moved_by_an_ideal_encoder(pairs: Pairs, tmp_path: Path) -> None:
    found = curate_swapped(pairs, Encoders([Shade()]), tmp_path / "swapped", 1)
    assert (found.swapped, found.right, found.auc) == (3, 7, 1.0)
    assert (found.told, found.moved, found.moved_right, found.lost) == (3, 3, 3, 0)


def test_each_half_of_the_photos_is_judged_by_the_other(
    pairs: Pairs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of each half of five the best 70% are kept, 3.5, so 4: the wrong pair of each goes."""
    learnt = []
    monkeypatch.setattr(photo_filter, "fitted", lambda _, images, texts: learnt.append(texts) or Shade())
    files = [tmp_path / f"{number}.png" for number in range(10)]
    for file, image in zip(files, pairs.images, strict=True):
        file.write_bytes(image)
    texts = [*pairs.captions[:8], "1", "1"]
    scores, kept = photo_filter.curated_by_halves(tmp_path / "measured")(files, texts)
    assert learnt == [[["0"], ["2"], ["4"], ["6"], ["1"]], [["1"], ["3"], ["5"], ["7"], ["1"]]]
    assert scores.tolist() == kept.tolist() == [True] * 8 + [False] * 2
