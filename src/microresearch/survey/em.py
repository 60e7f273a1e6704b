"""What are the means and covariances of items of which some answers are missing? Maximum likelihood by EM."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from microresearch.errors import ConvergenceError, DataError

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Pattern:
    """The people who miss the same items: which are observed, which are missing, and who they are."""

    observed: NDArray[np.intp]
    missing: NDArray[np.intp]
    rows: NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class NormalMoments:
    """Maximum-likelihood moments of multivariate normal data with values missing at random.

    Attributes
    ----------
    mean : array, shape (n_items,)
    cov : array, shape (n_items, n_items)
        Divided by n, not n - 1.
    patterns : tuple of Pattern
        Patterns with at least one observed value.
    n_used : int
        People with at least one observed value.
    iterations : int
    change : float
        Largest change of a parameter, in standard deviations, in the last step.
    """

    mean: Floats
    cov: Floats
    patterns: tuple[Pattern, ...]
    n_used: int
    iterations: int
    change: float


def patterns_of(x: Floats) -> tuple[Pattern, ...]:
    """The missing-data patterns of persons x items, those with nothing observed left out."""
    seen = ~np.isnan(x)
    kinds, which = np.unique(seen, axis=0, return_inverse=True)
    which = which.ravel()
    return tuple(
        Pattern(np.flatnonzero(kind), np.flatnonzero(~kind), np.flatnonzero(which == i))
        for i, kind in enumerate(kinds)
        if kind.any()
    )


def em_normal(x: Floats, tolerance: float = 1e-8, max_iterations: int = 2000) -> NormalMoments:
    """Mean and covariance of incomplete data.

    Parameters
    ----------
    x : array, shape (n_persons, n_items)
        NaN where missing.
    tolerance : float
        Stop when no mean and no covariance, in units of the items' standard deviations, moves by more.

    Raises
    ------
    DataError
        An item without variance among its answers, or fewer people than items.
    ConvergenceError
        The tolerance was not reached.

    References
    ----------
    Little & Rubin (2002), Statistical Analysis with Missing Data, 2nd ed., section 11.2.1.
    """
    kinds = patterns_of(x)
    n, k = sum(len(kind.rows) for kind in kinds), x.shape[1]
    spread = np.array([np.nanstd(column) if not np.isnan(column).all() else 0.0 for column in x.T])
    if n <= k or not (spread > 0).all():
        raise DataError(f"moments of {k} items need more than {k} people and items that vary; got {n} people.")
    centre = np.nanmean(x, axis=0)
    z = (x - centre) / spread
    mean, cov = np.zeros(k), np.eye(k)
    change = np.inf
    for iteration in range(1, max_iterations + 1):
        precision = _inverse(cov)
        total, cross = np.zeros(k), np.zeros((k, k))
        for kind in kinds:
            filled, left = _expected(z, kind, mean, precision)
            total += filled.sum(axis=0)
            cross += filled.T @ filled
            missing = kind.missing
            cross[missing[:, None], missing] += len(kind.rows) * left
        new_mean = total / n
        new_cov = cross / n - np.outer(new_mean, new_mean)
        change = float(max(np.abs(new_mean - mean).max(), np.abs(new_cov - cov).max()))
        mean, cov = new_mean, (new_cov + new_cov.T) / 2
        if change < tolerance:
            return NormalMoments(centre + spread * mean, cov * np.outer(spread, spread), kinds, n, iteration, change)
    raise ConvergenceError(f"EM did not settle in {max_iterations} steps (last change {change:.1e} SD).")


def _expected(z: Floats, kind: Pattern, mean: Floats, precision: Floats) -> tuple[Floats, Floats]:
    """Rows of one pattern with missing values at their expectation, and the covariance that is left in them.

    Both come from the precision matrix, whose block of the missing items is small where few are missing.
    """
    filled, missing = z[kind.rows], kind.missing
    if not len(missing):
        return filled, np.empty((0, 0))
    left: Floats = np.linalg.inv(precision[missing[:, None], missing]).astype(np.float64)
    across = precision[missing[:, None], kind.observed]
    apart = filled[:, kind.observed] - mean[kind.observed]
    filled[:, missing] = mean[missing] - apart @ (left @ across).T
    return filled, left


def _inverse(matrix: Floats) -> Floats:
    """The inverse of a covariance or precision matrix, refused where items are linear combinations of others."""
    values, vectors = np.linalg.eigh(matrix)
    if values[0] <= 1e-12 * values[-1]:
        raise DataError("some items are linear combinations of others, so their moments cannot be used")
    return np.asarray((vectors / values) @ vectors.T, dtype=np.float64)
