"""Gamma and negative-binomial mixed models against glmmTMB; cells equal rows; a planted truth; refusals."""

import numpy as np
import pytest
from glm_cases import codes, design, golden, rows

from microresearch.errors import ConvergenceError, DataError
from microresearch.numeric.laplace_mixed import fit_laplace_mixed

D = rows().assign(beds10=lambda d: d["beds"] / 10)
GOLDEN = golden("laplace_mixed")


@pytest.mark.parametrize(("name", "outcome"), [("gamma", "cost"), ("negative_binomial", "days"), ("offset", "days")])
def test_equal_to_glmmtmb(name, outcome):
    theirs = GOLDEN[name]
    law = "gamma" if name == "gamma" else "negative binomial"
    y, unit = D[outcome].to_numpy(float), codes(D["unit"])
    offset = np.log(D["beds"].to_numpy(float)) if name == "offset" else None
    x, logs = design(D, theirs["terms"]), np.log(np.maximum(y, 1e-9))
    fit = fit_laplace_mixed(law, x, np.ones(len(D)), y, unit, logs, offset)
    np.testing.assert_allclose(fit.beta, theirs["beta"], rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(np.sqrt(np.diag(fit.cov))[:-2], theirs["se"], rtol=1e-4)
    wanted = tuple(theirs[key] for key in ("sigma", "shape", "loglik"))
    assert (fit.sigma, fit.shape, fit.loglik) == pytest.approx(wanted, rel=1e-6)


def test_gamma_cells_equal_rows():
    x, unit, y = design(D, ["(Intercept)", "ageb", "agec", "score"]), codes(D["unit"]), D["cost"].to_numpy(float)
    whole = fit_laplace_mixed("gamma", x, np.ones(len(D)), y, unit, np.log(y))
    key = codes(D["unit"] + D["age"])
    first = np.unique(key, return_index=True)[1]
    add = [np.bincount(key, values) for values in (np.ones(len(D)), y, np.log(y))]
    cells = fit_laplace_mixed("gamma", x[first], add[0], add[1], unit[first], add[2])
    np.testing.assert_allclose(cells.beta, whole.beta, rtol=1e-8)
    np.testing.assert_allclose(cells.cov, whole.cov, rtol=1e-5, atol=1e-10)


def test_planted_counts_come_back():
    rng = np.random.default_rng(3)
    unit = np.repeat(np.arange(150), 20)
    score = rng.normal(size=150)[unit]
    mean = np.exp(1 + 0.3 * score + rng.normal(0, 0.4, 150)[unit])
    y = rng.poisson(mean * rng.gamma(2.5, 1 / 2.5, len(unit))).astype(float)
    fit = fit_laplace_mixed("negative binomial", np.column_stack([np.ones(len(y)), score]), np.ones(len(y)), y, unit)
    assert abs(fit.beta[1] - 0.3) < 3 * np.sqrt(fit.cov[1, 1])
    assert fit.sigma == pytest.approx(0.4, abs=0.1) and fit.shape == pytest.approx(2.5, abs=0.5)


def test_no_variance_between_units_and_no_dispersion_are_said():
    x, unit = np.ones((len(D), 1)), codes(D["unit"])
    rng = np.random.default_rng(1)
    alike = rng.gamma(2.0, 50.0, len(D))
    for u in range(unit.max() + 1):
        alike[unit == u] *= 100 / alike[unit == u].mean()
    assert fit_laplace_mixed("gamma", x, np.ones(len(D)), alike, unit, np.log(alike)).boundary
    with pytest.raises(ConvergenceError, match="dispersion beyond"):
        even = np.where(np.arange(len(D)) % 2, 3.0, 4.0)
        fit_laplace_mixed("negative binomial", x, np.ones(len(D)), even, unit)
    with pytest.raises(DataError, match="sums of logarithms"):
        fit_laplace_mixed("gamma", x, np.ones(len(D)), alike, unit)
