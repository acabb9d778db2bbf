"""The TRL adapter: signature, one retrieval a batch, names, None, logging, pickling."""

import pickle
from types import SimpleNamespace

import pytest

from cim.params.guards import Guards
from cim.params.tune import Reward
from cim.rewards.retriever import IdentityScore
from cim.rewards.trl import identity_terms, text_of


class LengthRetriever:
    """GRC is the caption's length / 10, QIR the number in the id; blank captions can't be scored. Counts batches."""

    captions = None

    def __init__(self):
        self.reward, self.batches = Reward(beta=0.5, guards=Guards.off()), []

    def score(self, captions, source_ids):
        self.batches.append((list(captions), list(source_ids)))
        return [
            IdentityScore(len(c) / 10, float(i), 0.0, (), (), ()) if c.strip() else None
            for c, i in zip(captions, source_ids, strict=True)
        ]


def said(text):
    return [{"role": "assistant", "content": text}]


def call(term, texts, ids, **extra):
    """As GRPOTrainer._calculate_rewards does in TRL 1.16."""
    return term(
        prompts=[[{"role": "user", "content": "describe"}]] * len(texts),
        completions=[said(text) for text in texts],
        completion_ids=[[1, 2]] * len(texts),
        id=list(ids),
        image=[None] * len(texts),
        trainer_state=SimpleNamespace(global_step=1),
        log_extra=lambda column, values: None,
        **extra,
    )


@pytest.fixture
def parts():
    retriever = LengthRetriever()
    terms, weights = identity_terms(retriever)
    return retriever, terms, weights


def test_two_terms_with_names_and_weights(parts):
    from trl.trainer.utils import get_callable_name, is_async_callable

    _, terms, weights = parts
    assert [get_callable_name(term) for term in terms] == ["grc", "qir"]
    assert not any(is_async_callable(term) for term in terms)
    assert weights == [1.0, 0.5]


def test_one_retrieval_serves_both_terms_of_a_batch(parts):
    retriever, (grc, qir), _ = parts
    assert call(grc, ["abc", "abcde"], ["1", "2"]) == [0.3, 0.5]
    assert call(qir, ["abc", "abcde"], ["1", "2"]) == [1.0, 2.0]
    assert retriever.batches == [(["abc", "abcde"], ["1", "2"])]
    assert call(grc, ["abc", "abcde"], ["1", "3"]) == [0.3, 0.5]  # same captions, other sources
    assert call(qir, ["abc", "abcde"], ["1", "3"]) == [1.0, 3.0]
    assert len(retriever.batches) == 2


def test_unscorable_is_none_counted_and_logged_once_a_batch(parts):
    _, (grc, qir), _ = parts
    logged = []
    for _ in range(2):  # the same captions again are another batch
        for term in (grc, qir):
            rewards = call(term, ["a", " ", "b", "c"], "1234", log_metric=lambda *pair: logged.append(pair))
            assert [value is None for value in rewards] == [False, True, False, False]
    assert logged == [("unscorable_share", 0.25)] * 2
    assert (grc._scorer.scored, grc._scorer.unscorable) == (6, 2)


def test_a_dataset_without_ids_is_refused(parts):
    _, (grc, _), _ = parts
    with pytest.raises(ValueError, match="no column 'id'"):
        grc(prompts=["p"], completions=["c"])


def test_pickled_together_they_still_share_one_scorer(parts):
    _, terms, _ = parts
    grc, qir = pickle.loads(pickle.dumps(terms))
    assert (grc.__name__, qir.__name__) == ("grc", "qir")
    call(grc, ["abc"], ["1"])
    call(qir, ["abc"], ["1"])
    assert len(grc._scorer.retriever.batches) == 1


@pytest.mark.parametrize(
    ("completion", "text"),
    [
        ("plain", "plain"),
        (said("a caption"), "a caption"),
        (said([{"type": "text", "text": "in "}, {"type": "text", "text": "blocks"}]), "in blocks"),
        (said(None), ""),
        ([], ""),
        ([{"role": "tool", "content": "not said"}, *said("said")], "said"),
    ],
)
def test_text_of_a_completion(completion, text):
    assert text_of(completion) == text


class FailingRetriever(LengthRetriever):
    """Also knows no image "gone", and its encoder fails on "@"."""

    def __init__(self):
        super().__init__()
        self.reward = Reward(guards=Guards(copied=None))
        self.sources = SimpleNamespace(has=lambda ids: [source != "gone" for source in ids])

    def score(self, captions, source_ids):
        scores = super().score(captions, ["0"] * len(captions))
        failed = [caption == "@" or source == "gone" for caption, source in zip(captions, source_ids, strict=True)]
        return [None if none else score for none, score in zip(failed, scores, strict=True)]


def rewarded(captions, ids, **extra):
    """TRL 1.16's sum: weighted, None left out, NaN where every term is None (then the advantage is 0)."""
    terms, weights = identity_terms(FailingRetriever(), marks=[9])
    columns = [call(term, captions, ids, **extra) for term in terms]
    assert [term.__name__ for term in terms][:3] == ["grc", "qir", "unscorable"]
    rows = [[(w, v) for w, v in zip(weights, row, strict=True) if v is not None] for row in zip(*columns, strict=True)]
    return [sum(w * v for w, v in row) if row else None for row in rows]


def test_what_cannot_be_scored_is_below_all_others_of_its_group():
    honest, empty, failed = rewarded(["a dog swims", "", "@"], ["1", "1", "1"])
    assert honest == pytest.approx(1.1)  # GRC 11 / 10, no fault
    assert empty == -3 - 3  # unscorable, and too short
    assert failed <= -3
    least = -(1 + 0.5 + 0.25)  # all three retrieved images opposite to the source; GRC is at least 0
    assert max(empty, failed) < least


def test_an_image_without_a_vector_teaches_nothing():
    assert rewarded(["a dog", "", "dog"], ["gone"] * 3) == [None] * 3


def test_guards_see_prompt_and_token_ids():
    (copied,) = rewarded(["describe"], ["1"])  # the prompt of `call`
    (said,) = rewarded(["depicted"], ["1"])
    assert copied == said - 3
    terms, _ = identity_terms(FailingRetriever(), marks=[2])
    tokens = next(term for term in terms if term.__name__ == "tokens")
    assert call(tokens, ["a dog swims"], ["1"]) == [-1]  # `call` says that ids 1 and 2 were generated
    assert tokens(prompts=["p"], completions=["a dog swims"], id=["1"]) == [0]
