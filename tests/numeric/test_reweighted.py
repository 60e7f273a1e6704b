import numpy as np
import pytest

from microresearch.errors import DataError
from microresearch.numeric.meta import meta_regression
from microresearch.numeric.moments import GroupMoments
from microresearch.numeric.reweighted import effect_slopes, rating_components, rescaled_weights
from microresearch.numeric.variance import random_intercept


def ratings(seed=1, units=30, hospitals=5):
    rng = np.random.default_rng(seed)
    strata, n = np.arange(units) % hospitals, rng.integers(4, 20, units)
    mean = rng.normal(0, 0.5, units) + strata * 0.1 + rng.normal(0, 0.8, units) / np.sqrt(n)
    ss = 0.64 * rng.chisquare(n - 1)
    return strata, GroupMoments(n, mean, ss), rng.normal(size=(units, 2)), rng


def test_weights_of_one_equal_the_plain_fits():
    strata, groups, x, rng = ratings()
    matrix = np.column_stack([np.eye(5)[strata], x])
    got = rating_components(groups.n.astype(float), groups.mean, groups.ss, np.ones((1, 30)), strata, x)
    want = random_intercept(groups, matrix)
    np.testing.assert_allclose([got.tau2[0], got.sigma2[0]], [want.tau2, want.sigma2], rtol=1e-7)
    np.testing.assert_allclose(got.eb[0], want.predicted, rtol=1e-7, atol=1e-8)
    v, y = rng.uniform(0.01, 0.1, 30), rng.normal(0, 0.4, 30)
    slopes = effect_slopes(y, v, np.ones((1, 30)), strata, x[None])
    meta = meta_regression(y, v, matrix)
    np.testing.assert_allclose(slopes.estimate[0], meta.beta[-1], rtol=1e-7)
    np.testing.assert_allclose(slopes.se[0], np.sqrt(meta.cov[-1, -1]), rtol=1e-7)
    np.testing.assert_allclose([slopes.tau2[0], slopes.df[0]], [meta.tau2, meta.df], rtol=1e-6)


def test_a_weight_of_two_is_the_unit_twice():
    strata, groups, x, rng = ratings(2)
    weights = np.ones((1, 30))
    weights[0, 3], weights[0, 8] = 2, 0
    index = np.array([i for i in range(30) for _ in range(int(weights[0, i]))])
    twice = GroupMoments(groups.n[index], groups.mean[index], groups.ss[index])
    want = random_intercept(twice, np.column_stack([np.eye(5)[strata[index]], x[index]]))
    got = rating_components(groups.n.astype(float), groups.mean, groups.ss, weights, strata, x)
    np.testing.assert_allclose([got.tau2[0], got.sigma2[0]], [want.tau2, want.sigma2], rtol=1e-7)
    v, y = rng.uniform(0.01, 0.1, 30), rng.normal(0, 0.4, 30)
    meta = meta_regression(y[index], v[index], np.column_stack([np.eye(5)[strata[index]], x[index]]))
    slopes = effect_slopes(y, v, weights, strata, x[None])
    np.testing.assert_allclose(
        [slopes.estimate[0], slopes.se[0]], [meta.beta[-1], np.sqrt(meta.cov[-1, -1])], rtol=1e-7
    )


def test_units_without_raters_or_outcome_do_not_count():
    strata, groups, x, rng = ratings(3)
    n = groups.n.astype(float)
    n[4] = 0
    mean, ss = np.where(n > 0, groups.mean, np.nan), np.where(n > 0, groups.ss, 0)
    keep = np.arange(30) != 4
    with_hole = rating_components(n, mean, ss, np.ones((1, 30)), strata, x)
    without = rating_components(n[keep], mean[keep], ss[keep], np.ones((1, 29)), strata[keep], x[keep])
    np.testing.assert_allclose(with_hole.eb[0, keep], without.eb[0], rtol=1e-10)
    v, y = rng.uniform(0.01, 0.1, 30), rng.normal(0, 0.4, 30)
    y[7] = np.nan
    keep = np.arange(30) != 7
    one = effect_slopes(y, v, np.ones((1, 30)), strata, x[None])
    two = effect_slopes(y[keep], v[keep], np.ones((1, 29)), strata[keep], x[None, keep])
    np.testing.assert_allclose(one.estimate, two.estimate, rtol=1e-10)
    with pytest.raises(DataError, match="fewer than three units"):
        rating_components(n * 0, mean, ss, np.ones((1, 30)), strata, x)


def test_rescaled_draws_keep_the_spread():
    """The variance over draws of a mean within strata equals the unbiased textbook variance."""
    strata, rng = np.repeat(np.arange(6), 4), np.random.default_rng(5)
    y = rng.normal(size=24)
    draws = rescaled_weights(strata, 60_000, rng)
    np.testing.assert_allclose(draws.sum(axis=1), 24)
    want = sum(4 * y[strata == s].var(ddof=1) for s in range(6)) / 24**2
    assert (draws @ y / 24).var() == pytest.approx(want, rel=0.03)


def test_no_variance_between_units():
    strata, groups, x, _ = ratings(4)
    flat = GroupMoments(groups.n, np.full(30, 3.0) + 1e-3 * groups.mean, groups.ss)
    got = rating_components(flat.n.astype(float), flat.mean, flat.ss, np.ones((2, 30)), strata, x)
    assert (got.tau2 == 0).all()
    aliased = np.concatenate([x, x[:, :1]], axis=1)[None]
    assert np.isnan(effect_slopes(groups.mean, np.full(30, 0.1), np.ones((1, 30)), strata, aliased).se).all()
