"""Moments, slopes and curvature of structural models against finite differences and brute force."""

import numpy as np
import pytest

from microresearch.numeric.optimise import scoring
from microresearch.numeric.sem_ml import deviance, gradient_and_information, hessian
from microresearch.numeric.sem_patterns import patterns_of, saturated, saturated_deviance
from microresearch.numeric.sem_robust import (
    People,
    case_scores,
    outer_products,
    saturated_parameters,
    saturated_structure,
    trace_saturated,
)
from microresearch.numeric.sem_structure import Cell, Structure, derivatives, implied, pull_back


def structure():
    """Two factors and one of higher order, a regression, an equality, correlated residuals, means."""
    cells = [Cell("lambda", 0, 0, -1, 1.0), Cell("lambda", 1, 0, 0, 0), Cell("lambda", 2, 0, 1, 0),
             Cell("lambda", 3, 1, -1, 1.0), Cell("lambda", 4, 1, 1, 0), Cell("lambda", 2, 1, 2, 0),
             Cell("beta", 0, 2, -1, 1.0), Cell("beta", 1, 2, 3, 0), Cell("beta", 1, 0, 4, 0),
             Cell("psi", 0, 0, 5, 0), Cell("psi", 1, 1, 6, 0), Cell("psi", 2, 2, 7, 0), Cell("psi", 1, 0, 8, 0),
             Cell("theta", 1, 0, 9, 0), *(Cell("theta", j, j, 10 + j, 0) for j in range(5)),
             *(Cell("nu", j, 0, 15 + j, 0) for j in range(5)), Cell("alpha", 1, 0, 20, 0)]  # fmt: skip
    return Structure(5, 3, tuple(cells), np.zeros(0, np.intp), np.zeros(5, bool), True)


def point(seed=0):
    rng = np.random.default_rng(seed)
    theta = rng.uniform(0.4, 0.9, 21)
    theta[[8, 9]] = 0.1
    theta[10:15] += 0.5
    return theta


def answers(seed=0, n=60, holes=0.0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 5)) @ np.linalg.cholesky(0.6 + 0.8 * np.eye(5)).T + 0.5
    x[rng.uniform(size=x.shape) < holes] = np.nan
    return x


def slope(f, x, h=1e-6):
    return np.array([(f(x + h * e) - f(x - h * e)) / (2 * h) for e in np.eye(len(x))])


def test_derivatives_and_pull_back():
    s, theta = structure(), point()
    d_sigma, d_mu = derivatives(s, implied(s, theta), 21)
    np.testing.assert_allclose(d_sigma, slope(lambda t: implied(s, t).sigma, theta), atol=1e-8)
    np.testing.assert_allclose(d_mu, slope(lambda t: implied(s, t).mu, theta), atol=1e-8)
    rng = np.random.default_rng(1)
    w, v = rng.normal(size=(5, 5)), rng.normal(size=5)
    w = w + w.T
    expected = np.einsum("qij,ij->q", d_sigma, w) + d_mu @ v
    np.testing.assert_allclose(pull_back(s, implied(s, theta), 21, w, v), expected, atol=1e-10)


@pytest.mark.parametrize("holes", [0.0, 0.2])
def test_gradient_hessian_and_scores(holes):
    s, theta, x = structure(), point(), answers(holes=holes)
    groups = [[p.moments for p in patterns_of(x)]]
    gradient, information = gradient_and_information([s], groups, theta)
    np.testing.assert_allclose(gradient, slope(lambda t: deviance([s], groups, t), theta), atol=1e-7)
    second = slope(lambda t: gradient_and_information([s], groups, t)[0], theta)
    np.testing.assert_allclose(hessian([s], groups, theta), second, atol=1e-6)
    assert np.linalg.eigvalsh(information)[0] > -1e-10
    people = People(x, patterns_of(x), None)
    scores = case_scores(s, implied(s, theta), people, np.zeros(5), 21)
    n = sum(m.n for m in groups[0])
    np.testing.assert_allclose(scores.sum(axis=0), -gradient * n / 2, atol=1e-8)
    one = [[p.moments for p in patterns_of(x[:1])]]
    np.testing.assert_allclose(scores[0], -slope(lambda t: deviance([s], one, t), theta) / 2, atol=1e-7)


def test_information_is_the_expected_hessian():
    s, theta = structure(), point()
    at = implied(s, theta)
    from microresearch.numeric.sem_ml import Moments

    groups = [[Moments(10, at.mu, at.sigma, np.arange(5))]]
    np.testing.assert_allclose(hessian([s], groups, theta), gradient_and_information([s], groups, theta)[1], atol=1e-9)


def test_saturated_moments_maximise_the_likelihood():
    x = answers(n=80, holes=0.15)
    patterns = [p.moments for p in patterns_of(x)]
    fitted = saturated(patterns, 5)
    s = saturated_structure(5)
    theta = saturated_parameters(fitted.cov, fitted.mean)
    gradient, _ = gradient_and_information([s], [patterns], theta)
    assert np.abs(gradient).max() < 1e-7
    n = sum(m.n for m in patterns)
    assert deviance([s], [patterns], theta) * n == pytest.approx(saturated_deviance(patterns, fitted), rel=1e-12)


@pytest.mark.parametrize("clustered", [False, True])
def test_trace_by_whitening_is_the_trace_by_brute_force(clustered):
    x = answers(3)
    clusters = np.arange(60) // 4 if clustered else None
    people = People(x, patterns_of(x), clusters)
    seen = saturated([p.moments for p in people.patterns], 5)
    s, theta = saturated_structure(5), saturated_parameters(seen.cov, seen.mean)
    filling = outer_products([case_scores(s, implied(s, theta), people, seen.mean, 20)], [people])
    information = hessian([s], [[p.moments for p in people.patterns]], theta) / 2 * 60
    brute = np.trace(np.linalg.solve(information, filling))
    assert trace_saturated([people], [seen], True) == pytest.approx(brute, rel=1e-10)


def test_scoring_says_why_it_stopped():
    far = scoring(lambda x: float(np.sum(x)), lambda x: (np.ones(2), np.eye(2) * 1e-3), np.zeros(2), max_steps=5)
    assert not far.converged and "5 steps" in far.reason
    bad = scoring(lambda x: np.inf, lambda x: (x, np.eye(2)), np.zeros(2))
    assert not bad.converged and "start" in bad.reason
