"""The CIM score as engines ask for it: captions of pictures that no stage has embedded."""

from dataclasses import replace

import pytest
from PIL import Image
from word_gallery import ByColour, reward

from cim.errors import CimError
from cim.params.retrieval import Index
from cim.rewards.pictures import CimScore, ScoreSpec, lazy_encoder
from cim.rewards.retriever import Retriever

RED, BLACK = Image.new("RGB", (4, 4), (255, 0, 0)), Image.new("RGB", (4, 4))


@pytest.fixture
def score(world):
    layout, _ = world
    encoder = ByColour()
    found = CimScore(Retriever.open(layout, reward()), lazy_encoder(lambda: encoder))
    object.__setattr__(found, "encoder", encoder)
    return found


def test_a_picture_earns_what_its_vector_earns_and_is_encoded_once(score):
    # (1, 0, 0) as the embedded "near"; "1 0" finds one and two, "0 -1" three first
    totals = score(["1 0", "0 -1", "1 0"], ["new", "new", "near"], [RED, RED, RED])
    (known,) = score.retriever.score(["1 0"], ["near"])
    assert totals[0] == totals[2] == known.total
    assert totals[1] < totals[0]
    assert score.encoder.calls == 1


def test_an_item_of_the_gallery_does_not_find_itself(score):
    """Source "one" is in the gallery: by the rule it finds two and three, orthogonal to it, so QIR is 0."""
    (found,) = score(["1 0"], ["one"], [RED])
    assert found == pytest.approx(score.retriever.score(["1 0"], ["one"])[0].grc)


def test_what_has_no_honest_number_is_none(score):
    assert score(["1 0", " ", "1 0"], ["black", "red", "red"], [BLACK, RED, RED])[:2] == [None, None]
    assert score(["1 0"], ["black"], [BLACK]) == [None]


def test_the_fingerprint_follows_what_decides_scores(world):
    layout, _ = world
    spec = ScoreSpec(layout, reward(), Index(splits=["gallery"]))
    assert hash(spec) == hash(replace(spec, index=None))  # it names engines that are kept
    assert spec.fingerprint() == replace(spec, index=None).fingerprint()
    changed = {spec.fingerprint(), replace(spec, reward=reward(k=1)).fingerprint()}
    meta = layout.index("items") / "meta.json"
    meta.write_text(meta.read_text().replace("image-1", "image-2"))
    assert len(changed | {spec.fingerprint()}) == 3


def test_without_an_index_it_is_said(layout):
    with pytest.raises(CimError, match="an index to score captions with"):
        ScoreSpec(layout, reward()).fingerprint()
