"""Every arm trained and examined, two at once, each result kept: a command that was stopped goes on."""

import multiprocessing
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from tqdm import tqdm

from benchmarks.downstream.arms import Arm
from benchmarks.downstream.train import Pixels, Recipe, SmallClip, Texts, Vocabulary, train
from cim.atomic import replacing
from cim.fingerprint import fingerprint

Result = dict[str, npt.NDArray[np.float64]]
Key = tuple[str, int]  # arm, seed
CPU = "cpu_seconds"


class Exam(Protocol):
    """What is asked of a trained CLIP."""

    def texts(self) -> set[str]: ...

    def asked(self) -> list[Any]: ...

    def taken(self, clip: SmallClip) -> Result: ...


@dataclass(frozen=True)
class Material:
    """All that a process needs to train any arm. gallery: pairs that some arms have beside the corpus."""

    pixels: Pixels
    arms: Mapping[str, Arm]
    gallery: tuple[Pixels, Texts]
    exam: Exam
    recipe: Recipe

    def vocabulary(self) -> Vocabulary:
        """One for all arms."""
        said = [text for arm in self.arms.values() for several in arm.texts for text in several]
        return Vocabulary.of([*said, *(text for several in self.gallery[1] for text in several), *self.exam.texts()])

    def made_from(self, arm: str, vocabulary: Vocabulary) -> str:
        """Fingerprint of all that decides an arm's results but for the seed."""
        extra = [list(several) for several in self.gallery[1]] if self.arms[arm].gallery else []
        images = [sha256(pixels.tobytes()).hexdigest() for pixels in (self.pixels, self.gallery[0])[: 1 + bool(extra)]]
        texts = [list(several) for several in self.arms[arm].texts]
        code = Path(__file__).with_name("train.py")
        return fingerprint(code, asdict(self.recipe), images, texts, extra, self.exam.asked(), vocabulary.tokens)

    def result(self, key: Key, vocabulary: Vocabulary) -> Result:
        """What the arm's CLIP answers in the exam, and CPU seconds of the training."""
        arm, began = self.arms[key[0]], time.process_time()
        kept = [place for place, several in enumerate(arm.texts) if several]
        pixels, texts = self.pixels[kept], [arm.texts[place] for place in kept]
        if arm.gallery:
            pixels, texts = np.concatenate([pixels, self.gallery[0]]), [*texts, *self.gallery[1]]
        clip = train(pixels, texts, self.recipe, key[1], vocabulary)
        return {**self.exam.taken(clip), CPU: np.array([[time.process_time() - began]])}


def run(material: Material, keys: Sequence[Key], folder: Path, workers: int) -> dict[Key, Result]:
    """Results of these arms and seeds, from `folder` where the same was trained before."""
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = material.vocabulary()
    made_from = {arm: material.made_from(arm, vocabulary) for arm, _ in keys}
    paths = {(arm, seed): folder / f"{made_from[arm]}-{seed}.npz" for arm, seed in keys}
    missing = [key for key, path in paths.items() if not path.exists()]
    with tqdm(total=len(missing), desc="training arms", unit="arm") as bar:
        for key, result in _trained(material, vocabulary, missing, workers):
            _save(paths[key], result)
            bar.set_postfix_str(f"{key[0]}, seed {key[1]}")
            bar.update()
    return {key: dict(np.load(path)) for key, path in paths.items()}


def _trained(
    material: Material, vocabulary: Vocabulary, keys: Sequence[Key], workers: int
) -> Iterator[tuple[Key, Result]]:
    if workers == 1 or len(keys) < 2:
        yield from ((key, material.result(key, vocabulary)) for key in keys)
        return
    with multiprocessing.get_context("spawn").Pool(workers, _begin, (material, vocabulary.tokens)) as pool:
        yield from pool.imap_unordered(_one, keys)


def _save(path: Path, result: Result) -> None:
    with replacing(path) as beside, beside.open("wb") as opened:
        np.savez_compressed(opened, **result)


_HERE: list[tuple[Material, Vocabulary]] = []  # of a worker process


def _begin(material: Material, tokens: Sequence[int]) -> None:
    torch.set_num_threads(1)
    _HERE.append((material, Vocabulary(tokens)))


def _one(key: Key) -> tuple[Key, Result]:
    material, vocabulary = _HERE[0]
    return key, material.result(key, vocabulary)
