"""GRC and QIR against hand-worked cases, an independent float64 computation, and their properties."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cim.rewards.identity import grc, identity_reward, qir


def unit(rng: np.random.Generator, *shape: int) -> np.ndarray:
    vectors = rng.normal(size=shape)
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def reference(source, retrieved, beta, decay):
    """The published formula, one caption and one rank at a time, in float64."""
    rows = []
    for e, found in zip(source.astype(np.float64), retrieved.astype(np.float64), strict=True):
        consistency = np.linalg.norm(np.mean(found, axis=0))
        relevance = sum(decay**r * float(np.dot(e, x)) for r, x in enumerate(found))
        rows.append((consistency, relevance, consistency + beta * relevance))
    return np.array(rows).T


X, Y = [1.0, 0.0], [0.0, 1.0]
HAND = [
    # identical to the source: |mean| = 1; 1 + 1/2 + 1/4 = 1.75, the maximum 2 - 2^(1-3)
    (X, [X, X, X], 1.0, 1.75),
    # mean (2/3, 1/3): sqrt(5)/3; 1 + 0 + 1/4
    (X, [X, Y, X], 5**0.5 / 3, 1.25),
    # mean (1/2, 1/2): sqrt(1/2); 0 + 1/2
    (X, [Y, X], 0.5**0.5, 0.5),
    # opposite directions cancel: 0; 1 - 1/2
    (X, [X, [-1.0, 0.0]], 0.0, 0.5),
    # one item: its own norm; cos 60 degrees... (0.6, 0.8) . (1, 0) = 0.6
    (X, [[0.6, 0.8]], 1.0, 0.6),
]


@pytest.mark.parametrize(("source", "retrieved", "consistency", "relevance"), HAND)
@pytest.mark.parametrize("make", [lambda v: np.array([v]), lambda v: torch.tensor([v])], ids=["numpy", "torch"])
def test_hand_computed(make, source, retrieved, consistency, relevance):
    reward = identity_reward(make(source), make(retrieved))
    assert float(reward.grc[0]) == pytest.approx(consistency, abs=1e-7)
    assert float(reward.qir[0]) == pytest.approx(relevance, abs=1e-7)
    assert float(reward.total[0]) == pytest.approx(consistency + relevance, abs=1e-7)


def test_parity_with_float64_on_a_thousand_random_cases():
    rng = np.random.default_rng(0)
    for _ in range(1000):
        b, k, d = int(rng.integers(1, 5)), int(rng.integers(1, 51)), int(rng.integers(2, 257))
        beta, decay = float(rng.uniform(0, 3)), float(rng.uniform(0.05, 1))
        source, retrieved = unit(rng, b, d).astype(np.float32), unit(rng, b, k, d).astype(np.float32)
        found = identity_reward(source, retrieved, beta, decay)
        both = identity_reward(torch.from_numpy(source), torch.from_numpy(retrieved), beta, decay)
        expected = reference(source, retrieved, beta, decay)
        for name, values in zip(("grc", "qir", "total"), expected, strict=True):
            np.testing.assert_allclose(getattr(found, name), values, atol=1e-5, rtol=0)
            np.testing.assert_allclose(getattr(both, name).numpy(), getattr(found, name), atol=1e-6, rtol=0)


def test_default_is_the_published_formula():
    rng = np.random.default_rng(1)
    source, retrieved = unit(rng, 8, 32), unit(rng, 8, 3, 32)
    expected = reference(source, retrieved, 1.0, 0.5)
    np.testing.assert_allclose(identity_reward(source, retrieved).total, expected[2], atol=1e-12)


def test_a_mean_qir_is_the_sum_by_the_sum_of_its_weights():
    """At decay 1/2: (1 + 0 + 1/4) / (1 + 1/2 + 1/4) = 5/7. At decay 1, the plain mean: 2/3."""
    source, retrieved = np.array([X]), np.array([[X, Y, X]])
    assert qir(source, retrieved, 0.5, "mean")[0] == pytest.approx(5 / 7)
    assert qir(source, retrieved, 1.0, "mean")[0] == pytest.approx(2 / 3)
    reward = identity_reward(source, retrieved, beta=2.0, scale="mean")
    assert reward.total[0] == pytest.approx(5**0.5 / 3 + 2 * 5 / 7)


@pytest.mark.parametrize("k", [1, 2, 3, 10, 50])
def test_maximum_of_qir(k):
    source = np.array([X])
    assert qir(source, np.tile(source, (1, k, 1)))[0] == pytest.approx(2 - 2 ** (1 - k), abs=1e-12)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "bfloat16"])
def test_kind_and_width_of_the_result(dtype):
    rng = np.random.default_rng(2)
    tensor = torch.from_numpy(unit(rng, 2, 3, 16)).to(getattr(torch, dtype))
    assert grc(tensor).dtype == (torch.float64 if dtype == "float64" else torch.float32)
    if dtype != "bfloat16":
        found = grc(tensor.numpy())
        assert found.dtype == (np.float64 if dtype == "float64" else np.float32)
        np.testing.assert_allclose(found, grc(tensor).numpy(), atol=1e-6)


def test_an_empty_batch_is_an_empty_result():
    assert identity_reward(np.empty((0, 4)), np.empty((0, 3, 4))).total.shape == (0,)


cases = st.builds(
    lambda seed, b, k, d: (np.random.default_rng(seed), b, k, d),
    st.integers(0, 2**32 - 1), st.integers(1, 4), st.integers(1, 12), st.integers(2, 24),
)  # fmt: skip


@settings(deadline=None, max_examples=60)
@given(cases)
def test_grc_is_in_zero_one_and_ignores_order(case):
    rng, b, k, d = case
    retrieved = unit(rng, b, k, d)
    found = grc(retrieved)
    assert ((found >= 0) & (found <= 1 + 1e-12)).all()
    np.testing.assert_allclose(grc(retrieved[:, rng.permutation(k)]), found, atol=1e-12)
    np.testing.assert_allclose(grc(np.repeat(retrieved[:, :1], k, axis=1)), 1, atol=1e-12)


@settings(deadline=None, max_examples=60)
@given(cases, st.floats(0.05, 1))
def test_qir_rises_when_any_retrieved_image_comes_closer(case, decay):
    rng, b, k, d = case
    source, retrieved = unit(rng, b, d), unit(rng, b, k, d)
    closer = retrieved.copy()
    rank = int(rng.integers(k))
    moved = closer[:, rank] + 0.5 * source
    closer[:, rank] = moved / np.linalg.norm(moved, axis=-1, keepdims=True)
    assert (qir(source, closer, decay) >= qir(source, retrieved, decay) - 1e-12).all()


@settings(deadline=None, max_examples=60)
@given(cases, st.floats(0.05, 1))
def test_each_rank_counts_decay_times_the_one_before(case, decay):
    rng, b, k, d = case
    source, retrieved = unit(rng, b, d), unit(rng, b, k, d)
    np.testing.assert_allclose(
        qir(source, retrieved, decay),
        qir(source, retrieved[:, :1], decay) + (decay * qir(source, retrieved[:, 1:], decay) if k > 1 else 0),
        atol=1e-12,
    )


def test_shape_errors_name_both_shapes():
    with pytest.raises(ValueError, match=r"\(2, 5\) and retrieved \(2, 3, 4\)"):
        qir(np.ones((2, 5)) / 5**0.5, np.ones((2, 3, 4)) / 2)
    with pytest.raises(ValueError, match=r"\(2, 4\); expected \(b, k, d\)"):
        grc(np.ones((2, 4)) / 2)
    with pytest.raises(ValueError, match="k and d at least 1"):
        grc(np.ones((2, 0, 4)))


@pytest.mark.parametrize("scale", [0.0, 0.9, 1.1, np.nan])
def test_vectors_that_are_not_unit_are_refused_with_both_numbers(scale):
    good = np.array([[X, Y]])
    bad = good.copy()
    bad[0, 1] *= scale
    with pytest.raises(ValueError, match=r"retrieved holds a vector of norm .*; expected 1 within 0.01"):
        grc(bad)
    with pytest.raises(ValueError, match="source holds a vector"):
        qir(np.array([X]) * scale, good)


def test_libraries_are_not_mixed_and_decay_is_checked():
    with pytest.raises(ValueError, match="both of one library"):
        qir(torch.tensor([X]), np.array([[X]]))
    with pytest.raises(ValueError, match=r"decay is 0"):
        qir(np.array([X]), np.array([[X]]), decay=0)


def test_alpha_weighs_grc_alone():
    # One source, one image, the same vector: GRC = 1, QIR = 1; 0.5 * 1 + 2 * 1 = 2.5, and 2 without GRC.
    source, retrieved = np.array([[1.0, 0.0]]), np.array([[[1.0, 0.0]]])
    assert identity_reward(source, retrieved, beta=2, alpha=0.5).total == pytest.approx([2.5])
    assert identity_reward(source, retrieved, beta=2, alpha=0).total == pytest.approx([2.0])
