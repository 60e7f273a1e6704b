"""How do continuous and ordered variables correlate? Polyserials, polychorics and Pearson's r, with one covariance."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import ndtr

from microresearch.numeric.ordinal.bivariate import normal_density
from microresearch.numeric.ordinal.categories import Coded, encode
from microresearch.numeric.ordinal.covariance import influence, threshold_influence
from microresearch.numeric.ordinal.pairs import FLOOR, LIMIT, EmptyCells, PairFit, fit_pairs, pair_index

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class MixedFit:
    """Correlations of ordered and continuous variables.

    Attributes
    ----------
    rho : array, shape (n_pairs,)
        Lower triangle by rows.
    n : int array, shape (n_pairs,)
        Persons who have both.
    thresholds : tuple of arrays
        One array an ordered variable, in the columns' order.
    influence : array, shape (n_persons, n_thresholds + n_pairs)
        `influence.T @ influence` is the asymptotic covariance.
    at_limit : bool array, shape (n_pairs,)
        The likelihood climbs to the limit.
    corrected, converged : bool arrays, shape (n_pairs,)
        An empty cell was filled; the score is zero at rho.
    """

    rho: Floats
    n: NDArray[np.int64]
    thresholds: tuple[Floats, ...]
    influence: Floats
    at_limit: Bools
    corrected: Bools
    converged: Bools


@dataclass(frozen=True, slots=True, eq=False)
class _Margin:
    """One variable: standardised values or thresholds, its own influence, and who has it."""

    seen: Bools
    own: Floats
    z: Floats | None = None
    upper: Floats | None = None
    lower: Floats | None = None
    codes: NDArray[np.int64] | None = None


def fit_mixed(values: Floats, continuous: Bools, empty_cells: EmptyCells = "lavaan") -> MixedFit:
    """Two-step maximum likelihood of every pair, margins first (Olsson, Drasgow & Dorans 1982, section 3).

    Parameters
    ----------
    values : array, shape (n_persons, n_variables)
        NaN where missing.
    continuous : bool array, shape (n_variables,)
    empty_cells : as in `fit_pairs`, for pairs of ordered variables

    References
    ----------
    Olsson, Drasgow & Dorans (1982), Psychometrika 47, 337-347. doi:10.1007/BF02294164
    Muthén (1984), Psychometrika 49, 115-132. doi:10.1007/BF02294210
    """
    n, p = values.shape
    first, second = pair_index(p)
    rho, at_limit, corrected = np.zeros(len(first)), np.zeros(len(first), np.bool_), np.zeros(len(first), np.bool_)
    converged = np.ones(len(first), np.bool_)
    moved = np.zeros((n, len(first)))
    ordered = np.flatnonzero(~continuous)
    thresholds: tuple[Floats, ...] = ()
    head = np.zeros((n, 0))
    margins: list[_Margin] = [_continuous_margin(x) for x in values.T]
    if ordered.size:
        coded = encode(values[:, ordered])
        fit = fit_pairs(coded, empty_cells)
        all_influence = influence(coded, fit)
        n_thresholds = all_influence.shape[1] - len(fit.rho)
        head = all_influence[:, :n_thresholds]
        thresholds = tuple(fit.thresholds[j, 1:k] for j, k in enumerate(coded.n_categories))
        for j, margin in zip(ordered, _ordered_margins(coded, fit), strict=True):
            margins[j] = margin
        inside = ~continuous[first] & ~continuous[second]
        rho[inside], at_limit[inside], corrected[inside] = fit.rho, fit.at_limit, fit.corrected
        converged[inside], moved[:, inside] = fit.converged, all_influence[:, n_thresholds:]
    for k in np.flatnonzero(continuous[first] | continuous[second]):
        a, b = margins[first[k]], margins[second[k]]
        rho[k], at_limit[k], moved[:, k] = _fit_pair(a, b) if a.z is not None else _fit_pair(b, a)
    answered = (~np.isnan(values)).astype(np.float64)
    together = np.rint(answered.T @ answered).astype(np.int64)[first, second]
    return MixedFit(rho, together, thresholds, np.hstack([head, moved]), at_limit, corrected, converged)


def _continuous_margin(values: Floats) -> _Margin:
    seen = ~np.isnan(values)
    spread = values[seen].std() if seen.any() else 0.0
    z = np.where(seen, (values - values[seen].mean()) / spread, 0.0) if spread > 0 else np.zeros(len(values))
    scores = np.column_stack([z, (z * z - 1) / 2]) * seen[:, None]
    own = scores @ np.linalg.pinv(scores.T @ scores)
    return _Margin(seen, own, z=z)


def _ordered_margins(coded: Coded, fit: PairFit) -> list[_Margin]:
    own = threshold_influence(coded, fit.thresholds)
    out = []
    for j, k in enumerate(coded.n_categories):
        codes = coded.codes[:, j]
        seen = codes >= 0
        moved = own[j][codes][:, : k - 1] * seen[:, None]
        edges = fit.thresholds[j]
        out.append(_Margin(seen, moved, upper=edges[codes + 1], lower=edges[np.maximum(codes, 0)], codes=codes))
    return out


def _fit_pair(x: _Margin, y: _Margin) -> tuple[float, bool, Floats]:
    """Correlation of continuous x with y, whether it is at the limit, and each person's influence."""
    both = x.seen & y.seen
    scores = _pearson_scores if y.z is not None else _polyserial_scores

    def score(at: float) -> float:
        return float(scores(x, y, at)[0][both].sum())

    low, high = score(-LIMIT), score(LIMIT)
    if low <= 0 or high >= 0:
        rho, at_limit = (-LIMIT if low <= 0 else LIMIT), True
    else:
        rho, at_limit = _root(score), False
    own, by_x, by_y = scores(x, y, rho)
    own, by_x, by_y = own * both, by_x * both[:, None], by_y * both[:, None]
    moved = own - x.own @ (by_x.T @ own) - y.own @ (by_y.T @ own)
    return rho, at_limit, moved / (own @ own)


