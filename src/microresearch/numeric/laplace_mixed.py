"""How do counts or costs depend on a design when units differ? Random intercepts by Laplace, with a dispersion."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import digamma, gammaln

from microresearch.errors import ConvergenceError, DataError
from microresearch.numeric.glm import fit_glm

Array = NDArray[np.float64]
Law = Literal["gamma", "negative binomial"]

_TOLERANCE = 1e-8  # Newton decrement of the log-likelihood
_INNER = 80


@dataclass(frozen=True, slots=True, eq=False)
class LaplaceMixed:
    """A log-link model with random intercepts and a dispersion at its maximum (Laplace) likelihood estimate.

    Attributes
    ----------
    beta : array, shape (p,)
        Log ratios given the unit.
    sigma : float
        SD of the intercepts.
    shape : float
        Gamma: shape (1 / squared coefficient of variation). Negative binomial: size, variance mu + mu^2 / size.
    cov : array, shape (p + 2, p + 2)
        Of (beta, log sigma, log shape): inverse Hessian of the negative log-likelihood; zeros for a sigma of zero.
    loglik, gradient : float
        Log-likelihood of the rows; Newton decrement at the solution.
    boundary : bool
        Whether sigma was estimated as zero.
    """

    beta: Array
    sigma: float
    shape: float
    cov: Array
    loglik: float
    gradient: float
    boundary: bool


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """What a law needs of the data: gamma n, sum, sum of logs a cell; negative binomial n equal counts y, exposure."""

    law: Law
    n: Array
    total: Array
    logs: Array

    def terms(self, eta: Array, shape: float) -> tuple[Array, Array, Array, Array]:
        """Log-likelihood of the cells and its first three derivatives in eta."""
        mu = np.exp(np.clip(eta, -300, 300))
        if self.law == "gamma":
            pull = shape * self.total / mu
            value = self.n * (shape * (np.log(shape) - eta) - gammaln(shape)) + (shape - 1) * self.logs - pull
            return value, pull - self.n * shape, -pull, pull
        y = self.total / self.n
        value = gammaln(y + shape) - gammaln(shape) - gammaln(y + 1) + shape * np.log(shape) + y * eta
        value -= (y + shape) * np.log(shape + mu)
        odds, both = mu / (shape + mu), self.n * (y + shape)
        bend = both * odds * (1 - odds)
        return self.n * value, self.n * y - both * odds, -bend, -bend * (1 - 2 * odds)

    def by_shape(self, eta: Array, shape: float) -> tuple[Array, Array, Array]:
        """Derivatives in log shape of the log-likelihood and of its first two derivatives in eta."""
        mu = np.exp(np.clip(eta, -300, 300))
        if self.law == "gamma":
            pull = self.total / mu
            value = self.n * (np.log(shape) + 1 - eta - digamma(shape)) + self.logs - pull
            return shape * value, shape * (pull - self.n), -shape * pull
        y, whole = self.total / self.n, shape + mu
        value = digamma(y + shape) - digamma(shape) + np.log(shape) + 1 - np.log(whole) - (y + shape) / whole
        first = -mu / whole + (y + shape) * mu / whole**2
        second = -mu * ((y + 2 * shape) / whole**2 - 2 * (y + shape) * shape / whole**3)
        return self.n * shape * value, self.n * shape * first, self.n * shape * second


@dataclass(slots=True, eq=False)
class _Marginal:
    """The Laplace log-likelihood and its gradient in (beta, log sigma, log shape); eta = offset + x beta + sigma v."""

    rows: _Rows
    x: Array
    offset: Array
    unit: NDArray[np.intp]
    mode: Array = field(init=False)

    def __post_init__(self) -> None:
        self.mode = np.zeros(int(self.unit.max()) + 1)

    def add(self, values: Array) -> Array:
        return np.bincount(self.unit, values, len(self.mode)).astype(np.float64)

    def find_modes(self, base: Array, sigma: float, shape: float) -> None:
        """Conditional modes of v, all units at once; each posterior has one peak."""
        v = self.mode
        for _ in range(_INNER):
            _, one, two, _ = self.rows.terms(base + sigma * v[self.unit], shape)
            step = (sigma * self.add(one) - v) / (1 - sigma**2 * self.add(two))
            v = v + np.clip(step, -2, 2)
            if np.abs(step).max() < 1e-12:
                break
        self.mode = v

    def __call__(self, theta: Array) -> tuple[float, Array]:
        base, sigma, shape = self.offset + self.x @ theta[:-2], float(np.exp(theta[-2])), float(np.exp(theta[-1]))
        self.find_modes(base, sigma, shape)
        v, unit = self.mode, self.unit
        eta = base + sigma * v[unit]
        value, one, two, three = self.rows.terms(eta, shape)
        curve, third = 1 - sigma**2 * self.add(two), self.add(three)
        total = float(value.sum() - (v**2).sum() / 2 - np.log(curve).sum() / 2)
        share = sigma**2 / (2 * curve)  # d(-log curve / 2) / d two, per cell
        chase = share * sigma * third / curve  # what a shift of the mode's equation is worth
        weight = one + share[unit] * three + (chase * sigma)[unit] * two
        one_sum, two_sum = self.add(one), self.add(two)
        by_sigma = v * one_sum + sigma * two_sum / curve + share * third * v + chase * (one_sum + sigma * v * two_sum)
        by, first, second = self.rows.by_shape(eta, shape)
        by_shape = by.sum() + share @ self.add(second) + (chase * sigma) @ self.add(first)
        return total, np.append(weight @ self.x, [sigma * by_sigma.sum(), by_shape])


def fit_laplace_mixed(
    law: Law, x: Array, n: Array, total: Array, unit: NDArray[np.intp], logs: Array | None = None,
    offset: Array | None = None,
) -> LaplaceMixed:  # fmt: skip
    """Random-intercept regression of costs (gamma) or counts (negative binomial, NB2), log link, by Laplace.

    Parameters
    ----------
    law : "gamma" or "negative binomial"
    x : array, shape (n_cells, p)
        Design, of full column rank.
    n, total : arrays, shape (n_cells,)
        Rows and the sum of their outcomes. Negative binomial: all rows of a cell have the same count, total / n.
    unit : int array, shape (n_cells,)
        0 to n_units - 1, each present.
    logs : array, shape (n_cells,), optional
        Sum of the logarithms, for gamma: with it the cells say all that the rows do.
    offset : array, shape (n_cells,), optional
        Log exposure of each row.

    Raises
    ------
    DataError
        Outcomes that the law does not allow, or gamma without sums of logarithms.
    ConvergenceError
        A gradient that is not zero, or no maximum: counts without dispersion beyond Poisson's have none in `shape`.

    References
    ----------
    Skaug & Fournier (2006), Comput Stat Data Anal 51, 699-709 (gradient of the Laplace approximation); Hilbe (2011),
    Negative Binomial Regression, 2nd ed., section 8.2 (NB2).

    Examples
    --------
    >>> y, unit = np.array([1.0, 3, 4, 9, 2, 7, 30, 5]), np.repeat(np.arange(4), 2)
    >>> fit = fit_laplace_mixed("negative binomial", np.ones((8, 1)), np.ones(8), y, unit)
    >>> round(float(fit.beta[0]), 2), fit.sigma < 1
    (1.91, True)
    """
    if law == "gamma" and logs is None:
        raise DataError("a gamma model with random intercepts needs the sums of logarithms.")
    known = np.zeros(len(n)) if offset is None else offset
    glm = fit_glm(x, n, total, "gamma" if law == "gamma" else "poisson", offset=known)
    rows = _Rows(law, n, total, np.zeros(len(n)) if logs is None else logs)
    marginal = _Marginal(rows, x, known, unit)
    p = x.shape[1]
    whiten = np.eye(p + 2)
    whiten[:p, :p] = np.linalg.inv(np.linalg.cholesky(glm.information)).T
    whiten[p, p] = whiten[p + 1, p + 1] = 1 / np.sqrt(len(marginal.mode))
    begin = np.append(glm.beta, [np.log(0.3), 0.0])

    def objective(u: Array) -> tuple[float, Array]:
        value, gradient = marginal(begin + whiten @ u)
        return -value, -(whiten.T @ gradient)

    found = minimize(objective, np.zeros(p + 2), jac=True, method="BFGS", options={"gtol": 1e-5, "maxiter": 500})
    return _polish(marginal, begin + whiten @ np.asarray(found.x), whiten)


def _polish(marginal: _Marginal, theta: Array, whiten: Array) -> LaplaceMixed:
    """Newton steps to the last digit; at a sigma of (nearly) zero it is held there."""
    size = len(theta)
    boundary = bool(np.exp(theta[-2]) < 1e-3)
    if boundary:
        theta[-2] = np.log(1e-8)
    free = np.array([j for j in range(size) if not (boundary and j == size - 2)])
    decrement, hessian = np.inf, np.eye(len(free))
    for _ in range(10):
        gradient = (whiten.T @ marginal(theta)[1])[free]
        hessian = _hessian(marginal, theta, whiten)[np.ix_(free, free)]
        if (np.linalg.eigvalsh(hessian) <= 0).any() or theta[-1] > 14:
            raise ConvergenceError("the likelihood has no maximum here: is there dispersion beyond the family's?")
        step = np.linalg.solve(hessian, gradient)
        decrement = float(gradient @ step)
        theta = theta + whiten[:, free] @ step
        if abs(decrement) < _TOLERANCE**1.5:
            break
    if not 0 <= decrement < _TOLERANCE:
        raise ConvergenceError(f"the Laplace likelihood did not converge: Newton decrement {decrement:.1e}.")
    cov = whiten[:, free] @ np.linalg.inv(hessian) @ whiten[:, free].T
    value = marginal(theta)[0]
    sigma = 0.0 if boundary else float(np.exp(theta[-2]))
    return LaplaceMixed(theta[:-2], sigma, float(np.exp(theta[-1])), cov, value, decrement, boundary)


def _hessian(marginal: _Marginal, theta: Array, whiten: Array) -> Array:
    """Of the negative log-likelihood in whitened coordinates, by central differences of the exact gradient."""
    step = 1e-4
    out = [marginal(theta - step * w)[1] - marginal(theta + step * w)[1] for w in whiten.T]
    made = np.array(out) @ whiten / (2 * step)
    return (made + made.T) / 2
