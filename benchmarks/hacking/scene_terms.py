"""Terms of the reward over generated scenes: an ideal CLIP, that knows the facts of pictures and of captions."""

from collections import Counter
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

from benchmarks.hacking.galleries import Gallery, Vectors, columns, fact_vectors, facts_of
from cim.encoders.remembered import RememberedBatch
from cim.encoders.scorer import Scorer
from cim.index.rows import UnitRows
from cim.index.vectors import encode_ids
from cim.metrics.scenes import KINDS, Counts, score_scene
from cim.params.terms import AnswersTerm, BagsTerm, SelfRetrievalTerm
from cim.rewards.lookalikes import LookAlikes
from cim.rewards.terms.answers import Answers
from cim.rewards.terms.bags import Bags
from cim.rewards.terms.base import Term
from cim.rewards.terms.clip_score import ClipScore
from cim.rewards.terms.entailment import Entailment, Pair
from cim.rewards.terms.learned import Learned
from cim.rewards.terms.readers import SceneReader
from cim.rewards.terms.self_retrieval import SelfRetrieval
from cim.rewards.terms.workspace import CaptionVectors
from cim.scenes.parse import parse
from cim.scenes.questions import questions
from cim.scenes.scene import scene_at


class SceneTower:
    """Captions in the space of `ideal_vectors`, by the facts that the parser reads in them."""

    fingerprint = "ideal"

    def __init__(self, count: int) -> None:
        self._columns = columns([facts_of(scene_at(11, number)) for number in range(count)])
        self.dim = len(self._columns)

    def encode_texts(self, texts: list[str]) -> Vectors:
        """(n, d) unit vectors; NaN for a text that claims nothing known."""
        return fact_vectors([_claims(text) for text in texts], self._columns)


def _claims(text: str) -> Counter[str]:
    graph: dict[str, Any] = parse(text)
    found = Counter([f"background {graph['background']}", *(f"relation {one[1]}" for one in graph["relations"])])
    for place, thing in enumerate(graph["objects"]):
        attributes = [one for kind in ("shape", "color", "size", "texture") if (one := thing[kind])]
        found.update([*attributes, *(f"{place} {one}" for one in attributes)])
        found.update([f"{thing['color']} {thing['shape']}", f"{thing['count']} {thing['shape']}"])
    return found


class IdealInference:
    """Meets Inference: knows the scene that a premise was said of, and whether it has all that a hypothesis claims.

    scenes: by their captions.
    """

    def __init__(self, scenes: Mapping[str, dict[str, Any]]) -> None:
        self._scenes = scenes

    def __call__(self, pairs: Sequence[Pair]) -> list[float | None]:
        """1 where every claim is true, -1 where one is not, 0 where nothing is claimed."""
        return [self._one(self._scenes[premise], parse(hypothesis)) for premise, hypothesis in pairs]

    def _one(self, scene: dict[str, Any], claims: dict[str, Any]) -> float:
        counts = sum((one for name, one in score_scene(scene, claims).items() if name in KINDS), Counts())
        return 0.0 if not counts.predicted else 1.0 if counts.matched == counts.predicted else -1.0


def scene_terms(gallery: Gallery) -> dict[str, Term]:
    """Each term, with its default parameters, over a gallery of all scenes."""
    ids, vectors = gallery.ids, gallery.vectors
    said = dict(zip(ids, gallery.captions, strict=True))
    scenes = {text: scene_at(11, int(name)).graph() for name, several in said.items() for text in several}
    tower = SceneTower(len(ids))
    rows = UnitRows(vectors, np.ones(len(vectors), np.float32))
    workspace: Any = SimpleNamespace(
        encode=CaptionVectors(RememberedBatch(tower)), gallery=LookAlikes(rows, encode_ids(ids))
    )
    asked = AnswersTerm.model_validate({"weight": 1.0, "questions": {"kind": "scenes"}})
    return {
        "self_retrieval": SelfRetrieval(SelfRetrievalTerm(weight=1.0), workspace),
        "bags": Bags(BagsTerm(weight=1.0), workspace),
        "clip_score": ClipScore(workspace),
        "answers": Answers(asked, lambda name: questions(scene_at(11, int(name)).graph()), SceneReader()),
        "learned": Learned(Scorer(np.full(tower.dim, 10.0), -5.0), workspace),
        "entailment": Entailment(IdealInference(scenes), lambda name: said[name]),
    }
