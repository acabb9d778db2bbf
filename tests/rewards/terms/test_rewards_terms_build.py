"""Terms as a whole: which are imported, what they add to the total, what becomes of a caption that lacks one."""

import subprocess
import sys
from types import SimpleNamespace

import pytest
from test_rewards_trl import LengthRetriever, call, logged

from cim.fingerprint import fingerprint
from cim.params import Reward, Tune
from cim.params.guards import Guards
from cim.params.terms import Terms
from cim.rewards.functions import reward_functions, term_weights
from cim.rewards.terms.build import MAKERS, OpenTerms
from cim.rewards.trl import TrlReward


class Letters:
    """The number of letters "x" in a caption; None for "?". Keeps the steps it was asked at, and the captions."""

    def __init__(self):
        self.steps, self.asked = [], []

    def __call__(self, batch):
        self.steps.append(batch.step)
        self.asked += batch.captions
        return [None if "?" in text else float(text.count("x")) for text in batch.captions]


def rewarding(guards=None):
    term = Letters()
    return TrlReward(LengthRetriever(guards), terms=OpenTerms({"letters": (term, 0.5)})), term


def test_a_term_is_added_by_its_weight():
    reward, term = rewarding()
    # GRC is a tenth of the length, beta * QIR 0.5; two x of weight 0.5 are 1.
    assert call(reward, ["axx", "a"], ["1", "1"]) == pytest.approx([0.3 + 0.5 + 1, 0.1 + 0.5])
    assert term.steps == [1]  # as the trainer's state says in `call`


def test_only_captions_that_are_scored_are_asked_about():
    reward, term = rewarding(Guards(**dict.fromkeys(Guards.model_fields) | {"unscorable": {}}))
    assert call(reward, ["x", " ", "x"], ["1", "1", "gone"]) == [pytest.approx(0.1 + 0.5 + 0.5), -3, None]
    assert term.asked == ["x"]
    found = logged(reward, ["x", "?", " "], ["1", "2", "3"])
    assert found["rewards/letters/mean"] == 1
    assert found["rewards/letters/unscorable_share"] == 0.5  # of the two that were asked about
    assert found["unscorable_share"] == pytest.approx(1 / 3)


def test_a_caption_that_alone_lacks_a_term_teaches_nothing():
    reward, _ = rewarding()
    # Image 1: the second has no total, as the first can't be compared with it. Image 2: no caption has the term.
    assert call(reward, ["xx", "?"], ["1", "1"]) == [pytest.approx(0.2 + 0.5 + 1), None]
    assert call(reward, ["?", "??"], ["2", "2"]) == pytest.approx([0.1 + 0.5, 0.2 + 0.5])


def test_failing_hides_no_fault():
    reward, _ = rewarding(Guards(**dict.fromkeys(Guards.model_fields) | {"length": {}}))
    honest, cheating = call(reward, ["a red xx", "??????"], ["1", "1"])
    assert honest == pytest.approx(0.8 + 0.5 + 1)
    assert cheating == pytest.approx(0.6 + 0.5 - 3)  # one word is too short


def test_normalized_apart_a_term_is_a_function_of_its_own():
    params = Reward(guards=Guards.off(), terms={"self_retrieval": {"weight": 2.0}})
    assert term_weights(params) == {"grc": 1, "qir": 1, "self_retrieval": 2}
    reward, term = rewarding()
    tune = Tune(
        reward=params, steps=1, prompts_per_step=1, max_new_tokens=1, learning_rate=1, validate_every=1,
        multi_objective_aggregation="normalize_then_sum",
    )  # fmt: skip
    functions = reward_functions(reward, tune)
    assert [one.__name__ for one in functions] == ["grc", "qir", "self_retrieval"]
    state = SimpleNamespace(global_step=7)
    functions[0](prompts=["p"], completions=["x"], id=["1"], trainer_state=state)
    assert term.steps == [7]


def test_params_without_terms_are_those_of_before():
    plain = Reward()
    assert "terms" not in plain.model_dump(mode="json")
    assert fingerprint(plain) == fingerprint(Reward.model_validate({"terms": {}}))
    named = Reward.model_validate({"terms": {"self_retrieval": {"weight": 1.0}}})
    assert fingerprint(named) != fingerprint(plain)
    assert Reward.model_validate_json(named.model_dump_json()) == named


def test_every_term_of_params_has_its_line():
    assert set(MAKERS) == set(Terms.model_fields)


ASKED = {"weight": 1.0, "questions": {"kind": "scenes"}}


@pytest.mark.parametrize(
    ("terms", "there"),
    [({}, set()), ({"self_retrieval": {"weight": 1.0}}, {"self_retrieval"}), ({"answers": ASKED}, {"answers"})],
)
def test_nothing_is_imported_that_params_do_not_name(terms, there):
    lines = (
        "import sys, cim.rewards.trl, cim.rewards.functions\n"
        "from cim.params.terms import Terms\n"
        "from cim.rewards.terms.build import MAKERS, OpenTerms\n"
        "from cim.rewards.terms.workspace import Workspace\n"
        "from cim.layout import Layout\n"
        f"OpenTerms.of(Terms.model_validate({terms!r}), Workspace(Layout()))\n"
        "print(*(name for name in MAKERS if f'cim.rewards.terms.{name}' in sys.modules))\n"
        "assert not {'torch', 'transformers', 'httpx', 'huggingface_hub'} & set(sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", lines], capture_output=True, text=True, check=True)
    assert set(found.stdout.split()) == there