def _root(score: Callable[[float], float]) -> float:
    root = brentq(score, -LIMIT, LIMIT, xtol=1e-12)
    assert isinstance(root, float)
    return root


def _pearson_scores(x: _Margin, y: _Margin, rho: float) -> tuple[Floats, Floats, Floats]:
    """Scores of the bivariate normal by rho and by the mean and variance of x and of y."""
    assert x.z is not None
    assert y.z is not None
    free = 1 - rho * rho
    a, b = x.z, y.z
    own = rho / free + (a * b * (1 + rho * rho) - rho * (a * a + b * b)) / free**2
    by_x = np.column_stack([(a - rho * b) / free, (a * (a - rho * b) / free - 1) / 2])
    by_y = np.column_stack([(b - rho * a) / free, (b * (b - rho * a) / free - 1) / 2])
    return own, by_x, by_y


def _polyserial_scores(x: _Margin, y: _Margin, rho: float) -> tuple[Floats, Floats, Floats]:
    """Scores by rho, by the mean and variance of x and by the thresholds of y (Olsson et al. 1982, eqs. 15-20)."""
    assert x.z is not None
    assert y.upper is not None
    assert y.lower is not None
    assert y.codes is not None
    z, root = x.z, np.sqrt(1 - rho * rho)
    upper, lower = (y.upper - rho * z) / root, (y.lower - rho * z) / root
    flip = lower > 0
    share = np.maximum(ndtr(np.where(flip, -lower, upper)) - ndtr(np.where(flip, -upper, lower)), FLOOR)
    at_upper, at_lower = normal_density(upper) / share, normal_density(lower) / share
    own = (at_upper * (rho * y.upper - z) - at_lower * (rho * y.lower - z)) / root**3
    by_z = -rho / root * (at_upper - at_lower)
    by_x = np.column_stack([z - by_z, (z * z - 1) / 2 - by_z * z / 2])
    by_y = np.zeros((len(z), y.own.shape[1]))
    s = np.arange(by_y.shape[1])
    by_y += (y.codes[:, None] == s) * (at_upper / root)[:, None]
    by_y -= (y.codes[:, None] == s + 1) * (at_lower / root)[:, None]
    return own, by_x, by_y
