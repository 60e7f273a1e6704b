"""How do the odds of an event depend on a design when units differ? Random intercepts by adaptive quadrature."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from microresearch.errors import ConvergenceError
from microresearch.numeric.glm import fit_glm

Array = NDArray[np.float64]

_TOLERANCE = 1e-8  # Newton decrement of the deviance
_INNER = 60


@dataclass(frozen=True, slots=True, eq=False)
class LogisticMixed:
    """A logistic model with random intercepts at its maximum likelihood estimate.

    Attributes
    ----------
    beta : array, shape (p,)
        Log odds ratios given the unit.
    sigma : float
        SD of the intercepts, on the log odds scale.
    cov : array, shape (p + 1, p + 1)
        Inverse Hessian of the negative log-likelihood in (beta, sigma); at the boundary that of beta alone, with
        zeros for sigma.
    loglik : float
        Marginal log-likelihood of the single rows (no binomial coefficients).
    modes : array, shape (n_units,)
        Conditional modes of the units' intercepts.
    gradient : float
        Newton decrement of the deviance at the solution.
    boundary : bool
        Whether sigma was estimated as zero.
    """

    beta: Array
    sigma: float
    cov: Array
    loglik: float
    modes: Array
    gradient: float
    boundary: bool
    points: int


@dataclass(slots=True, eq=False)
class _Marginal:
    """The marginal log-likelihood and its gradient, eta = x beta + sigma v with v standard normal, unit by unit."""

    x: Array
    n: Array
    events: Array
    unit: NDArray[np.intp]
    points: int
    mode: Array = field(init=False)
    nodes: Array = field(init=False)
    weights: Array = field(init=False)
    size: int = field(init=False)

    def __post_init__(self) -> None:
        self.size = int(self.unit.max()) + 1
        self.mode = np.zeros(self.size)
        nodes, weights = np.polynomial.hermite.hermgauss(self.points)
        self.nodes, self.weights = np.sqrt(2) * nodes, weights * np.exp(nodes**2)

    def add(self, values: Array) -> Array:
        return np.bincount(self.unit, values, self.size).astype(np.float64)

    def find_modes(self, base: Array, sigma: float) -> None:
        """Conditional modes of v by Newton steps, all units at once; the posterior is log-concave."""
        v = self.mode
        for _ in range(_INNER):
            mu = expit(base + sigma * v[self.unit])
            step = (sigma * self.add(self.events - self.n * mu) - v) / (sigma**2 * self.add(self.n * mu * (1 - mu)) + 1)
            v = v + np.clip(step, -2, 2)
            if np.abs(step).max() < 1e-12:
                break
        self.mode = v

    def __call__(self, theta: Array) -> tuple[float, Array]:
        """Log-likelihood and gradient in (beta, sigma); nodes sit at mode + node x spread, and move with theta."""
        sigma, base = float(theta[-1]), self.x @ theta[:-1]
        self.find_modes(base, sigma)
        v = self.mode
        mu = expit(base + sigma * v[self.unit])
        w = self.n * mu * (1 - mu)
        w1 = w * (1 - 2 * mu)
        r_sum, w_sum, w1_sum = self.add(self.events - self.n * mu), self.add(w), self.add(w1)
        curve, third = -(sigma**2) * w_sum - 1, -(sigma**3) * w1_sum
        spread = 1 / np.sqrt(-curve)
        at = v + spread * self.nodes[:, None]
        value, share, left, pull = self._posterior(at, base, sigma, spread)
        # d log-likelihood = sum_k share (f_theta + f_v (d mode + node d spread)) + d spread / spread
        slope = share * (sigma * pull - at)  # share x f_v
        by_spread = ((slope * self.nodes[:, None]).sum(axis=0) + 1 / spread) * 0.5 * spread**3
        by_mode = (slope.sum(axis=0) + by_spread * third) / -curve  # what one unit of f_v theta contributes
        rows = left + by_mode[self.unit] * (-sigma * w) + by_spread[self.unit] * (-(sigma**2) * w1)
        by_sigma = (share * at * pull).sum() + by_mode @ (r_sum - sigma * v * w_sum)
        by_sigma += by_spread @ (-2 * sigma * w_sum - sigma**2 * v * w1_sum)
        return value, np.append(rows @ self.x, by_sigma)

    def _posterior(self, at: Array, base: Array, sigma: float, spread: Array) -> tuple[float, Array, Array, Array]:
        """Log-likelihood, each node's share of it, residuals of the cells averaged over nodes, and their unit sums."""
        logs, pull = np.empty_like(at), np.empty_like(at)
        residuals: list[Array] = []
        for k, weight in enumerate(self.weights):
            eta = base + sigma * at[k][self.unit]
            logs[k] = self.add(self.events * eta - self.n * np.logaddexp(0, eta)) - at[k] ** 2 / 2 + np.log(weight)
            residuals.append(self.events - self.n * expit(eta))
            pull[k] = self.add(residuals[k])
        top = logs.max(axis=0)
        share = np.exp(logs - top)
        total = share.sum(axis=0)
        share /= total
        left = np.zeros(len(self.n))
        for k, residual in enumerate(residuals):
            left += share[k][self.unit] * residual
        value = float((top + np.log(total) + np.log(spread)).sum()) - 0.5 * self.size * np.log(np.pi)
        return value, share, left, pull


