"""A rollout in pieces is the same rollout, and looks at each of its pictures once."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from rollouts import CountedLookup, CountedProcessor, greedy_rollout, params, trainer

from cim.params import Rollout
from cim.shards.read import ImageLookup
from cim.tuning.grpo import prompt_rows


@pytest.mark.parametrize(
    ("batch", "calls"),
    [(6, [6, 6, 4]), (100, [16]), (1, [1] * 16)],
    ids=["across groups", "more than there are", "one by one"],
)
def test_greedy_captions_are_those_of_one_call(
    scene: tuple[Path, list[str], ImageLookup], tmp_path: Path, batch: int, calls: list[int]
) -> None:
    """4 images x 4 captions: 16, of which no generate call held more than `batch`."""
    whole, held = greedy_rollout(*scene, None, tmp_path / "whole")
    assert held == [16]
    pieces, held = greedy_rollout(*scene, batch, tmp_path / "pieces")
    assert held == calls
    assert pieces == whole
    assert len({tuple(caption) for caption in whole}) > 1


@pytest.mark.parametrize(
    ("batch", "shape"),
    [(None, {}), (3, {"micro_batch": 1}), (None, {"micro_batch": 2, "updates_per_rollout": 2})],
    ids=["whole", "pieces", "two updates on one rollout"],
)
def test_a_picture_is_decoded_and_processed_once_a_rollout(
    scene: tuple[Path, list[str], ImageLookup], tmp_path: Path, batch: int | None, shape: dict[str, Any]
) -> None:
    """4 images, 2 an update, 4 updates: 8 of them, each image twice, whatever the size of forward passes and pieces.

    TRL alone decodes 8 captions in each of 4 rollouts' micro-batches: 8 * 8 * 4 times with micro-batches of 1.
    """
    base, ids, images = scene
    lookup = CountedLookup(images)
    rows = prompt_rows(ids, ["Say."], lookup, seed=0)  # type: ignore[arg-type]
    one = trainer(base, rows, params(steps=4, rollout=Rollout(batch=batch), **shape), tmp_path, CountedProcessor)
    counted = one.processing_class.image_processor
    one.train()
    assert Counter(lookup.asked) == dict.fromkeys(ids, 2)
    # One call more, with the first two pictures: does it make of two what it makes of each?
    assert sorted(counted.calls) == [1] * 8 + [2]
    assert one.processing_class.image_processor is counted


def test_the_processor_is_itself_again_after_a_rollout_that_failed(
    scene: tuple[Path, list[str], ImageLookup], tmp_path: Path
) -> None:
    base, ids, images = scene
    rows = prompt_rows(ids, ["Say."], images, seed=0)
    one = trainer(base, rows, params(), tmp_path, CountedProcessor)
    counted = one.processing_class.image_processor
    one.reward_funcs = [lambda **_: 1 / 0]
    with pytest.raises(ZeroDivisionError):
        one._generate_and_score_completions([rows[0]] * 4)
    assert one.processing_class.image_processor is counted
