"""A reward function a term: one retrieval a batch, None where a caption lacks the term, shares logged once."""

from typing import Any

import pytest
from test_rewards_trl import LengthRetriever, call

from cim.params import Reward, Tune
from cim.params.guards import Guards
from cim.rewards.functions import reward_functions, term_weights
from cim.rewards.trl import TrlReward

GUARDS = Guards(**dict.fromkeys(Guards.model_fields) | {"unscorable": {}, "length": {}})
REWARD = Reward(alpha=0.5, beta=2, guards=GUARDS)


def functions(retriever: LengthRetriever, aggregation: str) -> Any:
    tune = Tune(
        reward=REWARD, steps=1, prompts_per_step=1, max_new_tokens=1, learning_rate=1, validate_every=1,
        multi_objective_aggregation=aggregation,
    )  # fmt: skip
    return reward_functions(TrlReward(retriever), tune)


def test_one_function_where_the_sum_is_normalized() -> None:
    assert isinstance(functions(LengthRetriever(GUARDS), "sum_then_normalize"), TrlReward)


def test_terms_of_a_batch_are_scored_once() -> None:
    retriever = LengthRetriever(GUARDS)
    terms = functions(retriever, "normalize_then_sum")
    assert [term.__name__ for term in terms] == list(term_weights(REWARD)) == ["grc", "qir", "unscorable", "length"]
    assert list(term_weights(REWARD).values())[:2] == [0.5, 2]
    logged: list[str] = []
    prompts = [[{"role": "user", "content": "describe"}]] * 4
    completions = [[{"role": "assistant", "content": text}] for text in ("a red dog", "dog", " ", "a dog")]
    asked = {"prompts": prompts, "completions": completions, "completion_ids": [[1]] * 4}
    found = [
        term(**asked, id=["1", "2", "3", "gone"], log_metric=lambda name, value: logged.append(name)) for term in terms
    ]
    assert retriever.batches == 1
    # GRC is a tenth of the length, QIR 0.25; the blank one has none; "dog" and " " are too short; no vector: nothing.
    assert found == [
        [pytest.approx(0.9), pytest.approx(0.3), None, None],
        [0.25, 0.25, None, None],
        [0, 0, -1, None],
        [0, -1, -1, None],
    ]
    assert logged == ["unscorable_share", "repetition_share"] * 4


def test_the_next_batch_is_another_even_if_it_says_the_same() -> None:
    retriever = LengthRetriever(GUARDS)
    for term in (terms := functions(retriever, "normalize_then_sum")) + terms:
        call(term, ["abc"], ["1"])  # in lists of its own each time
    assert retriever.batches == 8
