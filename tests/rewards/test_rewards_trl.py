"""The TRL adapter: signature, one retrieval a batch, None, what is logged, pickling."""

import pickle
from collections import defaultdict
from types import SimpleNamespace

import pytest

from cim.errors import CimError
from cim.languages.english import ENGLISH
from cim.params.guards import Guards
from cim.params.tune import Reward
from cim.records import IdentityScore
from cim.rewards.retriever import NO_VECTOR, Unscorable
from cim.rewards.trl import TrlReward, text_of


class LengthRetriever:
    """GRC is the caption's length / 10, QIR 0.25. No score for "@" and blank captions, no vector of the image "gone".

    Counts batches.
    """

    captions = sources = None
    language = ENGLISH

    def __init__(self, guards=None):
        self.reward, self.batches = Reward(beta=2, guards=guards or Guards.off()), 0

    def attempt(self, captions, source_ids):
        self.batches += 1
        return [self._outcome(*pair) for pair in zip(captions, source_ids, strict=True)]

    def _outcome(self, caption, source):
        if source == "gone":
            return NO_VECTOR
        if not caption.strip("@ "):
            return Unscorable("nothing said")
        return IdentityScore(len(caption) / 10, 0.25, len(caption) / 10 + 2 * 0.25, (), (), ())


def said(text):
    return [{"role": "assistant", "content": text}]


def call(reward, texts, ids, **extra):
    """As GRPOTrainer._calculate_rewards does in TRL 1.16."""
    return reward(
        prompts=[[{"role": "user", "content": "describe"}]] * len(texts),
        completions=[said(text) for text in texts],
        completion_ids=[[1, 2]] * len(texts),
        id=list(ids),
        image=[None] * len(texts),
        trainer_state=SimpleNamespace(global_step=1),
        log_extra=lambda column, values: None,
        **extra,
    )


def logged(reward, texts, ids):
    """The means that TRL makes of what is logged."""
    calls = defaultdict(list)
    call(reward, texts, ids, log_metric=lambda name, value: calls[name].append(value))
    return {name: sum(values) / len(values) for name, values in calls.items()}


def test_trl_takes_it_for_a_plain_function_with_a_name():
    from trl.trainer.utils import get_callable_name, is_async_callable

    reward = TrlReward(LengthRetriever())
    assert get_callable_name(reward) == "total"
    assert not is_async_callable(reward)


def test_one_call_is_one_retrieval_even_of_the_same_captions():
    retriever = LengthRetriever()
    reward = TrlReward(retriever)
    for batches in (1, 2):
        assert call(reward, ["abc", "abcde"], ["1", "2"]) == pytest.approx([0.3 + 0.5, 0.5 + 0.5])
        assert retriever.batches == batches


def test_each_term_is_logged_over_the_captions_that_have_it():
    guards = Guards(**dict.fromkeys(Guards.model_fields) | {"unscorable": {}, "length": {}})
    texts = ["a red dog", "dog", " ", "red dog red dog red dog"]
    # Scored are the first two; the third is unscorable; of the last one's image there is no vector.
    assert logged(TrlReward(LengthRetriever(guards)), texts, ["1", "2", "3", "gone"]) == {
        "unscorable_share": 0.5,
        "repetition_share": pytest.approx((1 / 3) / 4),  # "red dog red dog" is one of the last one's three 4-grams
        "rewards/grc/mean": pytest.approx((0.9 + 0.3) / 2),
        "rewards/qir/mean": 0.25,
        "rewards/unscorable/mean": pytest.approx(-1 / 3),
        "rewards/length/mean": pytest.approx(-2 / 3),  # one word, and none
    }


def test_terms_that_no_caption_has_are_not_logged():
    guards = Guards(**dict.fromkeys(Guards.model_fields) | {"unscorable": {}})
    assert logged(TrlReward(LengthRetriever(guards)), [" ", "@"], ["1", "2"]) == {
        "unscorable_share": 1,
        "repetition_share": 0,
        "rewards/unscorable/mean": -1,
    }


def test_a_mean_is_that_of_the_whole_batch_however_ranks_share_it():
    """TRL gathers sum and number of the calls of all ranks; a rank's mean would not do."""
    reward = TrlReward(LengthRetriever())
    ranks = [defaultdict(list), defaultdict(list)]
    batches = [(["abc", " ", "@"], "123"), (["abcdef", "abcdefghi", "ab"], "456")]
    for calls, (texts, ids) in zip(ranks, batches, strict=True):
        call(reward, texts, ids, log_metric=lambda name, value, calls=calls: calls[name].append(value))
    numbers = [value for calls in ranks for value in calls["rewards/grc/mean"]]
    assert sum(numbers) / len(numbers) == pytest.approx((0.3 + 0.6 + 0.9 + 0.2) / 4)  # not (0.3 + 1.7 / 3) / 2


def test_a_dataset_without_ids_is_refused():
    with pytest.raises(ValueError, match="no column 'id'"):
        TrlReward(LengthRetriever())(prompts=["p"], completions=["c"])


def test_pickled_it_rewards_alike():
    reward = TrlReward(LengthRetriever(Guards(copied=None)), [2])
    again = pickle.loads(pickle.dumps(reward))
    assert again.__name__ == "total"
    assert call(again, ["a dog swims"], ["1"]) == call(reward, ["a dog swims"], ["1"])


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


def rewarded(captions, ids, special_tokens=()):
    return call(TrlReward(LengthRetriever(Guards(copied=None)), special_tokens), captions, ids)


def test_what_cannot_be_scored_is_below_all_others_of_its_group():
    honest, empty, failed = rewarded(["a dog swims", "", "@"], ["1", "1", "1"])
    assert honest == pytest.approx(1.1 + 2 * 0.25)  # GRC 11 / 10, no fault
    assert empty == -3 - 3  # unscorable, and too short
    assert failed <= -3
    least = -(1 + 0.5 + 0.25)  # all three retrieved images opposite to the source; GRC is at least 0
    assert max(empty, failed) < least


def test_an_image_without_a_vector_teaches_nothing():
    assert rewarded(["a dog", "", "dog", "a dog swims"], ["gone"] * 3 + ["1"]) == [None] * 3 + [pytest.approx(1.6)]


def test_no_vector_of_any_source_is_no_bad_image_but_other_embeddings():
    with pytest.raises(CimError, match=r"no image vector for any of 2 sources, the first gone.*dvc repro embed"):
        rewarded(["a dog", "a cat"], ["gone", "gone"])


def test_guards_see_prompt_and_token_ids():
    (copied,) = rewarded(["describe"], ["1"])  # the prompt of `call`
    (said,) = rewarded(["depicted"], ["1"])
    assert copied == said - 3
    reward = TrlReward(LengthRetriever(Guards(copied=None)), [2])
    (leaking,) = call(reward, ["a dog swims"], ["1"])  # `call` says that ids 1 and 2 were generated
    assert reward(prompts=["p"], completions=["a dog swims"], id=["1"]) == [leaking + 3]
