"""What the report says of the reward."""

import pytest

from cim.params import Reward
from cim.report.build import formula


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
