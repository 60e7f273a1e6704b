"""How do estimated effects of units depend on what is known of the units? Random-effects regression, Knapp-Hartung."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from microresearch.errors import DataError

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class MetaRegression:
    """Random-effects regression at its REML estimate.

    Attributes
    ----------
    beta, cov : arrays, shapes (q,) and (q, q)
        Coefficients, and their covariance after Knapp & Hartung: use t with `df`.
    tau2 : float
        Variance between units beyond their sampling covariance.
    df : int
        Units less coefficients.
    scale : float
        The factor by which Knapp & Hartung multiply the covariance of known variances.
    gradient : float
        Newton decrement of the restricted log-likelihood in tau2; 0 at the boundary.
    """

    beta: Array
    cov: Array
    tau2: float
    df: int
    scale: float
    gradient: float
    boundary: bool


def meta_regression(effect: Array, cov: Array, x: Array) -> MetaRegression:
    """Regress estimated effects on unit-level columns: y ~ N(x beta, tau2 I + cov), tau2 by REML.

    Parameters
    ----------
    effect : array, shape (n_units,)
    cov : array, shape (n_units, n_units) or (n_units,)
        Sampling covariance, or variances where effects are independent.
    x : array, shape (n_units, q)
        Full column rank.

    Raises
    ------
    DataError
        Not more units than coefficients, a design without full column rank, or an effect without sampling variance.

    References
    ----------
    Knapp & Hartung (2003), Stat Med 22, 2693-2710; Viechtbauer (2005), J Educ Behav Stat 30, 261-293 (REML).

    Examples
    --------
    >>> fit = meta_regression(np.array([0.1, 0.4, 0.2, 0.9]), np.full(4, 0.01), np.ones((4, 1)))
    >>> float(fit.beta[0]), fit.tau2, fit.df  # equal variances: the mean, and the sample variance less theirs
    (0.4, 0.117, 3)
    """
    size, q = x.shape
    sampling = np.diag(cov) if cov.ndim == 1 else cov
    if size <= q or np.linalg.matrix_rank(x) < q:
        raise DataError(f"{size} units cannot carry {q} unit-level coefficients, or some of these are aliased.")
    if not (np.isfinite(effect).all() and (np.diag(sampling) > 0).all()):
        raise DataError("every effect must be finite and have a sampling variance above zero.")
    basis = np.linalg.qr(x, mode="complete").Q[:, q:]  # contrasts that the columns cannot reach
    values, vectors = np.linalg.eigh(basis.T @ sampling @ basis)
    z2 = (vectors.T @ (basis.T @ effect)) ** 2
    tau2, gradient = _reml(values, z2)
    inverse = np.linalg.inv(tau2 * np.eye(size) + sampling)
    bread = np.linalg.inv(x.T @ inverse @ x)
    beta = bread @ (x.T @ (inverse @ effect))
    left = effect - x @ beta
    scale = float(left @ inverse @ left) / (size - q)
    return MetaRegression(beta, scale * bread, tau2, size - q, scale, gradient, tau2 == 0)


def _reml(values: Array, z2: Array) -> tuple[float, float]:
    """The tau2 that maximises the likelihood of independent contrasts with variances tau2 + values."""
    top = float(z2.max()) + 1e-300

    def slope(t: float) -> float:
        v = t + values
        return float((z2 / v**2 - 1 / v).sum())

    def value(t: float) -> float:
        v = t + values
        return float(-(np.log(v) + z2 / v).sum())

    grid = np.concatenate([[0.0], np.geomspace(1e-8, 2.0, 80) * top])
    best = int(np.argmax([value(t) for t in grid]))
    if best == 0 and slope(0.0) <= 0:
        return 0.0, 0.0
    low, high = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
    found, _ = brentq(slope, low, high, xtol=1e-300, rtol=4 * np.finfo(float).eps, maxiter=500, full_output=True)
    v = float(found) + values
    curvature = float((1 / v**2 - 2 * z2 / v**3).sum())
    return float(found), slope(float(found)) ** 2 / abs(curvature)
