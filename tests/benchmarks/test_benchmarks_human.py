"""benchmarks.human: what is rated and searched, the reward of rated captions by hand, variants, tables."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from word_gallery import ByColour, WordsAsNumbers

from benchmarks.human import retrieved as wide
from benchmarks.human import workspace
from benchmarks.human.cosines import clip_scores, closest_reference
from benchmarks.human.measures import reward_parts
from benchmarks.human.panel import Panel
from benchmarks.human.plot import plot
from benchmarks.human.ratings import Rated, first_half, gallery_of, read_captions, read_ratings
from benchmarks.human.retrieved import Retrieved, mean_captions, measured
from benchmarks.human.tables import best, measures_table, variants_table
from benchmarks.human.variants import PAPER, variants
from cim.encoders.card import EncoderCard
from cim.errors import CimError

GREENS = [f"green{number}.png" for number in range(10)]
TEXTS = {"rated.png": ["1 0.1", "0.9 0"], "red.png": ["1 0"], **{name: ["0 1"] for name in GREENS}}


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A rated red photo, and a gallery of one red and ten green ones with captions that are vectors in words."""
    (tmp_path / "images").mkdir()
    for name in TEXTS:
        Image.new("RGB", (8, 8), (0, 255, 0) if name in GREENS else (255, 0, 0)).save(tmp_path / "images" / name)
    rows = [f"{name},{text}" for name, texts in TEXTS.items() for text in texts]
    (tmp_path / "captions.csv").write_text("\n".join(["file_name,caption", *rows]) + "\n")
    rows = ["rated.png,1 0.1,1,2,2,1", "rated.png,0.1 1,1,1,1,0"]
    head = "file_name,caption,rating_1,rating_2,rating_3,own"
    (tmp_path / "ratings.csv").write_text("\n".join([head, *rows]) + "\n")
    return tmp_path


def test_who_is_rated_and_who_may_be_retrieved(photos: Path) -> None:
    captions = read_captions(photos)
    rated = read_ratings(photos / "ratings.csv", captions)
    assert rated.own.tolist() == [True, False]
    assert rated.references == [["0.9 0"], ["1 0.1", "0.9 0"]]  # the rated caption is no reference of itself
    assert set(gallery_of(captions, rated)) == {"red.png", *GREENS}
    assert set(gallery_of(captions, rated, {"red.png", "rated.png"})) == {"red.png"}
    captions["green3.png"].append("0.1  1!")  # the photo that a rated caption was written for, in other spelling
    assert set(gallery_of(captions, rated)) == {"red.png", *GREENS} - {"green3.png"}


def test_photos_that_are_missing_are_named(photos: Path) -> None:
    captions = read_captions(photos)
    with pytest.raises(CimError, match=r"ratings in .* of 1 photos without captions, as rated.png"):
        read_ratings(photos / "ratings.csv", {name: texts for name, texts in captions.items() if name != "rated.png"})
    (photos / "images" / "red.png").unlink()
    with pytest.raises(CimError, match=r"1 photos of .* lacks, as red.png"):
        read_captions(photos)


