"""BLEU, ROUGE-L, CIDEr-D by hand."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cim.languages.tokens import english_tokens
from cim.metrics.overlap import bleu, overlap


def score(caption: str, references: list[str], name: str) -> float:
    return float(overlap([caption], [references])[name][0, 0])


def test_tokens() -> None:
    said = english_tokens("The dog's T-shirt isn't here, they\u2019re 3,000 sheep; I cannot see St. 5.5!")
    assert " ".join(said) == "the dog 's t-shirt is n't here they 're 3,000 sheep i can not see st 5.5"
    assert english_tokens(" ... ") == []


def test_bleu_by_hand() -> None:
    # said: a b c d e (5), reference: a b c d f (5). Matching n-grams 4, 3, 2, 1 of 5, 4, 3, 2; no brevity penalty.
    # BLEU-4 = (4/5 * 3/4 * 2/3 * 1/2) ** (1/4) = 0.2 ** 0.25
    rows = overlap(["a b c d e"], [["a b c d f"]])["bleu_4"]
    assert rows.tolist() == [[4, 3, 2, 1, 5, 4, 3, 2, 5, 5]]
    assert bleu(rows[None])[0] == pytest.approx(0.2**0.25)


def test_bleu_sums_before_it_divides_and_clips_and_penalises_brevity() -> None:
    # second caption: "the the the the" against "the cat": clipped to 1 of 4 words, 0 of 3, 2, 1. Closest length 2.
    # sums: 5/9, 3/7, 2/5, 1/3; said 9, references 5 + 2 = 7: no penalty
    rows = overlap(["a b c d e", "the the the the"], [["a b c d f"], ["the cat"]])["bleu_4"]
    assert bleu(rows[None])[0] == pytest.approx((5 / 9 * 3 / 7 * 2 / 5 * 1 / 3) ** 0.25)
    # "a b c d" against 8 words: all n-grams match, said is half as long: exp(1 - 2)
    rows = overlap(["a b c d"], [["a b c d e f g h"]])["bleu_4"]
    assert bleu(rows[None])[0] == pytest.approx(math.exp(-1))
    # lengths 8 and 3 are 4 and 1 away from 4: the closer one counts, so there is no penalty
    rows = overlap(["a b c d"], [["a b c d e f g h", "x y z"]])["bleu_4"]
    assert bleu(rows[None])[0] == pytest.approx(1)


def test_rouge_l_by_hand() -> None:
    # said: a red circle above a square (6); reference: a circle above a blue square (6)
    # longest common subsequence: a circle above a square = 5; P = R = F = 5/6
    assert score("a red circle above a square", ["a circle above a blue square"], "rouge_l") == pytest.approx(5 / 6)
    # said: a b (2). Against "a b c d": lcs 2, P 1, R 1/2. Against "a": lcs 1, P 1/2, R 1. Best of each: F = 1
    assert score("a b", ["a b c d", "a"], "rouge_l") == pytest.approx(1)
    # against the first alone: (1 + 1.44) * 1 * 0.5 / (0.5 + 1.44 * 1) = 1.22 / 1.94
    assert score("a b", ["a b c d"], "rouge_l") == pytest.approx(1.22 / 1.94)


def test_cider_d_by_hand() -> None:
    # Two images, references "a b" and "c d": every n-gram is in one of two, weight log 2 each.
    # "a b" against itself: cosine 1 for words and for pairs, 0 for n = 3 and 4, which it lacks; mean 1/2, times 10.
    # "c x" (2 words) against "c d": words: vectors (c, x) and (c, d), all of weight log 2 (an unseen word's too):
    # cosine 1/2; pairs: 0. Mean over four n: 1/8, times 10.
    found = overlap(["a b", "c x"], [["a b"], ["c d"]])["cider_d"][:, 0]
    assert found.tolist() == pytest.approx([5, 1.25])
    # "a b b b" (4 words) against "a b": clipped to one b, so words: (1*1 + 1*1) / (sqrt(1 + 9) sqrt 2) = 2 / sqrt 20;
    # pairs: (a b, b b, b b) and (a b): 1 / sqrt(1 + 4). Length penalty exp(-(4 - 2)^2 / 72), the lengths being those of
    # the pairs in pycocoevalcap: 3 and 1.
    found = overlap(["a b b b", "c d"], [["a b"], ["c d"]])["cider_d"][:, 0]
    assert found[0] == pytest.approx(10 / 4 * math.exp(-4 / 72) * (2 / math.sqrt(20) + 1 / math.sqrt(5)))


def test_without_words() -> None:
    found = overlap(["", "dog", "dog"], [["a cat"], [], ["..."]])
    assert (found["rouge_l"][0, 0], found["cider_d"][0, 0]) == (0, 0)
    assert bleu(found["bleu_4"][None, :1])[0] == pytest.approx(0, abs=1e-6)
    for rows in found.values():
        assert np.isnan(rows[1:]).all()
    assert np.isnan(overlap(["dog"], [[]])["rouge_l"]).all()


TEXT = st.lists(st.sampled_from(["a", "b", "c", "d"]), min_size=1, max_size=9).map(" ".join)
PAIRS = st.lists(st.tuples(TEXT, st.lists(TEXT, min_size=1, max_size=3)), min_size=1, max_size=4)


@given(PAIRS)
@settings(max_examples=50, deadline=None)
def test_bleu_from_sums_is_pycocoevalcaps(pairs: list[tuple[str, list[str]]]) -> None:
    from pycocoevalcap.bleu.bleu import Bleu

    captions, references = [list(part) for part in zip(*pairs, strict=True)]
    theirs = Bleu(4).compute_score(dict(enumerate(references)), {i: [c] for i, c in enumerate(captions)}, verbose=0)
    rows = overlap(captions, references)["bleu_4"]
    assert bleu(rows[None])[0] == pytest.approx(theirs[0][3], abs=1e-9)
    assert bleu(rows[:, None]) == pytest.approx(np.array(theirs[1][3]), abs=1e-9)
