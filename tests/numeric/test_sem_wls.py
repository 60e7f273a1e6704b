"""Slopes of implied thresholds and correlations, and the sandwich, against finite differences and brute force."""

from dataclasses import replace

import numpy as np
import pytest

from microresearch.numeric.sem_structure import Cell, Structure, implied
from microresearch.numeric.sem_wls import (
    Slopes,
    Statistics,
    discrepancy,
    gradient_and_curvature,
    implied_statistics,
    statistic_slopes,
)
from microresearch.numeric.sem_wls_robust import difference_moments, pair_moments, sandwich, scaled_shifted, spreads


def structure(scaling):
    """Two factors, one of higher order, a shared loading, correlated residuals, means, scales or residual variances."""
    own = "delta" if scaling == "delta" else "theta"
    cells = [Cell("lambda", 0, 0, -1, 1.0), Cell("lambda", 1, 0, 0, 0), Cell("lambda", 2, 1, 1, 0),
             Cell("lambda", 3, 1, 1, 0), Cell("lambda", 2, 0, 2, 0), Cell("beta", 0, 2, -1, 1.0),
             Cell("beta", 1, 2, 3, 0), Cell("psi", 0, 0, 4, 0), Cell("psi", 1, 1, 5, 0), Cell("psi", 2, 2, 6, 0),
             Cell("theta", 1, 0, 7, 0), Cell("alpha", 1, 0, 8, 0), Cell("nu", 2, 0, 9, 0),
             Cell(own, 1, 1 if own == "theta" else 0, 10, 0), Cell(own, 3, 3 if own == "theta" else 0, 11, 0),
             *(Cell("theta", j, j, -1, 1.0) for j in (0, 2) if own == "theta"),
             *(Cell("tau", k, 0, 12 + k, 0) for k in range(8))]  # fmt: skip
    return Structure(4, 3, tuple(cells), np.repeat(np.arange(4), 2), np.ones(4, bool), True, scaling)


def point():
    theta = np.random.default_rng(0).uniform(0.3, 0.6, 20)
    theta[10:12] = 0.9
    theta[12:] = np.tile([-0.5, 0.7], 4)
    return theta


def slope(f, x, h=1e-6):
    return np.array([(f(x + h * e) - f(x - h * e)) / (2 * h) for e in np.eye(len(x))])


@pytest.mark.parametrize("scaling", ["delta", "theta"])
def test_slopes_and_gradient(scaling):
    s, theta = structure(scaling), point()
    found = statistic_slopes(s, implied(s, theta))
    assert found.ids.tolist() == list(range(20))
    expected = slope(lambda t: implied_statistics(s, implied(s, t)), theta)
    np.testing.assert_allclose(found.matrix, expected.T, atol=1e-8)
    rng = np.random.default_rng(1)
    seen = Statistics(100, rng.normal(size=14), rng.uniform(1, 2, 14))
    gradient, curvature = gradient_and_curvature([s, s], [seen, seen], theta)
    np.testing.assert_allclose(gradient, slope(lambda t: discrepancy([s, s], [seen, seen], t), theta), atol=1e-6)
    np.testing.assert_allclose(curvature, 4 * (found.matrix.T * seen.weight) @ found.matrix, atol=1e-10)


@pytest.mark.parametrize("scaling", ["delta", "theta"])
def test_variances_and_scales_belong_together(scaling):
    s, theta = structure(scaling), point()
    at = implied(s, theta)
    np.testing.assert_allclose(at.parts["delta"][:, 0] ** -2, np.diag(at.sigma), rtol=1e-12)
    left = at.parts["left"]
    np.testing.assert_allclose(at.sigma, left @ at.parts["psi"] @ left.T + at.parts["theta"], atol=1e-12)


def brute(j, v, c):
    """U C by the definition."""
    v = np.diag(v)
    return (v - v @ j @ np.linalg.solve(j.T @ v @ j, j.T @ v)) @ c


@pytest.mark.parametrize("people", [9, 60])
def test_sandwich_by_its_definition(people):
    rng = np.random.default_rng(2)
    roots = [rng.normal(size=(people, 14)) for _ in range(2)]
    weights = [rng.uniform(1, 2, 14) for _ in range(2)]
    slopes = [Slopes(np.arange(5), rng.normal(size=(14, 5))), Slopes(np.arange(3, 8), rng.normal(size=(14, 5)))]
    found = sandwich(slopes, spreads(roots, None, weights), 8)
    j, c = np.zeros((28, 8)), np.zeros((28, 28))
    j[:14, :5], j[14:, 3:] = slopes[0].matrix, slopes[1].matrix
    c[:14, :14], c[14:, 14:] = roots[0].T @ roots[0], roots[1].T @ roots[1]
    uc = brute(j, np.concatenate(weights), c)
    assert found.mean == pytest.approx(np.trace(uc), rel=1e-9)
    assert found.square == pytest.approx(np.trace(uc @ uc), rel=1e-9)
    bread = np.linalg.inv(j.T @ np.diag(np.concatenate(weights)) @ j) @ j.T @ np.diag(np.concatenate(weights))
    np.testing.assert_allclose(found.vcov, bread @ c @ bread.T, rtol=1e-9)
    inner = [Slopes(np.arange(8), j[:14]), Slopes(np.arange(8), j[14:])]
    into = rng.normal(size=(8, 6))
    fewer = [Slopes(np.arange(6), one.matrix @ into) for one in inner]
    difference = brute(j @ into, np.concatenate(weights), c) - uc
    expected = np.trace(difference), np.trace(difference @ difference)
    np.testing.assert_allclose(difference_moments(inner, fewer, found, 6), expected, rtol=1e-9)


def test_clusters_over_groups_tie_the_groups_together():
    rng = np.random.default_rng(3)
    roots, weights = [rng.normal(size=(40, 3)) for _ in range(2)], [np.ones(3)] * 2
    unit = np.repeat(np.arange(10), 4)
    (one,) = spreads(roots, [unit, unit], weights)
    sums = np.hstack([np.array([root[unit == k].sum(axis=0) for k in range(10)]) for root in roots])
    np.testing.assert_allclose(one.part(slice(0, 6)), sums.T @ sums * 10 / 9, rtol=1e-12)
    apart = spreads(roots, [unit, unit + 10], weights)
    np.testing.assert_allclose(apart[1].part(slice(0, 3)), one.part(slice(3, 6)), rtol=1e-12)
    tied = pair_moments([one], [2, 2], [3, 3])
    assert tied[0] == pytest.approx(sum(pair_moments([g], [2, 2], [3, 3])[0] for g in apart))
    assert tied[1] > sum(pair_moments([g], [2, 2], [3, 3])[1] for g in apart)


def test_scaled_and_shifted_is_chi_square_in_mean_and_variance():
    values = np.array([0.4, 1.0, 2.5, 0.9])  # a sum of weighted chi-squares has these moments
    factor, shift = scaled_shifted(4, values.sum(), (values**2).sum())
    assert factor * values.sum() + shift == pytest.approx(4)
    assert 2 * factor**2 * (values**2).sum() == pytest.approx(8)


def test_what_does_not_fit_is_infinite():
    s = replace(structure("theta"))
    theta = point()
    theta[11] = -5.0
    assert discrepancy([s], [Statistics(9, np.zeros(14), np.ones(14))], theta) == np.inf
