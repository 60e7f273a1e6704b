"""What does one factor explain within groups, and what between them? A two-level model by maximum likelihood."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from microresearch.errors import ConvergenceError, DataError
from microresearch.numeric.moments import Floats, group_sums
from microresearch.numeric.one_factor import fit_ml

TINY, ROUNDING = 1e-18, 1e-9
"""Predicted falls of -2 log-likelihood: where to stop, and where rounding hides them."""
MAX_STEPS = 300
NOTHING = 1e-6
"""Variance between groups, as a share of that within, that counts as none."""
STEP = 1e-5


@dataclass(frozen=True, slots=True, eq=False)
class TwoLevel:
    """Sigma within = a a' + diag(p), Sigma between = b b' + diag(q); group means vary freely around one mean.

    Attributes
    ----------
    within, between : arrays, shape (2, k)
        Loadings, then unique variances, in the items' units.
    covariance, robust : arrays, shape (4k, 4k)
        Of (loadings within, unique within, loadings between, unique between): from the observed information, and
        robust to non-normal answers (groups being independent).
    loglik : float
    n_groups : int
    gradient : float
        Largest derivative left of the free parameters, per parameter's standard error.
    held : bool array, shape (2, k)
        Unique variances, within and between, that would be negative and are held at zero; without variance then.
    """

    within: Floats
    between: Floats
    covariance: Floats
    robust: Floats
    loglik: float
    n_groups: int
    gradient: float
    held: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class _Data:
    scatter: Floats  # (groups, k, k) within each group
    means: Floats  # (groups, k)
    size: Floats  # (groups,)
    sizes: Floats  # distinct
    which: NDArray[np.int64]  # place of each group's size in sizes

    def deviations(self, inverses: Floats, shift: Floats | float = 0.0) -> Floats:
        """Group means from the mean that is best under these inverse variances, one a distinct size, plus a shift."""
        w = inverses[self.which]
        mean = np.linalg.solve(w.sum(axis=0), np.einsum("gij,gj->i", w, self.means))
        return self.means - mean - shift


def fit_two_level(x: Floats, groups: NDArray[np.int64]) -> TwoLevel:
    """Fit one factor at each level to complete answers, unbalanced groups exactly.

    Parameters
    ----------
    x : array, shape (n, k), k of 3 or more
    groups : int array, shape (n,)
        0, 1, ... without gaps.

    Raises
    ------
    DataError
        Fewer than three items, or fewer groups or persons than twice the items.
    ConvergenceError
        The likelihood has no optimum that the search could reach.

    References
    ----------
    McDonald & Goldstein (1989), British Journal of Mathematical and Statistical Psychology 42, 215-232, eq. 3.2.
    """
    data = _gather(x, groups)
    n, k = x.shape
    if k < 3 or len(data.size) < 2 * k or n - len(data.size) < 2 * k:
        raise DataError(f"{len(data.size)} groups of {n} persons cannot carry a factor of {k} items at both levels; "
                        "it takes 3 items, and groups and persons twice as many as items.")  # fmt: skip
    theta, free, left = _climb(_start(data), data)
    return _finished(theta, free, data, left, n)


def _climb(theta: Floats, data: _Data) -> tuple[Floats, NDArray[np.bool_], float]:
    """Fisher scoring with unique variances at zero or above; also the free parameters, and their largest slope left."""
    k = len(theta) // 4
    unique, gone = np.tile(np.repeat([False, True], k), 2), np.zeros(4 * k, dtype=np.bool_)
    value = _minus_two(theta, data)
    for _ in range(MAX_STEPS):
        if not gone.any() and _size(theta[2 * k :]) < NOTHING * _size(theta[: 2 * k]):
            gone[2 * k :] = True  # groups differ no more than chance: nothing is left between them
            theta = np.where(gone, 0.0, theta)
            value = _minus_two(theta, data)
        slope = _slopes(theta, data).sum(axis=0)
        free = ~gone & ~(unique & (theta <= 0) & (slope > 0))
        step = np.zeros(len(theta))
        step[free] = -np.linalg.solve(_expected(theta, data)[np.ix_(free, free)], slope[free])
        decrement = -float(slope @ step)
        if decrement < TINY:
            break
        if decrement < ROUNDING:  # no smaller value can be told from this one: step freely
            theta = np.where(unique, np.maximum(theta + step, 0.0), theta + step)
            continue
        theta, value, moved = _search(theta, step, value, unique, data)
        if not moved:
            break
    slope = _slopes(theta, data).sum(axis=0)
    free = ~gone & ~(unique & (theta <= 0) & (slope > 0))
    scale = np.sqrt(np.diag(np.linalg.inv(_expected(theta, data)[np.ix_(free, free)])))
    left = float(np.abs(slope[free] * scale).max())
    if left > 1e-4:
        raise ConvergenceError(f"the two-level factor model did not converge: scaled gradient {left:.1e}.")
    return theta, free, left


def _size(part: Floats) -> float:
    """Variance that loadings and unique variances of one level make up."""
    loadings, psi = part.reshape(2, -1)
    return float((loadings**2).sum() + psi.sum())


def _finished(theta: Floats, free: NDArray[np.bool_], data: _Data, left: float, n: int) -> TwoLevel:
    k, value, rows = len(theta) // 4, _minus_two(theta, data), np.ix_(free, free)
    for at in (0, 2 * k):  # the sign of a factor is free: the sum of its loadings is not negative
        if theta[at : at + k].sum() < 0:
            theta = np.where((np.arange(4 * k) >= at) & (np.arange(4 * k) < at + k), -theta, theta)
    hessian = np.empty((4 * k, 4 * k))
    for i in range(4 * k):
        step = np.zeros(4 * k)
        step[i] = STEP * max(abs(theta[i]), 0.1)
        ends = [_slopes(theta + sign * step, data).sum(axis=0) for sign in (1, -1)]
        hessian[i] = (ends[0] - ends[1]) / (2 * step[i])
    inverse = np.zeros((4 * k, 4 * k))
    inverse[rows] = np.linalg.inv(((hessian + hessian.T) / 2)[rows])
    scores = (_slopes(theta, data) - _through_mean(theta, data)) @ inverse
    loglik = -0.5 * (value + n * k * np.log(2 * np.pi) + k * np.log(data.size).sum())
    made, held = theta.reshape(4, k), ~free.reshape(4, k)
    return TwoLevel(made[:2], made[2:], 2 * inverse, scores.T @ scores, float(loglik), len(data.size), left, held[1::2])


def _through_mean(theta: Floats, data: _Data) -> Floats:
    """What of each group's slopes goes through the mean, which is estimated too, shape (groups, 4k)."""
    k = len(theta) // 4
    within, between = _sigmas(theta)
    inverses = _inverse(between + within / data.sizes[:, None, None])
    by_mean = -2 * np.einsum("gij,gj->gi", inverses[data.which], data.deviations(inverses))
    crossed = np.empty((k, 4 * k))
    for i, step in enumerate(np.eye(k) * STEP):
        crossed[i] = (_slopes(theta, data, step) - _slopes(theta, data, -step)).sum(axis=0) / (2 * STEP)
    return by_mean @ np.linalg.solve(2 * inverses[data.which].sum(axis=0), crossed)


