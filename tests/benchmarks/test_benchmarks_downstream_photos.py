"""Arms of benchmarks.downstream.photos, and the command given to open_clip's trainer."""

import random
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.downstream.open_clip_trainer import batch_size, command, seen
from benchmarks.downstream.photo_arms import PhotoExam, Photos, arms, read_photos, swapped
from benchmarks.downstream.train import Pixels


def test_photos_are_read_with_all_their_captions(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    for name in ("a.png", "b.png", "c.png"):
        Image.new("RGB", (40, 20), "red").save(tmp_path / "images" / name)
    rows = ["file_name,caption", "a.png,one", "a.png,two", "b.png,three", "c.png,four", "c.png,five"]
    (tmp_path / "captions.csv").write_text("\n".join(rows) + "\n")
    photos = read_photos(tmp_path, 32)
    assert photos.pixels.shape == (2, 32, 32, 3)
    assert [photo.name for photo in photos.files] == ["a.png", "c.png"]
    assert photos.captions == [["one", "two"], ["four", "five"]]  # b.png has fewer than most


def test_a_share_is_swapped_among_each_other() -> None:
    texts = [str(number) for number in range(10)]
    noisy = swapped(texts, 0.3, random.Random(0))
    assert sorted(noisy) == sorted(texts)
    assert sum(one != other for one, other in zip(texts, noisy, strict=True)) == 3


def test_what_the_score_finds_wrong_is_left_out() -> None:
    def ideal(photos: list[Path], texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
        right = np.array([text.startswith(str(number)) for number, text in enumerate(texts)])
        return right.astype(float), right

    photos = Photos(
        [Path()] * 10, np.zeros((10, 32, 32, 3), np.uint8), [[f"{n} short", f"{n} the longest"] for n in range(10)]
    )
    found, told = arms(photos, ideal)
    assert found["longest"].texts[3] == ["3 the longest"]
    assert found["five"].texts[3] == ["3 short", "3 the longest"]
    left = [several for several in found["filtered"].texts if several]
    assert len(left) == 7
    assert all(one == [f"{n} short"] for n, one in enumerate(found["filtered"].texts) if one)
    assert "AUC of 1.000; 100% of the swapped ones are filtered out with 30% of all." in told


def test_ranks_are_of_the_own_photo_and_of_the_best_own_caption() -> None:
    """Photos at e1, e2; captions of the first at e1 and e2, of the second both at e2.

    By text, the first photo's captions find it in one case of two, the second's in both: a tie would count against
    them. By image each photo finds an own caption first, the second only together with the first's: rank 3 of 4.
    """

    class Known:
        def images(self, pixels: Pixels) -> np.ndarray:
            return np.eye(2, dtype=np.float32)

        def texts(self, texts: list[str]) -> np.ndarray:
            return np.stack([np.eye(2, dtype=np.float32)[int(text[-1])] for text in texts])

    photos = Photos([Path()] * 2, np.zeros((2, 32, 32, 3), np.uint8), [["a0", "b1"], ["c1", "d1"]])
    found = PhotoExam(photos).taken(Known())  # type: ignore[arg-type]
    assert found["text_to_image"].tolist() == [[0.5], [1.0]]
    assert found["image_to_text"].tolist() == [[1.0], [0.0]]
    assert found["image_to_text_10"].tolist() == [[1.0], [1.0]]


def test_open_clips_trainer_gets_whole_batches(tmp_path: Path) -> None:
    """3,300 = 55 x 60, and 61 to 64 divide it not; a prime has batches of one."""
    assert batch_size(3300) == 60
    assert batch_size(101) == 1
    options = command(Path("python"), [tmp_path / "00000.tar", tmp_path / "00001.tar"], 3300, tmp_path)
    assert f"--train-data={tmp_path}/00000.tar::{tmp_path}/00001.tar" in options
    assert {"--batch-size=60", "--train-num-samples=3300", "--device=cpu"} <= set(options)
    assert (tmp_path / "model" / "open_clip_config.json").is_file()


def test_what_the_trainer_saw_is_read_from_its_logs(tmp_path: Path) -> None:
    checkpoints = tmp_path / "run" / "checkpoints"
    checkpoints.mkdir(parents=True)
    lines = ["INFO | Train Epoch: 0 [  60/120 (50%)] Data", "INFO | Train Epoch: 0 [120/120 (100%)] Data"]
    (tmp_path / "run" / "out.log").write_text("\n".join(lines))
    (checkpoints / "results.jsonl").write_text('{"num_samples": 118, "clip_val_loss": 2.5}\n')
    assert seen(tmp_path) == {"trained": 120, "found": 118, "loss": 2.5}
