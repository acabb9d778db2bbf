"""Terms of the reward over generated scenes: an ideal CLIP, that knows the facts of pictures and of captions."""

from collections import Counter
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

from benchmarks.hacking.galleries import Vectors, columns, fact_vectors, facts_of
from cim.encoders.scorer import Scorer
from cim.index.rows import UnitRows
from cim.index.vectors import encode_ids
from cim.params.terms import AnswersTerm, BagsTerm, SelfRetrievalTerm
from cim.rewards.lookalikes import LookAlikes
from cim.rewards.terms.answers import Answers
from cim.rewards.terms.bags import Bags
from cim.rewards.terms.base import Term
from cim.rewards.terms.clip_score import ClipScore
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


def scene_terms(ids: Sequence[str], vectors: Vectors) -> dict[str, Term]:
    """Each term that scenes allow, with its default parameters. ids, vectors: of all scenes of the gallery."""
    tower = SceneTower(len(ids))
    rows = UnitRows(vectors, np.ones(len(vectors), np.float32))
    workspace: Any = SimpleNamespace(encode=CaptionVectors(tower), gallery=LookAlikes(rows, encode_ids(ids)))
    asked = AnswersTerm.model_validate({"weight": 1.0, "questions": {"kind": "scenes"}})
    return {
        "self_retrieval": SelfRetrieval(SelfRetrievalTerm(weight=1.0), workspace),
        "bags": Bags(BagsTerm(weight=1.0), workspace),
        "clip_score": ClipScore(workspace),
        "answers": Answers(asked, lambda name: questions(scene_at(11, int(name)).graph()), SceneReader()),
        "learned": Learned(Scorer(np.full(tower.dim, 10.0), -5.0), workspace),
    }
