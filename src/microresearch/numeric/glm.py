"""How does a mean on a log or logit scale depend on a design? Generalised linear models by IRLS, from sums per cell."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.special import expit

from microresearch.errors import ConvergenceError, DataError

Array = NDArray[np.float64]
Family = Literal["gamma", "poisson", "binomial", "tweedie"]
POWER = 1.5
"""Of the mean in the variance of the Tweedie family where no other is given: midway between Poisson and gamma."""

_MAXIT = 200
_TINY = 1e-280
_TOLERANCE = 1e-16  # Newton decrement, per row and unit of dispersion


@dataclass(frozen=True, slots=True, eq=False)
class GlmFit:
    """A generalised linear model at its estimate: gamma, Poisson, Tweedie with log link, binomial with logit.

    Attributes
    ----------
    beta : array, shape (p,)
        Coefficients on the link scale.
    information : array, shape (p, p)
        X'WX at the estimate; its inverse times `dispersion` is the model-based covariance.
    mu, slope, variance : arrays, shape (n_cells,)
        Mean of a row, its derivative in the linear predictor, and the family's variance function there.
    dispersion : float or None
        Pearson chi-square over rows less coefficients; None where sums of squares were not given.
    gradient : float
        Newton decrement per row at the solution.
    power : float
        Of the mean in the variance of the Tweedie family.
    """

    family: Family
    beta: Array
    information: Array
    mu: Array
    slope: Array
    variance: Array
    dispersion: float | None
    gradient: float
    iterations: int
    n_rows: int
    power: float = POWER


def mean_weight(family: Family, eta: Array, power: float = POWER) -> tuple[Array, Array, Array]:
    """Mean, its derivative in eta, and the working weight (d mu / d eta)^2 / V(mu)."""
    if family == "binomial":
        mu = expit(eta)
        slope = np.maximum(mu * expit(-eta), _TINY)
        return mu, slope, slope
    mu = np.maximum(np.exp(eta), _TINY)
    if family == "tweedie":
        return mu, mu, mu ** (2 - power)
    return mu, mu, np.ones_like(mu) if family == "gamma" else mu


def _start(family: Family, n: Array, y_sum: Array) -> Array:
    mean = y_sum / n
    whole = y_sum.sum() / n.sum()
    if family == "binomial":
        mean = (y_sum + whole) / (n + 1)
        return np.log(mean / (1 - mean))
    return np.log((y_sum + whole) / (n + 1))


def _objective(family: Family, n: Array, y_sum: Array, eta: Array, power: float) -> float:
    """(Quasi-)log-likelihood kernel in eta: what the data say of the means, without constants."""
    if family == "binomial":
        return float(y_sum @ eta - n @ np.logaddexp(0, eta))
    if family == "poisson":
        return float(y_sum @ eta - n @ np.exp(eta))
    if family == "tweedie":
        return float(y_sum @ np.exp((1 - power) * eta) / (1 - power) - n @ np.exp((2 - power) * eta) / (2 - power))
    return float(-(y_sum @ np.exp(-eta)) - n @ eta)


def fit_glm(
    x: Array,
    n: Array,
    y_sum: Array,
    family: Family,
    y_sumsq: Array | None = None,
    offset: Array | None = None,
    power: float = POWER,
) -> GlmFit:
    """Maximum (quasi-)likelihood from cells, with the same digits as from the rows.

    Parameters
    ----------
    x : array, shape (n_cells, p)
        Design, of full column rank.
    n, y_sum : arrays, shape (n_cells,)
        Rows (at least 1) and sum of the outcome; events for `binomial`.
    family : "gamma", "poisson", "tweedie" (log link, variance mu^power) or "binomial" (logit link)
    y_sumsq : array, shape (n_cells,), optional
        Sum of squared outcomes, for the dispersion.
    offset : array, shape (n_cells,), optional
        Known part of the linear predictor, the same for all rows of a cell.
    power : float
        Of the Tweedie family, above 1 and below 2; `tweedie_power` estimates it.

    Raises
    ------
    DataError
        An empty cell, a sum that the family does not allow, or no event (or nothing but events) at all.
    ConvergenceError
        Separation (an estimate at infinity), or a gradient that is not zero after 200 iterations.

    References
    ----------
    McCullagh & Nelder (1989), Generalized Linear Models, 2nd ed., section 2.5.

    Examples
    --------
    >>> x = np.array([[1.0, 0], [1, 1]])
    >>> fit_glm(x, np.array([100.0, 100]), np.array([20.0, 30]), "binomial").beta.round(3).tolist()
    [-1.386, 0.539]
    """
    _check(n, y_sum, family)
    known = np.zeros(len(n)) if offset is None else offset
    beta, eta = _first(x, n, _start(family, n, y_sum + 0.0), known)
    value, gradient, steps = _objective(family, n, y_sum, eta, power), np.inf, 0
    moved = True
    while steps < _MAXIT and gradient > _TOLERANCE * 1e-6 and (moved or gradient > _TOLERANCE):
        if family != "gamma" and np.abs(eta - known).max() > 30:
            _refuse_separation(x, n, y_sum, family)
        mu, slope, weight = mean_weight(family, eta, power)
        root = np.sqrt(n * weight)
        move = np.asarray(
            np.linalg.lstsq(x * root[:, None], weight * (y_sum - n * mu) / slope / root, rcond=None)[0], float
        )
        gradient = float(((x @ move) ** 2 * n * weight).sum() / n.sum())
        beta, eta, value, moved = _advance(family, x, n, y_sum, beta, move, known, value, power)
        steps += 1
    if not gradient < _TOLERANCE:
        _refuse_separation(x, n, y_sum, family)
        raise ConvergenceError(
            f"IRLS did not converge: Newton decrement {gradient:.1e} a row after {steps} iterations."
        )
    return _finish(family, x, n, y_sum, y_sumsq, beta, eta, gradient, steps, power)


def _first(x: Array, n: Array, eta: Array, known: Array) -> tuple[Array, Array]:
    root = np.sqrt(n)
    beta = np.linalg.lstsq(x * root[:, None], (eta - known) * root, rcond=None)[0]
    return np.asarray(beta, float), x @ beta + known


def _advance(
    family: Family, x: Array, n: Array, y_sum: Array, beta: Array, move: Array, known: Array, value: float, power: float
) -> tuple[Array, Array, float, bool]:
    """A step, halved until the likelihood does not fall; whether a step could be made."""
    for _ in range(40):
        eta = x @ (beta + move) + known
        with np.errstate(over="ignore", invalid="ignore"):
            new = _objective(family, n, y_sum, eta, power)
        if np.isfinite(new) and new >= value - 1e-14 * abs(value):
            return beta + move, eta, new, True
        move = move / 2
    return beta, x @ beta + known, value, False


def _finish(
    family: Family, x: Array, n: Array, y_sum: Array, y_sumsq: Array | None, beta: Array, eta: Array, gradient: float,
    step: int, power: float,
) -> GlmFit:  # fmt: skip
    mu, slope, weight = mean_weight(family, eta, power)
    variance = {"gamma": mu**2, "poisson": mu, "binomial": slope, "tweedie": mu**power}[family]
    if family != "gamma" and np.abs(eta).max() > 15:
        _refuse_separation(x, n, y_sum, family)
    dispersion, left = None, float(n.sum()) - x.shape[1]
    if y_sumsq is not None and left > 0:
        within = np.clip(y_sumsq - y_sum**2 / n, 0, None)
        dispersion = float(((within + (y_sum - n * mu) ** 2 / n) / variance).sum() / left)
    return GlmFit(
        family, beta, (x * (n * weight)[:, None]).T @ x, mu, slope, variance, dispersion, gradient, step, int(n.sum()),
        power,
    )  # fmt: skip


def _check(n: Array, y_sum: Array, family: Family) -> None:
    if (n < 1).any():
        raise DataError("a cell without rows cannot enter a model.")
    if family == "gamma" and (y_sum <= 0).any():
        raise DataError("a gamma model needs outcomes above zero; for costs with zeros use the two-part model.")
    if (y_sum < 0).any():
        raise DataError(f"a {family} model cannot have an outcome below zero.")
    if family == "binomial" and (y_sum > n).any():
        raise DataError("more events than rows in a cell: a binomial outcome is 0 or 1.")
    if not y_sum.any():
        raise DataError("the outcome is zero in every row: there is nothing to model.")
    if family == "binomial" and (y_sum == n).all():
        raise DataError("every row is an event: there is nothing to model.")


def _refuse_separation(x: Array, n: Array, y_sum: Array, family: Family) -> None:
    """Raise if some direction of the coefficients raises the likelihood for ever (a linear programme decides).

    References
    ----------
    Albert & Anderson (1984), Biometrika 71, 1-10; Correia, Guimarães & Zylkin (2019), arXiv:1903.01633 (Poisson).
    """
    if family == "gamma":
        return
    sign = np.where(y_sum == 0, -1.0, 0.0)
    if family == "binomial":
        sign = np.where(y_sum == n, 1.0, sign)
    edge = sign != 0
    scaled = x / np.abs(x).max(axis=0)
    rows = scaled[edge] * sign[edge, None]
    found = linprog(
        -rows.sum(axis=0), A_ub=-rows, b_ub=np.zeros(len(rows)), A_eq=scaled[~edge] if (~edge).any() else None,
        b_eq=np.zeros(int((~edge).sum())) if (~edge).any() else None, bounds=(-1, 1), method="highs",
    )  # fmt: skip
    if found.status == 0 and found.fun < -1e-7:
        columns = [int(j) for j in np.flatnonzero(np.abs(found.x) > 1e-7)]
        raise Separation(columns)


class Separation(ConvergenceError):
    """Some coefficients have no finite estimate: their design columns tell events from non-events without error."""

    def __init__(self, columns: list[int]) -> None:
        self.columns = columns
        super().__init__(f"separation: design columns {columns} have no finite estimate (groups without events).")
