"""The training reward: by hand, and as weighted terms of their own would add up."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cim.params.guards import Guards
from cim.params.tune import Reward
from cim.records import IdentityScore
from cim.rewards.guards.base import GeneratedCaption, judge
from cim.rewards.guards.build import build_guards
from cim.rewards.identity import identity_reward
from cim.rewards.retriever import NO_VECTOR, Unscorable
from cim.rewards.training_reward import NO_TERMS, Penalty, TrainingReward, training_rewards

EMPTY = Unscorable("empty after cleaning")


def guards_on(**weights):
    """Those guards, the others off."""
    fields = Guards.model_fields
    return Guards(**{name: {"weight": weights[name]} if name in weights else None for name in fields})


def rewarded(said, outcomes, params):
    return training_rewards(said, outcomes, params, build_guards(params.guards, [9]))


def test_a_scored_caption_gets_its_score_less_what_guards_take():
    # "dog dog dog" tells three words: 0 by length. 0 by tokens, whose 9 was not generated; -1 where it was.
    params = Reward(guards=guards_on(length=2.0, tokens=4.0))
    said = [
        GeneratedCaption("dog dog dog"),
        GeneratedCaption("dog dog dog", tokens=[1, 9]),
        GeneratedCaption("dog", tokens=[9]),
    ]
    honest, leaking, both = rewarded(said, [IdentityScore(0.75, 1.5, 2.25, (), (), ())] * 3, params)
    assert honest == TrainingReward(2.25, 0.75, 1.5, (Penalty("length", 0, 2), Penalty("tokens", 0, 4)))
    assert honest.faults == ()
    assert leaking.total == 2.25 - 4
    assert leaking.faults == (Penalty("tokens", -1, 4),)
    assert both.total == 2.25 - 4 - 2  # one word is too short
    assert both.terms() == {"grc": 0.75, "qir": 1.5, "length": -1, "tokens": -1}


def test_an_unscorable_caption_gets_penalties_alone():
    params = Reward(guards=guards_on(unscorable=3.0, length=2.0))
    empty, failed = rewarded([GeneratedCaption(""), GeneratedCaption("a dog swims")], [EMPTY, EMPTY], params)
    assert empty == TrainingReward(-3 - 2, None, None, (Penalty("unscorable", -1, 3), Penalty("length", -1, 2)))
    assert (failed.total, failed.terms()) == (-3, {"unscorable": -1, "length": 0})
    (lenient,) = rewarded([GeneratedCaption("a dog swims")], [EMPTY], Reward(guards=guards_on(length=2.0)))
    assert lenient.total == 0  # its penalty is a term, if of 0


def test_without_any_term_there_is_no_total():
    params = Reward(guards=guards_on(unscorable=3.0, length=2.0))
    score = IdentityScore(0.5, 0.5, 1.0, (), (), ())
    # No caption of the second image can be scored: "" would be punished for what is not its fault.
    found = rewarded(
        [GeneratedCaption("a dog swims"), GeneratedCaption(""), GeneratedCaption("")], [score, NO_VECTOR, EMPTY], params
    )
    assert [one.total for one in found] == [1, None, -5]
    assert found[1] == NO_TERMS
    assert found[1].terms() == {}
    alone = rewarded([GeneratedCaption("a dog"), GeneratedCaption("")], [score, EMPTY], Reward(guards=Guards.off()))
    assert [one.total for one in alone] == [1, None]


def test_captions_and_outcomes_are_as_many():
    with pytest.raises(ValueError, match="shorter"):
        rewarded([GeneratedCaption("a dog"), GeneratedCaption("a cat")], [EMPTY], Reward(guards=Guards.off()))


def term_by_term(said, outcomes, params):
    """As TRL (1.16) adds up a reward function for each term: weighted, None left out, None where every one is None."""
    columns = [
        (params.alpha, [one.grc if isinstance(one, IdentityScore) else None for one in outcomes]),
        (params.beta, [one.qir if isinstance(one, IdentityScore) else None for one in outcomes]),
    ]
    known = [one != NO_VECTOR for one in outcomes]
    if params.guards.unscorable is not None:
        values = [-1.0 if isinstance(one, Unscorable) else 0.0 for one in outcomes]
        columns.append((params.guards.unscorable.weight, values))
    for guard, weight in build_guards(params.guards, [9]).values():
        columns.append((weight, judge(guard, said)))
    rows = []
    for place, one in enumerate(known):
        parts = [weight * column[place] for weight, column in columns if column[place] is not None]
        rows.append(sum(parts) if parts and one else None)
    return rows


WORDS = ["a", "dog", "swims", "describe", "in", "the", "water", "||", "xzqk"]
captions = st.lists(st.sampled_from(WORDS), max_size=8).map(" ".join)
weights = st.floats(0.1, 5)


@given(
    rows=st.lists(st.tuples(captions, st.booleans(), st.sampled_from(["scored", "empty", "unknown"])), max_size=6),
    on=st.dictionaries(st.sampled_from(sorted({*Guards.model_fields} - {"copied"})), weights, max_size=4),
    alpha=st.floats(0, 2),
    beta=st.floats(0, 2),
    seed=st.integers(0, 99),
)
def test_the_total_is_the_sum_of_weighted_terms(rows, on, alpha, beta, seed):
    params = Reward(alpha=alpha, beta=beta, guards=guards_on(**on))
    said = [GeneratedCaption(text, "describe the dog", [9] if leaks else [1]) for text, leaks, _ in rows]
    vectors = np.random.default_rng(seed).standard_normal((len(rows), 4, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=-1, keepdims=True)
    scores = identity_reward(vectors[:, 0], vectors[:, 1:], beta, params.decay, alpha)
    numbers = zip(scores.grc, scores.qir, scores.total, strict=True)
    kinds = {"empty": EMPTY, "unknown": NO_VECTOR}
    outcomes = [
        kinds.get(kind, IdentityScore(float(grc), float(qir), float(total), (), (), ()))
        for (*_, kind), (grc, qir, total) in zip(rows, numbers, strict=True)
    ]
    found = [one.total for one in rewarded(said, outcomes, params)]
    for mine, theirs in zip(found, term_by_term(said, outcomes, params), strict=True):
        assert (mine is None) == (theirs is None)
        assert mine is None or mine == pytest.approx(theirs, abs=1e-5)  # scores are float32


def test_every_guard_can_be_a_term():
    names = {*Guards.model_fields} - {"copied"}  # which needs a gallery; see test_rewards_copied
    params = Reward(guards=guards_on(**dict.fromkeys(names, 1.0)))
    (found,) = rewarded([GeneratedCaption("a dog swims")], [EMPTY], params)
    assert found.terms().keys() == names
