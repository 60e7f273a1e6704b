"""What are the means and covariances of items of which some answers are missing? Maximum likelihood by EM."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from microresearch.errors import ConvergenceError, DataError

Floats = NDArray[np.float64]
FEW = 4
ROOM = 2_000_000


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
    blocks = list(_blocks(kinds))
    change = np.inf
    for iteration in range(1, max_iterations + 1):
        precision = _inverse(cov)
        total, cross = np.zeros(k), np.zeros((k, k))
        for rows, missing in blocks:
            filled, left = _expected(z[rows], missing, mean, precision)
            total += filled.sum(axis=0)
            cross += filled.T @ filled
            np.add.at(cross, (missing[:, :, None], missing[:, None, :]), left * (len(rows) / len(missing)))
        new_mean = total / n
        new_cov = cross / n - np.outer(new_mean, new_mean)
        change = float(max(np.abs(new_mean - mean).max(), np.abs(new_cov - cov).max()))
        mean, cov = new_mean, (new_cov + new_cov.T) / 2
        if change < tolerance:
            return NormalMoments(centre + spread * mean, cov * np.outer(spread, spread), kinds, n, iteration, change)
    raise ConvergenceError(f"EM did not settle in {max_iterations} steps (last change {change:.1e} SD).")


def _blocks(kinds: tuple[Pattern, ...]) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Rows that are filled together, and their missing items: one line for all of them, or a line for each.

    A pattern of many people stands alone; people of rare patterns go together by how many items they miss, for with
    many items nearly everybody has a pattern of their own.
    """
    rare: dict[int, list[Pattern]] = {}
    for kind in kinds:
        if len(kind.rows) > FEW or not len(kind.missing):
            yield kind.rows, kind.missing[None, :]
        else:
            rare.setdefault(len(kind.missing), []).append(kind)
    for size, some in rare.items():
        rows = np.concatenate([kind.rows for kind in some])
        missing = np.repeat([kind.missing for kind in some], [len(kind.rows) for kind in some], axis=0)
        step = max(1, ROOM // size**2)
        for low in range(0, len(rows), step):
            yield rows[low : low + step], missing[low : low + step]


def _expected(z: Floats, missing: NDArray[np.intp], mean: Floats, precision: Floats) -> tuple[Floats, Floats]:
    """Rows with missing values at their expectation, and the covariance that is left in them.

    Both come from the precision matrix, whose block of the missing items is small where few are missing. `z` is a
    copy that is filled; `missing` has one line, or one a row.
    """
    if not missing.shape[1]:
        return z, np.empty((1, 0, 0))
    lines = np.arange(len(z))[:, None]
    z[lines, missing] = mean[missing]
    left = np.linalg.inv(precision[missing[:, :, None], missing[:, None, :]]).astype(np.float64)
    across = ((z - mean) @ precision)[lines, missing]
    z[lines, missing] -= np.squeeze(left @ across[:, :, None], 2)
    return z, left


def _inverse(matrix: Floats) -> Floats:
    """The inverse of a covariance or precision matrix, refused where items are linear combinations of others."""
    values, vectors = np.linalg.eigh(matrix)
    if values[0] <= 1e-12 * values[-1]:
        raise DataError("some items are linear combinations of others, so their moments cannot be used")
    return np.asarray((vectors / values) @ vectors.T, dtype=np.float64)