def test_the_reward_of_rated_captions_by_hand(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """ "1 0.1" finds the red photo, then greens: QIR at K = 3 is 1 + 0 + 0, GRC |(1, 2, 0)| / 3. "0.1 1" finds greens.

    Nothing is embedded twice. The means of the gallery's captions are those of photos with one caption each.
    """
    encoders = {"image": _Tower(), "text": WordsAsNumbers()}
    monkeypatch.setattr(workspace, "load_image_tower", lambda *_: encoders["image"])
    monkeypatch.setattr(workspace.TrunkEncoder, "is_in", lambda _: False)
    monkeypatch.setattr(workspace, "load_text_encoder", lambda *_: encoders["text"])
    monkeypatch.setattr(wide, "load_text_tower", lambda *_: encoders["image"])
    monkeypatch.setattr(wide, "WIDE", 11)
    monkeypatch.setattr("cim.rewards.open._load", lambda layout, role, *_: encoders[role])
    folders = {role: photos / "models" / role for role in encoders}
    for (role, folder), dim, kind in zip(folders.items(), (3, 2), ("open_clip", "sentence-transformers"), strict=True):
        folder.mkdir(parents=True)
        EncoderCard(role, kind, role, None, dim, f"{role}-1").write(folder)  # type: ignore[arg-type]
    captions = read_captions(photos)
    rated = read_ratings(photos / "ratings.csv", captions)
    models = workspace.Models(folders["image"], folders["text"])
    for _ in range(2):
        gallery = gallery_of(captions, rated)
        layout = workspace.build(photos / "work", models, photos / "images", gallery, rated.photos)
    assert encoders["image"].calls == 2  # gallery and rated photos
    parts = reward_parts(layout, rated, "caption_text", (1, 3))
    assert parts["caption_text, K = 3: GRC"] == pytest.approx([5**0.5 / 3, 1], abs=1e-3)
    assert parts["caption_text, K = 3: QIR"] == pytest.approx([1, 0], abs=1e-3)
    assert "caption_text, K = 1: GRC" not in parts
    assert reward_parts(layout, rated, "clip", (1,))["clip, K = 1: QIR"] == pytest.approx([1, 0], abs=1e-3)
    names, said = mean_captions(layout)
    assert dict(zip(names.tolist(), said.tolist(), strict=True))["red.png"] == [1, 0]
    found = measured(layout, rated, variants())
    assert found[PAPER] == pytest.approx([1 + 5**0.5 / 3, 1], abs=1e-3)
    assert found["caption and photo, cosine"] == pytest.approx([1 / 1.01**0.5, 0.1 / 1.01**0.5], abs=1e-3)


class _Tower(ByColour):
    """Captions beside colours: two numbers are red and green."""

    def encode_texts(self, texts: list[str]) -> np.ndarray:
        vectors = WordsAsNumbers().encode_texts(texts)
        return np.concatenate([vectors, np.zeros((len(texts), 1), np.float32)], axis=1)


def test_cosines_by_hand() -> None:
    """Caption (1, 0), photo (0.6, 0.8), references (0, 1) and (0.8, 0.6): CLIPScore 2.5 x 0.6; closest reference 0.8;
    RefCLIPScore their harmonic mean, 2 x 1.5 x 0.8 / 2.3.
    """
    rated = Rated(["a"], ["1 0"], np.array([[1, 1, 1]]), np.array([False]), [["0 1", "0.8 0.6"]])
    encode = WordsAsNumbers().encode_texts
    scores = clip_scores(encode, np.array([[0.6, 0.8]], np.float32), rated)
    assert scores["CLIPScore"] == pytest.approx([1.5])
    assert scores["RefCLIPScore"] == pytest.approx([2.4 / 2.3])
    assert closest_reference(encode, rated) == pytest.approx([0.8])


def some_rated(ratings: list[list[int]]) -> Rated:
    """Two captions a photo, the first of each written for it."""
    photos = [f"{number // 2:02d}" for number in range(len(ratings))]
    own = np.array([number % 2 == 0 for number in range(len(ratings))])
    return Rated(photos, photos, np.array(ratings), own, [[] for _ in photos])


def test_experts_of_one_mind_are_the_ceiling_and_agree_with_themselves() -> None:
    rated = some_rated([[1, 1, 1], [2, 2, 2], [4, 4, 4], [3, 3, 3]])
    panel = Panel(rated, np.ones(4, dtype=bool), 20)
    for found in (panel.ceiling(rated), panel.asked(np.array([1.0, 2.0, 4.0, 3.0]))):
        assert found.tau_b[0] == pytest.approx(1)
        assert (found.others[0], found.within[0]) == pytest.approx((1, 1))
    assert (panel.images, panel.pairs, panel.foreign, len(panel.within)) == (2, 4, 2, 2)


def test_a_half_is_asked_about_its_own_captions_only() -> None:
    """The second photo's measures are upside down; the first half does not see it."""
    rated = some_rated([[1, 1, 1], [2, 2, 2], [4, 4, 4], [3, 3, 3]])
    measure = np.array([1.0, 2.0, 3.0, 4.0])
    assert Panel(rated, np.array([True, True, False, False]), 5).asked(measure).within[0] == 1
    assert Panel(rated, np.array([False, False, True, True]), 5).asked(measure).within[0] == 0
    halves = first_half([f"{number}.jpg" for number in range(1000)])
    assert 400 < halves.sum() < 600
    assert (halves == first_half([f"{number}.jpg" for number in range(1000)])).all()


def test_variants_of_a_perfect_retrieval_are_at_their_best() -> None:
    """Everything found is the photo itself: GRC 1 and QIR 1.75 as published, 1 as a mean."""
    same = np.tile(np.array([0.6, 0.8], np.float32), (1, 60, 1))
    scores, said, one = np.ones((1, 60), np.float32), np.full((1, 60), 0.5), np.array([7.0])
    given = Retrieved(same[:, 0], same, scores, same, said, np.zeros(2, np.float32), one, one, same[:, 0], same)
    found = {name: float(of(given)[0]) for name, of in variants().items()}
    assert found[PAPER] == pytest.approx(2.75)
    assert found["QIR, K = 50, decay 1"] == pytest.approx(1)
    assert found["QIR, K = 50, weights by score (temperature 0.1)"] == pytest.approx(1)
    assert found["cosine with the mean of K = 50"] == pytest.approx(1)
    assert found["GRC less that of the photo's 3 nearest, + QIR"] == pytest.approx(1.75)
    assert found["GRC + QIR, by QIR of the photo's 3 nearest"] == pytest.approx(2)
    assert found["captions of the photo's 10 nearest"] == pytest.approx(0.5)


def test_tables_say_what_was_chosen_and_what_came_of_it(tmp_path: Path) -> None:
    """The variant is 10 points above the paper's where it was chosen, and 5 on the other photos in every sample."""
    chosen = {PAPER: _agreement(0.4), "other": _agreement(0.5)}
    reported = {PAPER: _agreement(0.4), "other": _agreement(0.45)}
    assert best(chosen, "tau_c") == "other"
    rows = variants_table(chosen, reported).splitlines()
    assert rows[2] == f"| {PAPER} | 40.0 | 40.0 | 40.0 |  | 40.0 |  |"
    assert rows[3].startswith("| **other** | 50.0 | 50.0 | 45.0 | +5.0 (+5.0 to +5.0) |")
    assert measures_table(chosen, "measure").splitlines()[2].startswith(f"| {PAPER} | 40.0 | 40.0 to 40.0 | 40.0 |")
    plot({"CIDEr-D": chosen[PAPER]}, {"clip, K = 3: QIR": chosen["other"]}, tmp_path / "plot.svg")
    assert (tmp_path / "plot.svg").read_text(encoding="utf-8").startswith("<?xml")


def _agreement(value: float) -> SimpleNamespace:
    return SimpleNamespace(**dict.fromkeys(("tau_b", "tau_c", "others", "within"), np.full(4, value)))
