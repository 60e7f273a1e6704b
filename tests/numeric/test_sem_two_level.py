"""The likelihood of people within clusters against the normal density of whole clusters, and its derivatives."""

import numpy as np
from scipy.stats import multivariate_normal

from microresearch.numeric import sem_ml
from microresearch.numeric.sem_patterns import patterns_of
from microresearch.numeric.sem_structure import Cell, Structure, implied
from microresearch.numeric.sem_two_level import clustered, constant, deviance, gradient_and_information, hessian
from microresearch.numeric.sem_two_level_saturated import saturated_levels

SEATS = (np.array([0, 1, 2, 3]), np.array([0, 1, 2, 4]))  # the fourth variable within alone, the fifth between alone


def models():
    within = [Cell("lambda", 0, 0, -1, 1.0), Cell("lambda", 1, 0, 0, 0), Cell("lambda", 2, 0, 1, 0),
              Cell("lambda", 3, 1, -1, 1.0), Cell("beta", 0, 1, 2, 0), Cell("psi", 0, 0, 3, 0), Cell("psi", 1, 1, 4, 0),
              *(Cell("theta", j, j, 5 + j, 0) for j in range(3)), Cell("alpha", 1, 0, 8, 0)]  # fmt: skip
    between = [Cell("lambda", 0, 0, -1, 1.0), Cell("lambda", 1, 0, 0, 0), Cell("lambda", 2, 0, 9, 0),
               Cell("psi", 0, 0, 10, 0), *(Cell("theta", j, j, 11 + j, 0) for j in range(4)),
               Cell("theta", 3, 0, 15, 0), *(Cell("nu", j, 0, 16 + j, 0) for j in range(4))]  # fmt: skip
    empty, no = np.zeros(0, np.intp), np.zeros(4, bool)
    return Structure(4, 2, tuple(within), empty, no, True), Structure(4, 1, tuple(between), empty, no, True)


def sample(seed=1, sizes=(1, 1, 2, 3, 3, 4, 7, 2, 5, 6, 4, 3)):
    rng = np.random.default_rng(seed)
    unit = np.repeat(np.arange(len(sizes)), sizes)
    x = rng.normal(size=(len(unit), 5)) + rng.normal(size=(len(sizes), 1))[unit]
    x[:, 4] = rng.normal(size=len(sizes))[unit]
    return x, unit


def point():
    theta = np.random.default_rng(2).uniform(0.4, 0.9, 20)
    theta[15] = 0.1
    return theta


def slope(f, x, h=1e-6):
    return np.array([(f(x + h * e) - f(x - h * e)) / (2 * h) for e in np.eye(len(x))])


def test_likelihood_is_the_density_of_whole_clusters():
    (x, unit), levels, theta = sample(), models(), point()
    at = [implied(one, theta) for one in levels]
    within, between, mu = np.zeros((5, 5)), np.zeros((5, 5)), np.zeros(5)
    for cov, one, seat in zip((within, between), at, SEATS, strict=True):
        cov[np.ix_(seat, seat)] = one.sigma
        mu[seat] += one.mu
    total = 0.0
    for k in np.unique(unit):
        people = x[unit == k]
        n = len(people)
        cov = np.kron(np.ones((n, n)), between) + np.kron(np.eye(n), within)
        keep = [j for j in range(5 * n) if j % 5 != 4 or j == 4]  # what stands between alone is seen once
        total += multivariate_normal(np.tile(mu, n)[keep], cov[np.ix_(keep, keep)]).logpdf(people.ravel()[keep])
    data = clustered(x, unit, SEATS)
    assert np.isclose(-(deviance(levels, data, theta) * len(x) + constant(data)) / 2, total, rtol=1e-10)


def test_gradient_and_second_derivatives():
    (x, unit), levels, theta = sample(), models(), point()
    data = clustered(x, unit, SEATS)
    gradient = gradient_and_information(levels, data, theta)[0]
    np.testing.assert_allclose(gradient, slope(lambda t: deviance(levels, data, t), theta), atol=1e-6)
    second = slope(lambda t: gradient_and_information(levels, data, t)[0], theta)
    np.testing.assert_allclose(hessian(levels, data, theta), second, atol=1e-6)


def test_equal_clusters_have_moments_in_closed_form():
    """With clusters of one size the estimates are mean squares, where these give a covariance between."""
    rng = np.random.default_rng(4)
    unit = np.repeat(np.arange(60), 5)
    x = rng.normal(size=(300, 3)) + (rng.normal(size=(60, 3)) @ np.array([[1, 0.3, 0], [0, 1, 0.2], [0, 0, 1]]))[unit]
    both = np.arange(3)
    within, between, mean = saturated_levels(clustered(x, unit, (both, both)))
    means = x.reshape(60, 5, 3).mean(axis=1)
    away = x - means[unit]
    inside = away.T @ away / 240
    np.testing.assert_allclose(within, inside, atol=1e-6)
    np.testing.assert_allclose(between, np.cov(means.T, bias=True) - inside / 5, atol=1e-6)
    np.testing.assert_allclose(mean, x.mean(axis=0), atol=1e-6)


def test_many_patterns_of_holes_at_once_are_the_sum_of_each(monkeypatch):
    rng = np.random.default_rng(5)
    x = rng.normal(size=(80, 4)) @ np.linalg.cholesky(0.5 + 0.5 * np.eye(4)).T
    x[rng.uniform(size=x.shape) < 0.25] = np.nan
    cells = [*(Cell("lambda", j, 0, j, 0) for j in range(4)), *(Cell("theta", j, j, 4 + j, 0) for j in range(4)),
             Cell("psi", 0, 0, -1, 1.0), *(Cell("nu", j, 0, 8 + j, 0) for j in range(4))]  # fmt: skip
    one = Structure(4, 1, tuple(cells), np.zeros(0, np.intp), np.zeros(4, bool), True)
    theta = rng.uniform(0.4, 0.9, 12)
    groups = [[pattern.moments for pattern in patterns_of(x)]]
    value, found = sem_ml.deviance([one], groups, theta), []
    for few in (5, 10**6):
        monkeypatch.setattr(sem_ml, "FEW", few)
        found.append((sem_ml.hessian([one], groups, theta), *sem_ml.gradient_and_information([one], groups, theta)))
    for at_once, each in zip(*found, strict=True):
        np.testing.assert_allclose(at_once, each, atol=1e-10)
    at, rows = implied(one, theta), []
    for row in x[~np.isnan(x).all(axis=1)]:
        o = np.flatnonzero(~np.isnan(row))
        rows.append(multivariate_normal(at.mu[o], at.sigma[np.ix_(o, o)]).logpdf(row[o]))
    answers = (~np.isnan(x)).sum()
    assert np.isclose(-(value * len(rows) + answers * np.log(2 * np.pi)) / 2, np.sum(rows), rtol=1e-10)
