"""A captioner in a folder asked by a refiner, and one whose likelihoods rate sentences."""

from typing import Any

import pytest
from tiny_scene import Scene, make_scene

from cim.params.refine_models import LocalLooker, SentenceFilter
from cim.refine.base import Bill
from cim.refine.local_looker import CaptionerLooker
from cim.refine.rating import ContrastiveRater, Rated


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return make_scene(tmp_path_factory.mktemp("scene"))


def image(scene: Scene, at: int = 0) -> bytes:
    return scene[2][scene[1][at]]


def test_one_prompt_is_answered_anew_and_a_resumed_run_draws_the_same(scene: Scene) -> None:
    settings = LocalLooker(kind="local", folder=str(scene[0]), device="cpu", max_new_tokens=8)
    looker, bill = CaptionerLooker(settings), Bill()
    said = looker.look(image(scene), ["Describe."] * 4, bill)
    assert len(set(said)) > 1
    assert bill.tokens > 0
    assert looker.look(image(scene), ["Other.", "Describe.", "Describe."], Bill())[1:] == said[:2]
    assert looker.look(image(scene, 1), ["Describe."] * 4, Bill()) != said
    greedy = CaptionerLooker(settings.model_copy(update={"temperature": 0.0}))
    assert len(set(greedy.look(image(scene), ["Describe."] * 2, Bill()))) == 1
    assert looker.identity() != greedy.identity()


@pytest.mark.parametrize("by", ["mean", "max"])
def test_sentences_below_the_least_gain_are_dropped(scene: Scene, by: Any) -> None:
    def rated(least: float) -> Rated:
        params = SentenceFilter(folder=str(scene[0]), device="cpu", by=by, min_gain=least)
        (found,) = ContrastiveRater(params).rate(image(scene), ["Describe."], ["Two stars. A red circle."])
        return found

    assert rated(-100.0) == Rated("Two stars. A red circle.", [])
    none = rated(100.0)
    assert (none.text, [one["sentence"] for one in none.dropped]) == ("", ["Two stars.", "A red circle."])
    low, high = sorted(one["gain"] for one in none.dropped)
    between = rated((low + high) / 2)
    assert between.text == max(none.dropped, key=lambda one: one["gain"])["sentence"]
    assert len(between.dropped) == 1
