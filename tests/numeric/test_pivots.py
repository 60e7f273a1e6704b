"""Intervals of effects whose scale is estimated: the plain t where it is not, never another verdict on zero."""

import numpy as np
import pytest
from scipy import stats

from microresearch.errors import DataError
from microresearch.numeric.moments import GroupMoments
from microresearch.numeric.pivots import scaled_interval
from microresearch.numeric.variance import ratio_interval, ratio_pivots


@pytest.mark.parametrize("covariate", [False, True])
def test_pivots_are_the_exact_interval_at_every_level(covariate):
    rng = np.random.default_rng(5)
    sizes = rng.integers(2, 30, 24)
    groups = GroupMoments(sizes, rng.normal(0, 0.4, 24), rng.chisquare(sizes - 1))
    design = np.column_stack([np.ones(24), rng.normal(size=24)])[:, : 1 + covariate]
    for confidence in (0.5, 0.8, 0.95, 0.99):
        tail = (1 - confidence) / 2
        ours = ratio_pivots(groups, design, np.array([tail, 1 - tail]))
        np.testing.assert_allclose(ours, ratio_interval(groups, design, confidence), rtol=1e-9, atol=1e-12)


def test_a_known_scale_leaves_the_t_interval():
    half = stats.t.ppf(0.975, 17.5) * 0.3
    np.testing.assert_allclose(scaled_interval(0.4, 0.3, 17.5, np.ones(7), 0.95), (0.4 - half, 0.4 + half), rtol=1e-9)


def test_an_open_scale_widens_and_agrees_with_the_test_on_zero():
    factors = np.exp(np.random.default_rng(1).normal(0, 0.5, 100))
    for t in np.linspace(-4, 4, 33):
        low, high = scaled_interval(t * 0.2, 0.2, 12, factors, 0.95)
        p = 2 * stats.t.sf(abs(t), 12)
        assert (low > 0 or high < 0) == (p < 0.05)
        mirrored = scaled_interval(-t * 0.2, 0.2, 12, factors, 0.95)
        np.testing.assert_allclose(mirrored, (-high, -low), rtol=1e-7, atol=1e-9)


def test_mixing_equals_drawing():
    factors = np.array([0.7, 1.0, 1.6, 2.5])
    rng = np.random.default_rng(2)
    draws = (1.0 + 0.4 * rng.standard_t(9, 400_000)) * np.tile(factors, 100_000)
    np.testing.assert_allclose(scaled_interval(1.0, 0.4, 9, factors, 0.9), np.quantile(draws, [0.05, 0.95]), atol=0.03)


def test_infinite_factors_are_bounded_or_refused():
    few = np.append(np.ones(99), np.inf)
    low, high = scaled_interval(1.0, 0.1, 30, few, 0.95)
    assert 0 < low < 1 < high < 2
    with pytest.raises(DataError, match="not bounded away from zero"):
        scaled_interval(1.0, 0.1, 30, np.append(np.ones(9), np.inf), 0.95)
