"""What would the units' models say of other draws of units? The same fits under many weightings at once."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize.elementwise import find_root

from microresearch.errors import ConvergenceError, DataError

Array = NDArray[np.float64]

_LOW, _HIGH = -16.0, 12.0  # log range of a variance ratio


def rescaled_weights(strata: NDArray[np.intp], n_draws: int, rng: np.random.Generator) -> Array:
    """Weights of bootstrap draws of units within strata, shape (n_draws, n_units).

    From a stratum of n units n - 1 are drawn with replacement and weighted by n / (n - 1), so that the spread within
    strata is neither lost nor shrunk; a unit alone keeps weight 1.

    References
    ----------
    Rao & Wu (1988), J Am Stat Assoc 83, 231-241, section 2.

    Examples
    --------
    >>> rescaled_weights(np.array([0, 0, 0, 1]), 2, np.random.default_rng(3)).sum(axis=1).tolist()
    [4.0, 4.0]
    """
    weights = np.ones((n_draws, len(strata)))
    for stratum in range(int(strata.max()) + 1):
        members = np.flatnonzero(strata == stratum)
        size = len(members)
        if size < 2:
            continue
        drawn = rng.integers(0, size, (n_draws, size - 1))
        counts = np.zeros((n_draws, size))
        np.add.at(counts, (np.arange(n_draws)[:, None], drawn), 1.0)
        weights[:, members] = counts * (size / (size - 1))
    return weights


@dataclass(frozen=True, slots=True, eq=False)
class _Fit:
    """Weighted least squares with strata as fixed effects, one a draw."""

    beta: Array  # (b, k)
    inverse: Array  # (b, k, k)
    fitted: Array  # (b, u)
    residual: Array  # (b, u)
    leverage: Array  # (b, u), of one copy with weight `single`
    rank: Array  # (b,)
    loose: Array  # (b,), above 0 where the last column is a combination of the others


def _project(weight: Array, single: Array, strata: NDArray[np.intp], x: Array, y: Array) -> _Fit:
    """Regress y (b, u) on strata and x (b, u, k) with weights (b, u), of which `single` is that of one copy."""
    _, units, k = x.shape
    columns = np.zeros((units, int(strata.max()) + 1))
    columns[np.arange(units), strata] = 1.0
    total = weight @ columns
    inverse_total = np.where(total > 0, 1 / np.where(total > 0, total, 1.0), 0.0)
    centre = ((weight * y) @ columns) * inverse_total
    y_in = y - centre[:, strata]
    x_in = np.empty_like(x)
    for j in range(k):
        x_in[:, :, j] = x[:, :, j] - ((((weight * x[:, :, j]) @ columns) * inverse_total)[:, strata])
    weighted = x_in * weight[:, :, None]
    gram = np.matmul(x_in.transpose(0, 2, 1), weighted)
    scale = 1 / np.sqrt(np.maximum(np.einsum("bkk->bk", gram), 1e-300))
    scaled = gram * scale[:, :, None] * scale[:, None, :]
    inverse, known = _pseudo_inverse(scaled)
    loose = 1 - (scaled[:, -1, :] * inverse[:, :, -1]).sum(axis=1) if k else np.zeros(len(x))
    inverse = inverse * scale[:, :, None] * scale[:, None, :]
    rank = (total > 0).sum(axis=1) + known
    beta = np.matmul(inverse, np.matmul(weighted.transpose(0, 2, 1), y_in[:, :, None]))[:, :, 0]
    residual = y_in - np.matmul(x_in, beta[:, :, None])[:, :, 0]
    leverage = single * (inverse_total[:, strata] + (np.matmul(x_in, inverse) * x_in).sum(axis=2))
    return _Fit(beta, inverse, y - residual, residual, leverage, rank, loose)


def _pseudo_inverse(scaled: Array) -> tuple[Array, NDArray[np.intp]]:
    """Moore-Penrose inverse and rank of symmetric matrices (b, k, k) by one eigendecomposition."""
    if not scaled.shape[-1]:
        return scaled, np.zeros(len(scaled), dtype=np.intp)
    values, vectors = np.linalg.eigh(scaled)
    size = np.abs(values)
    kept = size > 1e-9 * size.max(axis=1, keepdims=True)
    turned = vectors * np.where(kept, 1 / np.where(kept, values, 1.0), 0.0)[:, None, :]
    return np.matmul(turned, vectors.transpose(0, 2, 1)), (size > 1e-9).sum(axis=1)


def _root(slope: Callable[[Array, NDArray[np.intp]], Array], draws: int) -> Array:
    """The ratio at which the slope of -2 log-likelihood changes sign; 0 where it rises from the start.

    `slope` is told the ratios and the draws that they belong to: those that have converged are left out.

    References
    ----------
    Chandrupatla (1997), Advances in Engineering Software 28, 145-149.
    """

    def of_log(log: Array, at: NDArray[np.intp]) -> Array:
        return slope(np.exp(log), at)

    every = np.arange(draws)
    low, high = np.full(draws, np.exp(_LOW)), np.full(draws, np.exp(_HIGH))
    found = np.where(slope(low, every) > 0, 0.0, high)
    found = np.where(slope(np.zeros(draws), every) >= 0, 0.0, found)
    inside = np.flatnonzero((found > 0) & (slope(high, every) > 0))
    if len(inside):
        ends = (np.full(len(inside), _LOW), np.full(len(inside), _HIGH))
        solved = find_root(
            of_log, ends, args=(inside,),
            tolerances={"xatol": 1e-12, "xrtol": 0.0, "fatol": 0.0, "frtol": 0.0},
        )  # fmt: skip
        if not np.all(solved.success):
            raise ConvergenceError("a variance ratio was not found to 12 digits in every draw of units.")
        found[inside] = np.exp(solved.x)
    return np.where(found < 2 * np.exp(_LOW), 0.0, found)


@dataclass(frozen=True, slots=True, eq=False)
class Components:
    """Variance components of ratings, one a draw: `tau2`, `sigma2` (b,), and empirical-Bayes scores `eb` (b, u)."""

    tau2: Array
    sigma2: Array
    eb: Array


def rating_components(n: Array, mean: Array, ss: Array, draws: Array, strata: NDArray[np.intp], x: Array) -> Components:
    """REML variance components of ratings in units under every draw, strata and x held constant, and EB scores.

    Parameters
    ----------
    n, mean, ss : arrays, shape (n_units,)
        Raters, mean and sum of squares about it; units without raters have n = 0.
    draws : array, shape (b, n_units)
        Weights of the units.
    strata : int array, shape (n_units,)
    x : array, shape (n_units, k)
        Unit covariates.

    References
    ----------
    As `random_intercept` (numeric.variance), weighted; the slope is tr P - df y'PPy / RSS.
    """
    rated = n > 0
    if rated.sum() < 3:
        raise DataError("fewer than three units have raters.")
    size, score, spread = np.where(rated, n, 1.0), np.where(rated, mean, 0.0), np.where(rated, ss, 0.0)
    weights = draws * rated
    y = np.broadcast_to(score, weights.shape)
    z = np.broadcast_to(x, (len(draws), *x.shape))
    rows, inner = weights @ size, weights @ spread

    def fit(theta: Array, at: NDArray[np.intp]) -> tuple[_Fit, Array]:
        single = 1 / (theta[:, None] + 1 / size)
        return _project(weights[at] * single, single, strata, z[at], y[at]), single

    def slope(theta: Array, at: NDArray[np.intp]) -> Array:
        found, single = fit(theta, at)
        trace = (weights[at] * single * (1 - found.leverage)).sum(axis=1)
        squares = (weights[at] * (single * found.residual) ** 2).sum(axis=1)
        rss = inner[at] + (weights[at] * single * found.residual**2).sum(axis=1)
        return trace - (rows[at] - found.rank) * squares / rss

    theta = _root(slope, len(draws))
    found, single = fit(theta, np.arange(len(draws)))
    sigma2 = (inner + (weights * single * found.residual**2).sum(axis=1)) / (rows - found.rank)
    share = theta[:, None] / (theta[:, None] + 1 / size)
    return Components(theta * sigma2, sigma2, found.fitted + share * found.residual)


@dataclass(frozen=True, slots=True, eq=False)
class Slopes:
    """Coefficient of the last column, its Knapp-Hartung standard error, and tau2, one a draw; NaN where aliased."""

    estimate: Array
    se: Array
    tau2: Array
    df: Array


def effect_slopes(effect: Array, variance: Array, draws: Array, strata: NDArray[np.intp], x: Array) -> Slopes:
    """Random-effects regression of unit effects under every draw, strata held constant; the score is x's last column.

    Parameters
    ----------
    effect, variance : arrays, shape (n_units,)
        NaN for units without the outcome.
    x : array, shape (b, n_units, k)

    References
    ----------
    As `meta_regression` (numeric.meta) with independent effects, weighted.
    """
    known = np.isfinite(effect)
    y, v = np.where(known, effect, 0.0), np.where(known, variance, 1.0)
    weights = draws * known
    level = float(np.median(variance[known]))
    spread = np.broadcast_to(y, weights.shape)

    def fit(ratio: Array, at: NDArray[np.intp]) -> tuple[_Fit, Array]:
        single = 1 / (ratio[:, None] * level + v)
        return _project(weights[at] * single, single, strata, x[at], spread[at]), single

    def slope(ratio: Array, at: NDArray[np.intp]) -> Array:
        found, single = fit(ratio, at)
        trace = (weights[at] * single * (1 - found.leverage)).sum(axis=1)
        return trace - (weights[at] * (single * found.residual) ** 2).sum(axis=1)

    ratio = _root(slope, len(draws))
    found, single = fit(ratio, np.arange(len(draws)))
    df = weights.sum(axis=1) - found.rank
    scale = (weights * single * found.residual**2).sum(axis=1) / np.maximum(df, 1e-9)
    last = found.inverse[:, -1, -1]
    bad = (last <= 0) | (df < 1) | (found.loose > 1e-6)
    with np.errstate(invalid="ignore"):
        return Slopes(
            np.where(bad, np.nan, found.beta[:, -1]), np.where(bad, np.nan, np.sqrt(scale * np.maximum(last, 0))),
            ratio * level, df,
        )  # fmt: skip
