"""Drawn vectors are like the real ones that they were fitted to, and Gaussian ones are not."""

import numpy as np
import pytest

from benchmarks.reward.synthetic_embeddings import CaptionProcess, Vectors, fit
from benchmarks.reward.vector_statistics import Likeness

ROWS, OWN, DIM = 900, 48, 64

TOLERANCES = {
    "pair": 0.03,
    "pair_spread": 0.03,
    "nearest": 0.02,
    "nearest_low": 0.1,
    "tenth": 0.06,
    "top8": 0.05,
    "top32": 0.05,
    "listed": 0.05,
    "linked": 0.05,
}


def unit(vectors: Vectors) -> Vectors:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def misses(wanted: Vectors, found: Vectors) -> list[str]:
    one, other = Likeness.of(wanted), Likeness.of(found)
    return [name for name, most in TOLERANCES.items() if abs(getattr(one, name) - getattr(other, name)) > most]


@pytest.fixture(scope="module")
def real() -> Vectors:
    """Made unlike the process: scenes of a few words from lists, a caption a sum of its words', and some noise."""
    rng = np.random.default_rng(3)
    words = rng.standard_normal((4, 12, OWN)) * np.linspace(2, 0.2, OWN)
    often = 1 / np.arange(1, 13)
    chosen = rng.choice(12, size=(ROWS, 4), p=often / often.sum())
    said = sum(words[slot, chosen[:, slot]] * (1.5, 1.2, 1.0, 0.5)[slot] for slot in range(4))
    return unit(said + 0.5 * rng.standard_normal((ROWS, OWN)) * np.linspace(2, 0.2, OWN) + words[0, 0] * 0.3)


@pytest.fixture(scope="module")
def process(real: Vectors) -> CaptionProcess:
    return fit(real, DIM)


class TestProcess:
    def test_as_many_are_like_the_real(self, real: Vectors, process: CaptionProcess) -> None:
        assert misses(real, process.draw(ROWS, seed=1)) == []

    def test_so_is_a_sample_of_many_more(self, real: Vectors, process: CaptionProcess) -> None:
        assert misses(real, process.draw(10_000, seed=2)[:ROWS]) == []

    def test_gaussian_vectors_are_not(self, real: Vectors) -> None:
        gaussian = unit(np.random.default_rng(0).standard_normal((ROWS, DIM)))
        assert {"nearest", "tenth", "pair_spread", "top8", "listed", "linked"} <= set(misses(real, gaussian))

    def test_unit_length_and_a_seed(self, process: CaptionProcess) -> None:
        drawn = process.draw(500, seed=5)
        assert drawn.shape == (500, DIM)
        np.testing.assert_allclose(np.linalg.norm(drawn, axis=1), 1, atol=1e-5)
        assert (drawn == process.draw(500, seed=5)).all()
        assert (drawn != process.draw(500, seed=6)).any()

    def test_blocks_hold_the_rows_asked_for(self, process: CaptionProcess) -> None:
        blocks = list(process.blocks(1000, seed=1))
        assert sum(map(len, blocks)) == 1000
        assert len(blocks) > 10  # a cluster each: never all of them in memory

    def test_lifted_vectors_keep_their_cosines_and_lie_among_the_drawn(
        self, real: Vectors, process: CaptionProcess
    ) -> None:
        lifted = process.lift(real)
        np.testing.assert_allclose(lifted @ lifted.T, real @ real.T, atol=1e-5)
        near = (lifted @ process.draw(ROWS, seed=1).T).max(axis=1).mean()
        far = (unit(np.random.default_rng(0).standard_normal((ROWS, DIM))) @ lifted.T).max(axis=1).mean()
        assert near > far + 0.2

    def test_more_dimensions_and_fewer_rows_than_that_are_refused(self, real: Vectors) -> None:
        with pytest.raises(ValueError, match="at most 32 columns"):
            fit(real, 32)
        with pytest.raises(ValueError, match="at least 40 rows"):
            fit(real[:20], DIM)


class TestLikeness:
    def test_orthogonal_pairs_of_twins(self) -> None:
        """60 directions, two vectors on each: nearest 1, every other cosine 0.

        Of 120 * 119 / 2 = 7140 pairs 60 are twins: mean 60 / 7140. The mean vector has 1/60 everywhere, so the
        covariance leaves 59 equal variances: effective rank 59, 8 of them hold 8/59.
        """
        found = Likeness.of(np.repeat(np.eye(60, dtype=np.float32), 2, axis=0))
        assert found.nearest == pytest.approx(1)
        assert found.third == pytest.approx(0)
        assert found.pair == pytest.approx(60 / 7140, abs=1e-6)
        assert found.rank == pytest.approx(59, rel=1e-3)
        assert found.top8 == pytest.approx(8 / 59, rel=1e-3)
