"""Extraction kernels on arrays alone: slopes are slopes, planted factors come back, methods agree where they must."""

import numpy as np
import pytest

from microresearch.errors import ConvergenceError
from microresearch.numeric import factoring
from microresearch.numeric.factoring import extract, squared_multiple_correlations

LOADINGS = np.column_stack([np.linspace(0.5, 0.8, 8), np.linspace(-0.4, 0.4, 8)])


def exact():
    matrix = LOADINGS @ LOADINGS.T
    np.fill_diagonal(matrix, 1.0)
    return matrix


def noisy(seed=0):
    x = np.random.default_rng(seed).standard_normal((150, 8)) @ np.linalg.cholesky(exact()).T
    return np.corrcoef(x.T)


@pytest.mark.parametrize("method", ["minres", "ml", "paf"])
def test_factors_behind_an_exact_matrix_come_back(method):
    found = extract(exact(), 2, method)
    np.testing.assert_allclose(found.loadings @ found.loadings.T, LOADINGS @ LOADINGS.T, atol=1e-6)
    np.testing.assert_allclose(found.uniquenesses, 1 - (LOADINGS**2).sum(axis=1), atol=1e-6)
    assert found.discrepancy == pytest.approx(0, abs=1e-10)


@pytest.mark.parametrize("function", [factoring._ols, factoring._likelihood])
def test_gradient_and_hessian_are_slopes(function):
    matrix = noisy()
    at = np.linspace(0.3, 0.7, 8) if function is factoring._ols else np.log(np.linspace(0.3, 0.7, 8))
    _, slope, curve = function(matrix, at, 2)
    for i in range(8):
        step = np.zeros(8)
        step[i] = 1e-5
        up, down = function(matrix, at + step, 2), function(matrix, at - step, 2)
        assert (up[0] - down[0]) / 2e-5 == pytest.approx(slope[i], abs=1e-8)
        np.testing.assert_allclose((up[1] - down[1]) / 2e-5, curve[i], atol=1e-7)


def test_principal_axes_end_at_the_minimum_of_the_residuals():
    minres, paf = extract(noisy(1), 2, "minres"), extract(noisy(1), 2, "paf")
    assert paf.discrepancy == pytest.approx(minres.discrepancy, abs=1e-10)
    np.testing.assert_allclose(paf.loadings, minres.loadings, atol=1e-6)


def test_the_minimum_is_not_bettered_nearby():
    matrix, rng = noisy(2), np.random.default_rng(0)
    found = extract(matrix, 2, "ml")
    for _ in range(50):
        nearby = np.log(np.clip(found.uniquenesses * np.exp(0.05 * rng.standard_normal(8)), 0.005, 1))
        assert factoring._likelihood(matrix, nearby, 2)[0] >= found.discrepancy - 1e-12


def test_squared_multiple_correlations_are_those_of_regressions():
    matrix = noisy(3)
    by_regression = [
        matrix[i, k] @ np.linalg.solve(matrix[np.ix_(k, k)], matrix[k, i])
        for i in range(8)
        for k in [[j for j in range(8) if j != i]]
    ]
    np.testing.assert_allclose(squared_multiple_correlations(matrix), by_regression, atol=1e-10)


def test_what_does_not_converge_is_an_error(monkeypatch):
    monkeypatch.setattr(factoring, "MAX_STEPS", 1)
    monkeypatch.setattr(factoring, "MAX_PAF", 2)
    for method in ("minres", "ml", "paf"):
        with pytest.raises(ConvergenceError):
            extract(noisy(4), 2, method)
