"""How far do units differ, and how does a mean depend on the unit? Random intercepts by REML, from sums."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import brentq

from microresearch.errors import ConvergenceError, DataError

Array = NDArray[np.float64]

_GRID = np.concatenate([[0.0], np.logspace(-6, 5, 34)])
_TOLERANCE = 1e-10


@dataclass(frozen=True, slots=True, eq=False)
class GroupMoments:
    """All that a random-intercept model needs of the rows: sums per group, of design and residuals about `start`.

    Attributes
    ----------
    n : array, shape (n_groups,)
        Rows.
    x_sum, xtx : arrays, shapes (n_groups, p) and (n_groups, p, p)
        Sums of the design rows and of their products.
    r_sum, xtr, rtr : arrays, shapes (n_groups,), (n_groups, p), (n_groups,)
        Sums of residuals, of design times residual, and of squared residuals about `start`.
    start : array, shape (p,)
        Ordinary least-squares coefficients; residuals about them keep the digits that raw squares would lose.
    """

    n: Array
    x_sum: Array
    xtx: Array
    r_sum: Array
    xtr: Array
    rtr: Array
    start: Array

    def keep(self, chosen: NDArray[np.bool_]) -> "GroupMoments":
        """The moments of some groups."""
        return GroupMoments(
            self.n[chosen], self.x_sum[chosen], self.xtx[chosen], self.r_sum[chosen], self.xtr[chosen],
            self.rtr[chosen], self.start,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class MixedFit:
    """A random-intercept model at its REML estimate.

    Attributes
    ----------
    beta, cov : arrays, shapes (p,) and (p, p)
        Coefficients in outcome units per design unit, and their model-based covariance.
    tau2, sigma2 : float
        Variance between groups (intercepts) and within, in squared outcome units.
    loglik : float
        Restricted log-likelihood with its constants, as lme4 reports it.
    gradient : float
        Newton decrement of the profiled deviance in the log variance ratio: 0 at the optimum (and at the boundary).
    boundary : bool
        Whether the variance between groups was estimated as zero.
    """

    beta: Array
    cov: Array
    tau2: float
    sigma2: float
    loglik: float
    gradient: float
    boundary: bool
    n_rows: int
    n_groups: int
    _slope: Array  # derivative of cov in (theta, sigma2), shape (2, p, p)
    _varcov: Array  # asymptotic covariance of (theta, sigma2), shape (2, 2)

    @property
    def icc(self) -> float:
        """Share of the (adjusted) variance that lies between groups."""
        return self.tau2 / (self.tau2 + self.sigma2)

    def satterthwaite(self, contrast: Array) -> float:
        """Degrees of freedom of one contrast of the coefficients, shape (p,).

        With the variance between groups on its boundary only the residual variance is uncertain, and the result is
        rows less coefficients, as in lmerTest: too many for a unit-level coefficient, so cap it there.

        References
        ----------
        Fai & Cornelius (1996), J Stat Comput Simul 54, 363-378; Kuznetsova, Brockhoff & Christensen (2017),
        J Stat Softw 82(13), eq. 6. doi:10.18637/jss.v082.i13
        """
        variance = float(contrast @ self.cov @ contrast)
        slope = np.einsum("i,kij,j->k", contrast, self._slope, contrast)
        return float(2 * variance**2 / (slope @ self._varcov @ slope))


def group_moments(x: Array, n: Array, y_sum: Array, y_sumsq: Array, group: NDArray[np.intp]) -> GroupMoments:
    """Sums per group from cells: rows that share a design row (a table of single rows is cells with n = 1).

    Parameters
    ----------
    x : array, shape (n_cells, p)
        Design, of full column rank.
    n, y_sum, y_sumsq : arrays, shape (n_cells,)
        Rows, sum and sum of squares of the outcome; every n at least 1.
    group : int array, shape (n_cells,)
        Group of each cell, 0 to n_groups - 1, each present.

    Raises
    ------
    DataError
        A cell without rows, or a design that is not of full column rank.
    """
    if (n < 1).any():
        raise DataError("a cell without rows cannot enter a model.")
    root = np.sqrt(n)
    start, _, rank, _ = np.linalg.lstsq(x * root[:, None], y_sum / root, rcond=None)
    if rank < x.shape[1]:
        raise DataError(f"the design has {x.shape[1]} columns but rank {rank}; drop the aliased ones.")
    within = np.clip(y_sumsq - y_sum**2 / n, 0, None)
    r_sum = y_sum - n * (x @ start)
    size, p = int(group.max()) + 1, x.shape[1]
    xtx = np.empty((size, p, p))
    order = np.argsort(group, kind="stable")
    starts = np.searchsorted(group[order], np.arange(size))
    for g, rows in enumerate(np.split(order, starts[1:])):
        xtx[g] = (x[rows] * n[rows, None]).T @ x[rows]

    def add(values: Array) -> Array:
        return np.add.reduceat(values[order], starts, axis=0)

    return GroupMoments(
        n=add(n), x_sum=add(x * n[:, None]), xtx=xtx, r_sum=add(r_sum), xtr=add(x * r_sum[:, None]),
        rtr=add(within + r_sum**2 / n), start=np.asarray(start, float),
    )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class _Profile:
    """The pieces of the restricted likelihood at one variance ratio theta = tau2 / sigma2."""

    inverse: Array  # A^-1, A = X' (I + theta Z Z')^-1 X
    logdet: float  # log |A|
    beta: Array  # about start
    q: float  # generalised residual sum of squares
    deviance: float  # profiled over sigma2, without constants
    first: Array  # theta-derivatives of (log |I + theta Z Z'|, log |A|, q)
    second: Array


class _Reml:
    """The profiled restricted likelihood of one set of moments (Bates et al. 2015, eq. 41, in the variance ratio)."""

    def __init__(self, m: GroupMoments) -> None:
        self.m = m
        self.xtx, self.xtr, self.rtr = m.xtx.sum(axis=0), m.xtr.sum(axis=0), float(m.rtr.sum())
        self.scale = 1 / np.sqrt(np.diag(self.xtx))
        self.gram = self.xtx * np.outer(self.scale, self.scale)
        self.free = float(m.n.sum()) - self.xtx.shape[0]

    def __call__(self, theta: float) -> _Profile:
        m, s = self.m, self.scale
        shrink = 1 + m.n * theta
        w, w1, w2 = theta / shrink, 1 / shrink**2, -2 * m.n / shrink**3
        sx = m.x_sum * s
        a = self.xtx * np.outer(s, s) - (sx * w[:, None]).T @ sx
        factor = cho_factor(a, lower=True)
        inverse: Array = np.asarray(cho_solve(factor, np.eye(len(s))))
        beta: Array = inverse @ (self.xtr * s - sx.T @ (w * m.r_sum))
        left = m.r_sum - sx @ beta
        q = self.rtr - 2 * beta @ (self.xtr * s) + beta @ (self.xtx * np.outer(s, s)) @ beta - float(w @ left**2)
        a1, a2 = -(sx * w1[:, None]).T @ sx, -(sx * w2[:, None]).T @ sx
        drift = -sx @ (inverse @ (-sx.T @ (w1 * left)))  # d left / d theta
        ratio = inverse @ a1
        first = np.array([(m.n / shrink).sum(), np.trace(ratio), -(w1 @ left**2)])
        second = np.array(
            [
                -((m.n / shrink) ** 2).sum(),
                np.trace(inverse @ a2) - np.trace(ratio @ ratio),
                -(w2 @ left**2) - 2 * (w1 @ (left * drift)),
            ]
        )
        logdet = 2 * float(np.log(np.diag(factor[0])).sum()) - 2 * float(np.log(s).sum())
        deviance = self.free * np.log(q) + float(np.log(shrink).sum()) + logdet
        return _Profile(inverse * np.outer(s, s), logdet, beta * s, float(q), float(deviance), first, second)

    def deviances(self, thetas: Array) -> Array:
        """The profiled deviance alone, at every ratio."""
        m, s = self.m, self.scale
        w = thetas[:, None] / (1 + m.n * thetas[:, None])
        sx = m.x_sum * s
        root = np.linalg.cholesky(self.gram - (sx.T * w[:, None, :]) @ sx)
        pull = np.linalg.solve(root, (self.xtr * s - (w * m.r_sum) @ sx)[:, :, None])[:, :, 0]
        q = self.rtr - w @ m.r_sum**2 - (pull**2).sum(axis=1)
        logs = np.log1p(m.n * thetas[:, None]).sum(axis=1)
        logs += 2 * np.log(np.diagonal(root, axis1=1, axis2=2)).sum(axis=1)
        return self.free * np.log(np.maximum(q, 1e-300)) + logs

    def slope(self, theta: float) -> float:
        return self.tilt(self(theta))

    def tilt(self, at: _Profile) -> float:
        return float(self.free * at.first[2] / at.q + at.first[0] + at.first[1])

    def curvature(self, at: _Profile) -> float:
        return float(self.free * (at.second[2] / at.q - (at.first[2] / at.q) ** 2) + at.second[0] + at.second[1])


def _root(reml: _Reml, low: float, high: float) -> float:
    """Where the slope of the deviance changes sign: Newton in the log ratio, by Brent where that leaves the bracket."""
    theta, last = float(np.sqrt(low * high)), np.inf
    while low > 0:
        at = reml(theta)
        slope = reml.tilt(at) * theta
        step = -slope / (reml.curvature(at) * theta**2 + slope)
        moved = theta * float(np.exp(np.clip(step, -3, 3)))
        if abs(step) <= 1e-13 or (abs(step) < 1e-8 and abs(step) >= last / 2):
            return theta
        if not low < moved < high or abs(step) >= last:
            break
        theta, last = moved, abs(step)
    found, _ = brentq(reml.slope, low, high, xtol=1e-300, rtol=4 * np.finfo(float).eps, maxiter=500, full_output=True)
    return float(found)


def _optimum(reml: _Reml) -> tuple[float, float]:
    """The variance ratio at the lowest deviance over the whole half line, and its Newton decrement."""
    unit = reml.m.n.sum() / (reml.m.n**2).sum()  # the grid counts in ratios that matter at these group sizes
    grid = _GRID * unit
    best = int(np.argmin(reml.deviances(grid)))
    if best == len(grid) - 1:
        raise ConvergenceError("the variance within groups goes to zero: a random intercept is not identified.")
    low, high = grid[max(best - 1, 0)], grid[best + 1]
    if best == 0 and reml.slope(0.0) >= 0:
        return 0.0, 0.0
    theta = _root(reml, low, high)
    decrement = reml.slope(theta) ** 2 / abs(reml.curvature(reml(theta)))
    return theta, float(decrement)


def fit_mixed(moments: GroupMoments) -> MixedFit:
    """Random-intercept linear model, restricted maximum likelihood, profiled over the variance ratio.

    Parameters
    ----------
    moments : GroupMoments
        From `group_moments`; the rows themselves are not needed, whatever their number.

    Raises
    ------
    DataError
        No group with two rows, or no rows left over the coefficients.
    ConvergenceError
        A residual variance of zero, or a gradient that is not zero at the solution.

    References
    ----------
    Bates, Mächler, Bolker & Walker (2015), J Stat Softw 67(1), section 3.4. doi:10.18637/jss.v067.i01

    Examples
    --------
    >>> y, group = np.array([1.0, 2, 3, 4, 7, 9]), np.array([0, 0, 1, 1, 2, 2])
    >>> fit = fit_mixed(group_moments(np.ones((6, 1)), np.ones(6), y, y**2, group))
    >>> float(fit.beta[0]), fit.tau2, fit.sigma2
    (4.33, 10.58, 1.00)
    """
    reml = _Reml(moments)
    if reml.free < 1 or moments.n.max() < 2:
        raise DataError("a random intercept needs a group of two rows or more, and more rows than coefficients.")
    if float(moments.rtr.sum()) <= 1e-24 * float(moments.start @ reml.xtx @ moments.start):
        raise ConvergenceError("the design fits the outcome without error: there is no variance to divide.")
    theta, decrement = _optimum(reml)
    if decrement > _TOLERANCE:
        raise ConvergenceError(f"REML did not reach its optimum: Newton decrement {decrement:.1e} > {_TOLERANCE:.0e}.")
    at = reml(theta)
    sigma2 = at.q / reml.free
    slope, varcov = _uncertainty(reml, at, theta, sigma2)
    loglik = -0.5 * (at.deviance + reml.free * (1 + np.log(2 * np.pi / reml.free)))
    return MixedFit(
        beta=moments.start + at.beta, cov=sigma2 * at.inverse, tau2=theta * sigma2, sigma2=sigma2, loglik=loglik,
        gradient=decrement, boundary=theta == 0, n_rows=int(moments.n.sum()), n_groups=len(moments.n),
        _slope=slope, _varcov=varcov,
    )  # fmt: skip


def _uncertainty(reml: _Reml, at: _Profile, theta: float, sigma2: float) -> tuple[Array, Array]:
    """Derivatives of cov(beta) in (theta, sigma2), and twice the inverse Hessian of the deviance in them."""
    sx = reml.m.x_sum
    a1 = -(sx / (1 + reml.m.n * theta)[:, None] ** 2).T @ sx
    slope = np.stack([-sigma2 * at.inverse @ a1 @ at.inverse, at.inverse])
    hessian = np.array(
        [
            [at.second[0] + at.second[1] + at.second[2] / sigma2, -at.first[2] / sigma2**2],
            [-at.first[2] / sigma2**2, reml.free / sigma2**2],
        ]
    )
    varcov = np.zeros((2, 2))
    if theta == 0:
        varcov[1, 1] = 2 / hessian[1, 1]
    else:
        varcov = 2 * np.linalg.inv(hessian)
    return slope, varcov
