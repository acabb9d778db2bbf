"""capture-metric's figures of the everyday captions; as a command, writes them to capture_figures.jsonl.

PYTHONPATH=OVERLAY:.:tests python tests/graphs/capture_figures.py DICT; docs/detailed.md says how to get both folders.
"""

import hashlib
import json
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from cim.graphs.capture import Capture, attributes_of, objects_of
from cim.graphs.graph import TextGraph
from cim.graphs.phrases import Phrases, Vectors

FILE = Path(__file__).with_suffix(".jsonl")
Pair = tuple[TextGraph, TextGraph]  # a caption's graph and the true one


def published(pairs: list[Pair], phrases: Phrases, wordnet: Path) -> list[list[float]]:
    """(n, 10): CAPTURE; precision, recall, F1 of objects, of attributes, of relations, by capture-metric itself.

    wordnet: WordNet 3.0's dict folder.
    """
    import nltk.data
    from capture_metric.capture import CAPTURE

    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "corpora/wordnet"
        place.mkdir(parents=True)
        for file in wordnet.iterdir():
            (place / file.name).write_bytes(file.read_bytes())
        # These two play no part in synonyms, and Debian leaves them out.
        (place / "index.sense").touch()
        (place / "lexnames").write_text("".join(f"{i:02}\tname{i}\t1\n" for i in range(45)))
        kept, nltk.data.path = nltk.data.path, [folder]
        try:
            scorer = CAPTURE(soft_matching=False, eps=1e-12)  # its eps of 1e-6 is itself a difference of that size
            scorer.soft_matching, scorer.text_encoder = True, _Remembered(phrases)  # it loads its own onto a GPU
            found = [scorer.compute_f_score(_theirs(true), _theirs(said)) for said, true in pairs]
        finally:
            nltk.data.path = kept
    return [list(map(float, row)) for row in found]


def figures(found: Capture) -> list[float]:
    """Ours in the same order."""
    parts = (found.objects, found.attributes, found.relations)
    return [found.score, *(figure for part in parts for figure in (part.precision, part.recall, part.f1))]


def hashed(texts: list[str]) -> Vectors:
    """Unit vectors from the letters' hash: the same on every machine, and with no two phrases alike."""
    raw = np.array([list(hashlib.sha256(text.encode()).digest()[:8]) for text in texts], dtype=np.float32)
    return np.asarray(raw / np.linalg.norm(raw, axis=1, keepdims=True))


def to_json(graph: TextGraph) -> dict[str, Any]:
    """Without counts, which CAPTURE leaves out."""
    return {"objects": graph.objects, "attributes": graph.attributes, "relations": graph.relations}


def from_json(value: dict[str, Any]) -> TextGraph:
    """What `to_json` wrote."""
    attributes = {name: tuple(said) for name, said in value["attributes"].items()}
    subjects = tuple((subject, relation, other) for subject, relation, other in value["relations"])
    return TextGraph(tuple(value["objects"]), attributes, subjects)


class _Remembered:
    """An encoder with sentence-transformers' interface, so that both sides see the same vectors."""

    def __init__(self, phrases: Phrases) -> None:
        self._phrases = phrases

    def encode(self, texts: list[str], batch_size: int) -> Any:
        self._phrases.learn(texts)
        return np.stack([self._phrases[text] for text in texts])


def _theirs(graph: TextGraph) -> tuple[Any, Any, Any]:
    """In the order in which ours are compared; theirs are sets, whose order changes from run to run."""
    names = [name for (name,) in objects_of(graph)]
    assert sum(map(len, graph.attributes.values())) == len(attributes_of(graph))
    return names, dict(graph.attributes), list(graph.relations)


def _pairs() -> list[Pair]:
    """Each caption against the two after it in the list: of the same picture, or partly or wholly of the next."""
    from everyday import everyday

    from cim.graphs.spacy_parser import SpacyParser

    texts = [text for picture in everyday() for text in picture]
    both = [" ".join((texts[(i + 1) % len(texts)], texts[(i + 2) % len(texts)])) for i in range(len(texts))]
    parser = SpacyParser()
    return list(zip(parser.parse(texts), parser.parse(both), strict=True))


if __name__ == "__main__":
    pairs = _pairs()
    rows = published(pairs, Phrases(hashed), Path(sys.argv[1]))
    lines = [
        json.dumps({"said": to_json(said), "true": to_json(true), "figures": row})
        for (said, true), row in zip(pairs, rows, strict=True)
    ]
    head = json.dumps({"capture-metric": version("capture-metric"), "nltk": version("nltk")})
    FILE.write_text("\n".join([head, *lines, ""]))