def _gather(x: Floats, groups: NDArray[np.int64]) -> _Data:
    n_groups = int(groups.max()) + 1
    size = np.bincount(groups, minlength=n_groups).astype(np.float64)
    means = np.column_stack([group_sums(column, groups, n_groups) / size for column in x.T])
    away = x - means[groups]
    k = x.shape[1]
    scatter = np.empty((n_groups, k, k))
    for i in range(k):
        for j in range(i + 1):
            scatter[:, i, j] = scatter[:, j, i] = group_sums(away[:, i] * away[:, j], groups, n_groups)
    sizes, which = np.unique(size, return_inverse=True)
    return _Data(scatter, means, size, sizes, which.astype(np.int64))


def _start(data: _Data) -> Floats:
    df = data.size.sum() - len(data.size)
    within = data.scatter.sum(axis=0) / df
    fit = fit_ml(within[None])
    if not fit.converged[0]:
        raise ConvergenceError("maximum likelihood found no one-factor solution for the answers within groups.")
    between = np.cov(data.means, rowvar=False) - within * (1 / data.size).mean()
    values, vectors = np.linalg.eigh(between)
    floor = 0.05 * np.trace(within) / len(within)
    first = vectors[:, -1] * np.sqrt(max(values[-1], floor)) * 0.8
    unique = np.maximum(np.diag(between) - first**2, 0.2 * floor)
    return np.concatenate([fit.loadings[0], fit.psi[0], first, unique])


