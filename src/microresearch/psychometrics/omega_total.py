"""How much of a scale score do common factors explain? Omega total, of one factor or of several."""

import numpy as np

from microresearch.errors import ConvergenceError
from microresearch.numeric.delta import correlation_error
from microresearch.numeric.factoring import extract
from microresearch.numeric.moments import Floats
from microresearch.numeric.one_factor import fit_ml, ml_influence, ml_information
from microresearch.numeric.resample import bootstrap_covariances
from microresearch.psychometrics.coefficients import standardise
from microresearch.psychometrics.omega_estimate import Estimate, usable


def omega_of(loadings: Floats, psi: Floats) -> Floats:
    """(sum of loadings)^2 / ((sum of loadings)^2 + sum of psi), along the last axis."""
    shared = loadings.sum(axis=-1) ** 2
    return shared / (shared + psi.sum(axis=-1))


def omega_slopes(loadings: Floats, psi: Floats) -> Floats:
    """Derivatives of omega by loadings, then psi, shape (2k,)."""
    a, b = float(loadings.sum()), float(psi.sum())
    total = (a * a + b) ** 2
    return np.concatenate([np.full(len(loadings), 2 * a * b / total), np.full(len(psi), -a * a / total)])


def one_factor_omega(x: Floats, how: str, n_boot: int, seed: int) -> Estimate:
    """Omega of one factor fitted by maximum likelihood to complete answers, shape (n, k)."""
    n = len(x)
    fit = fit_ml(np.cov(x, rowvar=False, ddof=0)[None])
    if not fit.converged[0]:
        raise ConvergenceError("maximum likelihood found no one-factor solution for these items (Fisher scoring).")
    loadings, psi = fit.loadings[0], fit.psi[0]
    method = "one factor by maximum likelihood on covariances"
    estimate = float(omega_of(loadings, psi))
    if how == "bootstrap":
        draws = fit_ml(bootstrap_covariances(x, n_boot, np.random.default_rng(seed)))
        values, notes = usable(np.where(draws.converged, omega_of(draws.loadings, draws.psi), np.nan))
        return Estimate(estimate, float(values.std(ddof=1)), loadings, psi, method, values, notes)
    slope = omega_slopes(loadings, psi)
    if how == "normal":
        se = np.sqrt(2 / n * slope @ np.linalg.solve(ml_information(loadings, psi), slope))
    else:
        se = np.sqrt(((ml_influence(x, loadings, psi) @ slope) ** 2).sum()) / n
    return Estimate(estimate, float(se), loadings, psi, method)


def many_factor_omega(x: Floats, m: int, how: str, n_boot: int, seed: int) -> Estimate:
    """Omega of `m` factors: what of the correlations is not unique; complete answers, shape (n, k)."""
    r = np.corrcoef(x, rowvar=False)
    psi = extract(r, m, "minres").uniquenesses
    estimate = float(1 - psi.sum() / r.sum())
    method = f"{m} factors by minimum residuals on correlations: 1 - sum of uniquenesses / sum of R; standardised"
    if how == "robust":
        se = correlation_error(x, lambda near: _not_unique(near, m, psi))
        return Estimate(estimate, se, np.sqrt(1 - psi), psi, method)
    draws = standardise(bootstrap_covariances(x, n_boot, np.random.default_rng(seed)))
    values, notes = usable(_not_unique(draws, m, psi))
    return Estimate(estimate, float(values.std(ddof=1)), np.sqrt(1 - psi), psi, method, values, notes)


def _not_unique(matrices: Floats, m: int, psi: Floats) -> Floats:
    """1 - sum of uniquenesses / sum of R of each matrix; NaN where `m` factors have no solution."""
    values = np.full(len(matrices), np.nan)
    for b, matrix in enumerate(matrices):
        try:
            values[b] = 1 - extract(matrix, m, "minres", psi).uniquenesses.sum() / matrix.sum()
        except ConvergenceError:
            continue
    return values