def fit_logistic_mixed(x: Array, n: Array, events: Array, unit: NDArray[np.intp], points: int = 9) -> LogisticMixed:
    """Random-intercept logistic regression from cells, by adaptive Gauss-Hermite quadrature.

    Parameters
    ----------
    x : array, shape (n_cells, p)
        Design, of full column rank.
    n, events : arrays, shape (n_cells,)
        Rows (at least 1) and events.
    unit : int array, shape (n_cells,)
        0 to n_units - 1, each present.
    points : int
        Quadrature points a unit; 1 is the Laplace approximation.

    Raises
    ------
    DataError
        An outcome that is no count of events.
    ConvergenceError
        Separation, or a gradient that is not zero.

    References
    ----------
    Pinheiro & Bates (1995), J Comput Graph Stat 4, 12-35, section 2.4; the gradient is that of the quadrature itself.

    Examples
    --------
    >>> n, events = np.full(6, 40.0), np.array([4.0, 9, 14, 6, 20, 11])
    >>> fit = fit_logistic_mixed(np.ones((6, 1)), n, events, np.arange(6))
    >>> float(fit.beta[0]), fit.sigma
    (-1.09, 0.604)
    """
    glm = fit_glm(x, n, events, "binomial")
    root = np.linalg.inv(np.linalg.cholesky(glm.information)).T
    marginal = _Marginal(x, n, events, unit, points)
    whiten = np.eye(x.shape[1] + 1)
    whiten[:-1, :-1] = root
    whiten[-1, -1] = 1 / np.sqrt(2 * marginal.size)

    def objective(u: Array) -> tuple[float, Array]:
        value, gradient = marginal(np.append(glm.beta, 0.0) + whiten @ u)
        return -value, -(whiten.T @ gradient)

    begin = np.zeros(x.shape[1] + 1)
    begin[-1] = 0.4 / whiten[-1, -1]
    found = minimize(objective, begin, jac=True, method="BFGS", options={"gtol": 1e-6, "maxiter": 500})
    return _polish(marginal, np.append(glm.beta, 0.0) + whiten @ np.asarray(found.x), whiten)


def _hessian(marginal: _Marginal, theta: Array, whiten: Array) -> Array:
    """Hessian in whitened coordinates by central differences of the exact gradient."""
    size, step = len(theta), 1e-4
    out = np.empty((size, size))
    for j in range(size):
        up, down = marginal(theta + step * whiten[:, j])[1], marginal(theta - step * whiten[:, j])[1]
        out[j] = whiten.T @ (up - down) / (2 * step)
    return (out + out.T) / 2


def _polish(marginal: _Marginal, theta: Array, whiten: Array) -> LogisticMixed:
    """Newton steps to the last digit, the covariance, and the check that this is a maximum."""
    if theta[-1] < 0:
        theta = np.append(theta[:-1], -theta[-1])
        marginal.mode = -marginal.mode
    boundary, decrement, p = False, np.inf, len(theta) - 1
    for _ in range(8):
        hessian = -_hessian(marginal, theta, whiten)
        gradient = whiten.T @ marginal(theta)[1]
        boundary = abs(theta[-1]) < 1e-3 and hessian[-1, -1] > 0 and theta[-1] ** 2 * marginal.size < 1e-4
        free = p if boundary else p + 1
        if (np.linalg.eigvalsh(hessian[:free, :free]) <= 0).any():
            raise ConvergenceError("the likelihood has no maximum here: the Hessian is not negative definite.")
        step = np.zeros(p + 1)
        step[:free] = np.linalg.solve(hessian[:free, :free], gradient[:free])
        decrement = float(gradient[:free] @ step[:free])
        theta = theta + whiten @ step
        if boundary:
            theta[-1] = 0.0
        if decrement < _TOLERANCE**1.5:
            break
    if not 0 <= decrement < _TOLERANCE:
        raise ConvergenceError(f"the quadrature likelihood did not converge: Newton decrement {decrement:.1e}.")
    value, _ = marginal(theta)
    cov = np.zeros((p + 1, p + 1))
    inner = whiten[:free, :free]
    cov[:free, :free] = inner @ np.linalg.inv(hessian[:free, :free]) @ inner.T
    modes = float(theta[-1]) * marginal.mode
    return LogisticMixed(theta[:-1], float(theta[-1]), cov, value, modes, decrement, boundary, marginal.points)