def _sigmas(theta: Floats) -> tuple[Floats, Floats]:
    a, p, b, q = theta.reshape(4, -1)
    return np.outer(a, a) + np.diag(p), np.outer(b, b) + np.diag(q)


def _minus_two(theta: Floats, data: _Data) -> float:
    """-2 log-likelihood without constants; infinite where a variance matrix is not positive definite."""
    within, between = _sigmas(theta)
    of_means = between + within / data.sizes[:, None, None]
    if np.linalg.eigvalsh(within)[0] <= 1e-10 or np.linalg.eigvalsh(of_means)[:, 0].min() <= 1e-10:
        return np.inf
    inverses = _inverse(of_means)
    away = data.deviations(inverses)
    df = data.size.sum() - len(data.size)
    value = df * np.linalg.slogdet(within)[1] + np.trace(np.linalg.solve(within, data.scatter.sum(axis=0)))
    value += np.linalg.slogdet(of_means)[1][data.which].sum()
    return float(value + np.einsum("gi,gij,gj->", away, inverses[data.which], away))


def _slopes(theta: Floats, data: _Data, shift: Floats | float = 0.0) -> Floats:
    """Derivative of each group's part of -2 log-likelihood, shape (groups, 4k), at the best mean plus a shift."""
    k = len(theta) // 4
    within, between = _sigmas(theta)
    inverse = np.linalg.inv(within)
    inverses = _inverse(between + within / data.sizes[:, None, None])
    side = np.einsum("gij,gj->gi", inverses[data.which], data.deviations(inverses, shift))
    by_between = inverses[data.which] - side[:, :, None] * side[:, None, :]
    by_within = (data.size - 1)[:, None, None] * inverse - inverse @ data.scatter @ inverse
    by_within = by_within + by_between / data.size[:, None, None]
    parts: list[Floats] = []
    for matrix, loadings in ((by_within, theta[:k]), (by_between, theta[2 * k : 3 * k])):
        parts += [2 * matrix @ loadings, np.einsum("gii->gi", matrix)]
    return np.concatenate(parts, axis=1)


def _expected(theta: Floats, data: _Data) -> Floats:
    """Expected second derivatives of -2 log-likelihood, shape (4k, 4k)."""
    k = len(theta) // 4
    within, between = _sigmas(theta)
    moved = np.zeros((4 * k, 2, k, k))  # derivative of Sigma within and of Sigma between by each parameter
    for level in (0, 1):
        loadings = theta[2 * k * level : 2 * k * level + k]
        for i in range(k):
            moved[2 * k * level + i, level, i, :] += loadings
            moved[2 * k * level + i, level, :, i] += loadings
            moved[2 * k * level + k + i, level, i, i] = 1.0
    df = data.size.sum() - len(data.size)
    total = df * _products(_inverse(within), moved[:, 0])
    counts = np.bincount(data.which)
    for count, size in zip(counts, data.sizes, strict=True):
        total += count * _products(_inverse(between + within / size), moved[:, 1] + moved[:, 0] / size)
    return total


def _inverse(matrices: Floats) -> Floats:
    return np.asarray(np.linalg.inv(matrices), dtype=np.float64)


def _products(inverse: Floats, moved: Floats) -> Floats:
    """tr(V^-1 dV_a V^-1 dV_b) of all pairs of parameters."""
    turned = inverse @ moved
    return np.einsum("aij,bji->ab", turned, turned)


def _search(
    theta: Floats, step: Floats, value: float, unique: NDArray[np.bool_], data: _Data
) -> tuple[Floats, float, bool]:
    """Halve the step until -2 log-likelihood falls; unique variances stop at zero."""
    for halving in range(40):
        trial = theta + step * 0.5**halving
        trial = np.where(unique, np.maximum(trial, 0.0), trial)
        after = _minus_two(trial, data)
        if after < value:
            return trial, after, True
    return theta, value, False
