"""The same numbers as pycocoevalcap: on 100 everyday captions, and with --photos DIR on 100 of people's captions.

What it made of the everyday captions is committed, so that equality is held without Java as well; with Java it is asked
again. To make the file anew: PYTHONPATH=.:tests python tests/metrics/coco_scores.py
"""

import json
import re
import shutil
from typing import Any

import numpy as np
import pytest
from coco_scores import FILE, Pairs, paired, published, published_meteor
from everyday import everyday

from cim.languages.tokens import english_tokens
from cim.metrics.overlap import bleu, meteor, meteor_counts, overlap

# Symbols and brackets; words that keep a full stop, a comma or an apostrophe.
KNOWN_TO_DIFFER = re.compile(r"[&#%$]|-[lr].b-|.+\.|\d+(?:,\d+)+|.*'.*")

needs_java = pytest.mark.skipif(shutil.which("java") is None, reason="the published tokenizer and METEOR need Java")


def check(pairs: Pairs, theirs: dict[str, Any]) -> None:
    """Tokens equal; BLEU-4, ROUGE-L and CIDEr-D equal to 1e-6, caption by caption and as a whole."""
    captions, references = pairs
    for caption, others, tokens in zip(captions, references, theirs["tokens"], strict=True):
        assert [" ".join(english_tokens(text)) for text in (caption, *others)] == tokens
    ours = overlap(captions, references)
    assert bleu(ours["bleu_4"][None])[0] == pytest.approx(theirs["bleu_4"]["whole"], abs=1e-6)
    assert bleu(ours["bleu_4"][:, None]) == pytest.approx(np.array(theirs["bleu_4"]["single"]), abs=1e-6)
    for name in ("rouge_l", "cider_d"):
        assert ours[name].mean() == pytest.approx(theirs[name]["whole"], abs=1e-6)
        assert ours[name][:, 0] == pytest.approx(theirs[name]["single"], abs=1e-6)


def check_meteor(pairs: Pairs, theirs: dict[str, Any]) -> None:
    """METEOR, likewise. Ours is Java's too, from its counts."""
    captions, references = pairs
    ours = meteor_counts({"said": captions}, {"said": references})["said"]
    assert meteor(ours[None])[0] == pytest.approx(theirs["whole"], abs=1e-6)
    assert meteor(ours[:, None]) == pytest.approx(np.array(theirs["single"]), abs=1e-6)


def test_everyday_captions() -> None:
    theirs = json.loads(FILE.read_text(encoding="utf-8"))
    assert theirs["pycocoevalcap"] == "1.2"
    assert len(theirs["tokens"]) == 100
    assert 0.02 < theirs["bleu_4"]["whole"] < 0.9  # the comparison is not one of zeros or ones
    check(everyday_pairs(), theirs)


def test_another_figure_is_noticed() -> None:
    """What the test above would say of a wrong score: 2e-6 off is too much."""
    theirs = json.loads(FILE.read_text(encoding="utf-8"))
    theirs["cider_d"]["single"][50] += 2e-6
    with pytest.raises(AssertionError):
        check(everyday_pairs(), theirs)


@needs_java
def test_everyday_captions_asked_again() -> None:
    committed = json.loads(FILE.read_text(encoding="utf-8"))
    theirs = published(*everyday_pairs())
    assert theirs["tokens"] == committed["tokens"]
    for name in ("bleu_4", "rouge_l", "cider_d"):
        assert theirs[name]["whole"] == pytest.approx(committed[name]["whole"], abs=1e-9)
        assert theirs[name]["single"] == pytest.approx(committed[name]["single"], abs=1e-9)


@needs_java
@pytest.mark.slow
def test_meteor_of_everyday_captions() -> None:
    check_meteor(everyday_pairs(), json.loads(FILE.read_text(encoding="utf-8"))["meteor"])


@needs_java
@pytest.mark.slow
def test_peoples_captions_of_photos(photo_captions: list[list[str]]) -> None:
    captions, references = [one[0] for one in photo_captions[:100]], [one[1:] for one in photo_captions[:100]]
    captions[3], captions[4], captions[5] = references[3][0], "", references[90][0]
    theirs = published(captions, references)
    check((captions, references), theirs)
    check_meteor((captions, references), published_meteor(theirs["tokens"]))


@needs_java
def test_tokens_of_all_photos(photo_captions: list[list[str]]) -> None:
    from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer

    theirs = PTBTokenizer().tokenize({i: [{"caption": c} for c in texts] for i, texts in enumerate(photo_captions)})
    for i, texts in enumerate(photo_captions):
        for text, found in zip(texts, theirs[i], strict=True):
            ours, words = english_tokens(text), found.split()
            assert ours == words or all(KNOWN_TO_DIFFER.fullmatch(word) for word in set(words) - set(ours)), text


@needs_java
def test_tokens_known_to_differ() -> None:
    """Symbols and brackets are words there; abbreviations keep the full stop, numbers their comma, o'clock its mark."""
    from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer

    text = "Eggs & bacon (No. 5) at $3, or 2,00 o'clock"
    theirs = PTBTokenizer().tokenize({0: [{"caption": text}]})[0]
    assert theirs == ["eggs & bacon -lrb- no. 5 -rrb- at $ 3 or 2,00 o'clock"]
    assert " ".join(english_tokens(text)) == "eggs bacon no 5 at 3 or 2 00 o clock"


def everyday_pairs() -> Pairs:
    """A hundred captions, each against the others of its picture; one of them a reference, one blank, one strange."""
    return paired(everyday())
