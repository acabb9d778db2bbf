"""What a trained CLIP is asked about scenes that nobody has seen; their exact truth gives the answers."""

import io
import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from benchmarks.downstream.questions import Question, questions_of
from benchmarks.downstream.train import Pixels, SmallClip, Vectors
from cim.encoders.base import unit
from cim.retrieval import at_most, ranks
from cim.scenes.describe import state
from cim.scenes.draw import draw
from cim.scenes.scene import Scene, change_one, scene_at
from cim.scenes.vocabulary import ABOVE, INVERSE, LEFT

Values = npt.NDArray[np.float64]
NEAR_DUPLICATES = 0.2  # as the default scenes have


@dataclass(frozen=True)
class Exam:
    """n images with one text each that states all facts, and the same with one of them wrong; questions.

    changed: the kind of the fact that is wrong.
    """

    pixels: Pixels
    right: Sequence[str]
    wrong: Sequence[str]
    questions: Sequence[Question]
    changed: Sequence[str]

    def texts(self) -> set[str]:
        """All that a CLIP is asked to encode."""
        put = (text for question in self.questions for option in question.options for text in option)
        return {*self.right, *self.wrong, *put}

    def asked(self) -> list[Any]:
        """All of it as JSON has it, to tell one exam from another."""
        images = sha256(self.pixels.tobytes()).hexdigest()
        return [images, list(self.right), list(self.wrong), [asdict(question) for question in self.questions]]

    def taken(self, clip: SmallClip) -> dict[str, Values]:
        """(n, c) values by measure, a row an image: c = 1 for shares of images, 2 (right, asked) for questions."""
        images, right, wrong = clip.images(self.pixels), clip.texts(self.right), clip.texts(self.wrong)
        own = (images * right).sum(1)
        found = {
            "text_to_image": at_most(1, ranks(right, images))[:, None],
            "image_to_text": at_most(1, ranks(images, right))[:, None],
            "fact": (own > (images * wrong).sum(1)).astype(np.float64)[:, None],
        }
        return found | self._answers(clip, images)

    def _answers(self, clip: SmallClip, images: Vectors) -> dict[str, Values]:
        """Zero-shot classification: the option whose texts, on average, are closest to the image."""
        answers = {question.kind: np.zeros((len(images), 2)) for question in self.questions}
        options = [option for question in self.questions for option in question.options]
        vectors = clip.texts([text for option in options for text in option])
        ends = np.cumsum([len(option) for option in options])
        means = unit(np.stack([part.mean(0) for part in np.split(vectors, ends[:-1])]))
        start = 0
        for question in self.questions:
            end = start + len(question.options)
            best = int(np.argmax(means[start:end] @ images[question.image]))
            answers[question.kind][question.image] += (best == question.answer, 1)
            start = end
        return answers


def exam(scenes: Sequence[Scene], seed: int, side: int) -> Exam:
    """The exam on these scenes."""
    right, wrong, changed = list[str](), list[str](), list[str]()
    for index, scene in enumerate(scenes):
        other = change_one(scene, random.Random(f"wrong-{seed}-{index}"))
        changed.append(changed_kind(scene, other))
        for said, one in ((right, scene), (wrong, other)):
            said.append(state(one, random.Random(f"exam-{seed}-{index}"), 1.0))  # the same words but for the fact
    pictures = np.stack([pixels(draw(scene, side)) for scene in scenes])
    questions = [one for i, scene in enumerate(scenes) for one in questions_of(scene, i)]
    return Exam(pictures, right, wrong, questions, changed)


def changed_kind(scene: Scene, other: Scene) -> str:
    """In which one kind of fact the two differ."""
    for kind in ("background", "relation"):
        if getattr(scene, kind) != getattr(other, kind):
            return kind
    pairs = zip(scene.things, other.things, strict=True)
    return next(kind for one, two in pairs for kind in vars(one) if getattr(one, kind) != getattr(two, kind))


def unseen(seed: int, count: int, seen: set[str]) -> list[Scene]:
    """The first `count` scenes of the series `seed`, each once, that are not among the `seen` (see `fact_key`)."""
    known, found, index = set(seen), list[Scene](), 0
    while len(found) < count:
        scene = scene_at(seed, index, NEAR_DUPLICATES)
        if (key := fact_key(scene.graph())) not in known:
            known.add(key)
            found.append(scene)
        index += 1
    return found


def fact_key(graph: dict[str, Any]) -> str:
    """The same for scenes with the same facts, wherever exactly things stand: "left of" and "right of" turned."""
    things, relations = graph["objects"], graph["relations"]
    if relations and relations[0][1] in INVERSE and relations[0][1] not in (LEFT, ABOVE):
        things, relations = things[::-1], [[0, INVERSE[relations[0][1]], 1]]
    return repr((graph["background"], [sorted(thing.items()) for thing in things], relations))


def pixels(image: bytes) -> Pixels:
    """(side, side, 3) of a drawn picture."""
    return np.asarray(Image.open(io.BytesIO(image)).convert("RGB"))
