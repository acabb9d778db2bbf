"""The seeded sampler draws from the right distribution and from nothing else."""

import math

import pytest
import torch

from cim.captioners.logits_processors import SeededSampler


def _draw(scores: list[float], temperature: float, rows: int, step: int = 0) -> torch.Tensor:
    sampler = SeededSampler([f"sample {i}" for i in range(rows)], 0, temperature, prompt_length=5, steps=4)
    chosen = sampler(torch.zeros(rows, 5 + step, dtype=torch.long), torch.tensor([scores] * rows))
    assert (chosen.isfinite().sum(dim=1) == 1).all()
    return chosen.argmax(dim=1)


def test_frequencies_follow_the_softmax() -> None:
    # softmax(0, ln 3) = (1/4, 3/4); at temperature 1/2 (1/10, 9/10). 8,000 rows: standard error below 0.005.
    assert abs((_draw([0.0, math.log(3)], 1.0, 8000) == 1).float().mean().item() - 0.75) < 0.02
    assert abs((_draw([0.0, math.log(3)], 0.5, 8000) == 1).float().mean().item() - 0.90) < 0.02


def test_suppressed_tokens_are_never_drawn() -> None:
    drawn = _draw([-math.inf, 0.0, -math.inf, 0.0, -math.inf], 5.0, 4000)
    assert set(drawn.tolist()) == {1, 3}


@pytest.mark.parametrize("u", [0.0, 1 - 2**-24])
def test_the_ends_of_the_unit_interval_are_no_way_to_a_suppressed_token(u: float) -> None:
    sampler = SeededSampler(["a"], 0, 1.0, prompt_length=1, steps=1)
    sampler.uniforms[:] = u
    scores = torch.tensor([[-math.inf, 0.0, -math.inf]])
    assert sampler(torch.zeros(1, 1, dtype=torch.long), scores).argmax() == 1


def test_steps_draw_anew() -> None:
    assert not torch.equal(_draw([0.0] * 8, 1.0, 64, step=0), _draw([0.0] * 8, 1.0, 64, step=1))


def test_a_row_keeps_its_draws_in_any_batch() -> None:
    scores = torch.zeros(1, 50)
    whole = SeededSampler(["a", "b", "c"], 7, 1.0, 3, 2)(torch.zeros(3, 3, dtype=torch.long), scores.repeat(3, 1))
    alone = SeededSampler(["c"], 7, 1.0, 9, 2)(torch.zeros(1, 9, dtype=torch.long), scores)
    assert whole[2].argmax() == alone[0].argmax()
