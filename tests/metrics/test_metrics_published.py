"""The same numbers as pycocoevalcap on 100 real captions: pytest --photos DIR (a folder with captions.csv)."""

import shutil

import numpy as np
import pytest

from cim.metrics.meteor import meteor
from cim.metrics.overlap import bleu, meteor_counts, overlap
from cim.metrics.tokens import coco_tokens

needs_java = pytest.mark.skipif(shutil.which("java") is None, reason="the published tokenizer and METEOR need Java")


@pytest.fixture(scope="module")
def pairs(photo_captions: list[list[str]]) -> tuple[list[str], list[list[str]]]:
    """100 captions, each against the four others of its image; one is a reference, one is blank, one is of another."""
    captions, references = [one[0] for one in photo_captions[:100]], [one[1:] for one in photo_captions[:100]]
    captions[3], captions[4], captions[5] = references[3][0], "", references[90][0]
    return captions, references


Theirs = tuple[dict[int, list[str]], dict[int, list[str]]]


@pytest.fixture(scope="module")
def theirs(pairs: tuple[list[str], list[list[str]]]) -> Theirs:
    """References and captions as pycocoevalcap's own tokenizer leaves them."""
    from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer

    captions, references = pairs
    tokenizer = PTBTokenizer()
    truths = tokenizer.tokenize({i: [{"caption": c} for c in texts] for i, texts in enumerate(references)})
    return truths, tokenizer.tokenize({i: [{"caption": c}] for i, c in enumerate(captions)})


@needs_java
def test_bleu_rouge_and_cider(pairs: tuple[list[str], list[list[str]]], theirs: Theirs) -> None:
    from pycocoevalcap.bleu.bleu import Bleu
    from pycocoevalcap.cider.cider import Cider
    from pycocoevalcap.rouge.rouge import Rouge

    ours = overlap(*pairs)
    score, scores = Bleu(4).compute_score(*theirs, verbose=0)
    assert bleu(ours["bleu_4"][None])[0] == pytest.approx(score[3], abs=1e-6)
    assert bleu(ours["bleu_4"][:, None]) == pytest.approx(np.array(scores[3]), abs=1e-6)
    for name, scorer in (("rouge_l", Rouge()), ("cider_d", Cider())):
        score, scores = scorer.compute_score(*theirs)
        assert ours[name].mean() == pytest.approx(score, abs=1e-6)
        assert ours[name][:, 0] == pytest.approx(scores, abs=1e-6)


@needs_java
@pytest.mark.slow
def test_meteor(pairs: tuple[list[str], list[list[str]]], theirs: Theirs) -> None:
    from pycocoevalcap.meteor.meteor import Meteor

    captions, references = pairs
    ours = meteor_counts({"said": captions}, references)["said"]
    score, scores = Meteor().compute_score(*theirs)
    assert meteor(ours[None])[0] == pytest.approx(score, abs=1e-6)
    assert meteor(ours[:, None]) == pytest.approx(np.array(scores), abs=1e-6)


@needs_java
def test_tokens_of_all_captions(photo_captions: list[list[str]]) -> None:
    from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer

    theirs = PTBTokenizer().tokenize({i: [{"caption": c} for c in texts] for i, texts in enumerate(photo_captions)})
    for i, texts in enumerate(photo_captions):
        assert [" ".join(coco_tokens(text)) for text in texts] == theirs[i]
