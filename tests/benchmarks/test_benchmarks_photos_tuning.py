"""The pure parts of the trials on photos: blocks that captions are looked for among, and the cells of the table."""

from argparse import Namespace
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.ablation.variants import Variant
from benchmarks.photos_tuning import judge
from benchmarks.photos_tuning.__main__ import folders
from benchmarks.photos_tuning.best_of import Best, within
from benchmarks.photos_tuning.judge import agreements, measurements, ranks_in_blocks
from benchmarks.photos_tuning.run import CPU, cpu_seconds
from benchmarks.photos_tuning.table import absolute, against, changed
from benchmarks.photos_tuning.trials import FIRST, TRIALS, trained_alike
from cim.atomic import write_json
from cim.graphs.graph import TextGraph
from cim.graphs.phrases import Phrases
from cim.metrics.measurements import Measurements
from cim.params.tune import Tune
from cim.params.yaml import read_yaml

SAID = ["a dog runs in the snow", "a man rides a bike", "a girl sits on a bench", "two boys play ball"]


def measured(found_at: list[float], captions: list[str] = SAID) -> Measurements:
    count = len(captions)
    both = np.stack([found_at, found_at], axis=1)
    return measurements(captions, [[caption] for caption in SAID[:count]], both, [False] * count)


def test_a_caption_is_looked_for_in_its_own_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judge, "AMONG", 2)
    images = np.eye(4, dtype=np.float32)
    # The first says the third photo, which is in the other block: both of its own are alike far, so it is second (a
    # tie counts as closer). The second says its neighbour's photo, the last two their own.
    captions = images[[2, 0, 2, 3]]
    # By their photos: nobody says the second one, its own caption is as far as the other; the first one's caption is
    # behind the second's, which says it.
    assert ranks_in_blocks(captions, images).tolist() == [[2, 2], [2, 2], [1, 1], [1, 1]]


def test_a_row_has_shares_in_points_and_intervals_over_photos() -> None:
    base, tuned = measured([20, 20, 20, 20]), measured([1, 1, 5, 5])
    # R@1 rises for two photos of four, R@10 for all, whichever are drawn; captions stay the same.
    cells = against(base, [tuned], bootstrap=200).split(" | ")
    assert cells[0] == "+50.0 (+0.0 to +100.0)"  # one draw of sixteen has none of the two, one has only them
    assert cells[1] == "**+100.0** (+100.0 to +100.0)"
    assert cells[2:4] == cells[:2]  # image to text: the same ranks here
    assert cells[4] == "+0.000 (+0.000 to +0.000)"
    assert cells[8:] == ["5.2", "4"]  # (6 + 5 + 6 + 4) / 4 = 5.25
    assert absolute(tuned).split(" | ")[:2] == ["50.0", "100.0"]


def test_seeds_count_as_their_mean_photo_by_photo() -> None:
    base, one, two = measured([20] * 4), measured([1, 1, 20, 20]), measured([20, 20, 1, 1])
    # Each photo is found first by one of two seeds: 50 points whichever photos are drawn, no spread at all.
    assert against(base, [one, two], bootstrap=100).startswith("**+50.0** (+50.0 to +50.0)")


class Words:
    """A parser by hand: every word of more than three letters is an object."""

    def parse(self, captions: Sequence[str]) -> list[TextGraph]:
        return [TextGraph(tuple(sorted(word for word in text.split() if len(word) > 3))) for text in captions]


def test_precision_is_of_all_claims_against_the_references() -> None:
    phrases = Phrases(lambda texts: np.eye(len(texts), dtype=np.float32))
    found = agreements(["horse under trees", "horse"], [["horse trees"], ["dogs here"]], Words(), phrases)
    base = replace(measured([1, 1], ["horse under trees", "horse"]), referenced=found)
    # Claims: horse, trees (true), under (not); horse (not). Two of four.
    assert absolute(base).split(" | ")[7] == "50.0"


def test_changes_are_named_as_in_the_params() -> None:
    assert changed({"tune.reward.k": 50, "tune.kl": 0.0}) == "k 50, kl 0.0"
    assert all(name.startswith(("tune.", "index.")) for changes in TRIALS.values() for name in changes)


def test_each_seed_has_a_folder_of_its_own(tmp_path: Path) -> None:
    options = Namespace(work=tmp_path, seeds=[0, 2])
    assert folders(options, "paper") == {0: tmp_path / "paper", 2: tmp_path / "paper-s2"}


def test_the_profile_is_the_trial_that_was_chosen(root: Path) -> None:
    profile = read_yaml(root / "profiles/photos.yaml")
    changes = {**FIRST, **TRIALS["qir-self-retrieval-longer-0.5"]}
    before = deepcopy(changes)
    chosen = Variant((), changes).params(profile)
    assert Tune.model_validate(chosen["tune"]) == Tune.model_validate(profile["tune"])
    assert changes == before


def test_another_interpolation_trains_nothing() -> None:
    assert trained_alike("self-retrieval-0.5") == "self-retrieval"
    assert trained_alike("self-retrieval") is None
    assert trained_alike("paper") is None


def test_seconds_are_none_before_a_trial_began(tmp_path: Path) -> None:
    assert cpu_seconds(tmp_path) == 0
    write_json(tmp_path / CPU, 12.5)
    assert cpu_seconds(tmp_path) == 12.5


def test_agreement_is_within_a_photo() -> None:
    # The first photo's samples are in one order by both, the second's in opposite ones, the third's are all alike.
    scores, values = np.array([[1.0, 2, 3], [1, 2, 3], [5, 5, 5]]), np.array([[7.0, 8, 9], [9, 8, 7], [1, 2, 3]])
    assert within(scores, values) == pytest.approx(0)
    assert within(scores[:1], values[:1]) == pytest.approx(1)
    assert np.isnan(within(scores[2:], values[2:]))


def test_the_best_of_a_photo_is_shown() -> None:
    best = Best(ranks=np.array([[1.0, 50], [20, 5]]), cider=np.array([[0.5, 0.1], [0.2, 0.4]]))
    assert best.row("all", None) == "| all | 25.0 | 50.0 | 0.300 |  |  |"
    # The first of the first photo and the second of the second, as rank and CIDEr-D would have it.
    assert best.row("by score", np.array([[2.0, 1], [1, 2]])) == "| by score | 50.0 | 100.0 | 0.450 | 1.00 | 1.00 |"
