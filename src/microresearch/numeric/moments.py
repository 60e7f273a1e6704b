"""How many, how large, how spread? Counts, means, sums of squares and covariances of arrays with holes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class GroupMoments:
    """What a one-way model needs to know of each group.

    Attributes
    ----------
    n : int array, shape (n_groups,)
        Values in each group.
    mean : float array, shape (n_groups,)
        Their mean; NaN where `n` is 0.
    ss : float array, shape (n_groups,)
        Sum of squared deviations from that mean.
    """

    n: Ints
    mean: Floats
    ss: Floats

    def keep(self, mask: NDArray[np.bool_]) -> "GroupMoments":
        """The groups where `mask` is true."""
        return GroupMoments(self.n[mask], self.mean[mask], self.ss[mask])

    @property
    def total(self) -> int:
        """Values in all groups."""
        return int(self.n.sum())


def group_sums(values: Floats, groups: Ints, n_groups: int) -> Floats:
    """Sum of the values of each group; groups are coded 0 to `n_groups - 1`."""
    return np.bincount(groups, values, n_groups).astype(np.float64)


def group_moments(values: Floats, groups: Ints, n_groups: int) -> GroupMoments:
    """Count, mean and sum of squares of each group; NaN values are left out.

    Parameters
    ----------
    values : array, shape (n,)
    groups : int array, shape (n,)
        Group of each value, 0 to `n_groups - 1`; -1 for a value that belongs to none.
    n_groups : int

    Examples
    --------
    >>> m = group_moments(np.array([1.0, 3.0, 5.0, np.nan]), np.array([0, 0, 1, 1]), 2)
    >>> m.n.tolist(), m.mean.tolist(), m.ss.tolist()
    ([2, 1], [2.0, 5.0], [2.0, 0.0])
    """
    known = ~np.isnan(values) & (groups >= 0)
    x, g = values[known], groups[known]
    n = np.bincount(g, minlength=n_groups).astype(np.int64)
    some = n > 0
    mean = np.full(n_groups, np.nan)
    mean[some] = group_sums(x, g, n_groups)[some] / n[some]
    mean[some] += group_sums(x - mean[g], g, n_groups)[some] / n[some]  # second pass: what rounding left in the first
    return GroupMoments(n, mean, group_sums((x - mean[g]) ** 2, g, n_groups))


@dataclass(frozen=True, slots=True, eq=False)
class PairMoments:
    """Covariances of columns with holes, each pair on the rows that have both.

    Attributes
    ----------
    n : int array, shape (k, k)
        Rows that have both columns.
    mean : float array, shape (k,)
        Each column's mean over its own rows.
    covariance : float array, shape (k, k)
        Divisor `n - 1`; NaN where `n < 2`. The diagonal holds each column's own variance.
    correlation : float array, shape (k, k)
        Each pair standardised on its own rows; NaN where a column does not vary there.
    """

    n: Ints
    mean: Floats
    covariance: Floats
    correlation: Floats


def pair_moments(x: Floats) -> PairMoments:
    """Pairwise-complete covariances and correlations of the columns of `x`, shape (rows, k); NaN marks a hole.

    Examples
    --------
    >>> p = pair_moments(np.array([[1.0, 2.0], [2.0, 1.0], [3.0, 6.0], [np.nan, 5.0]]))
    >>> p.n.tolist(), float(p.covariance[0, 1])
    ([[3, 3], [3, 4]], 2.0)
    """
    there = ~np.isnan(x)
    count = there.sum(axis=0)
    some = count > 0
    mean = np.full(x.shape[1], np.nan)
    mean[some] = np.where(there, x, 0.0).sum(axis=0)[some] / count[some]
    centred = np.where(there, x - mean, 0.0)
    seen = there.astype(np.float64)
    n = seen.T @ seen
    with np.errstate(divide="ignore", invalid="ignore"):
        sums = centred.T @ seen  # [i, j]: sum of column i over the rows that have column j
        cross = centred.T @ centred - sums * sums.T / n
        squares = (centred**2).T @ seen - sums**2 / n
        cov = np.where(n > 1, cross / (n - 1), np.nan)
        # a column whose spread is rounding alone does not vary
        floor = 1e-14 * np.where(there, x**2, 0.0).sum(axis=0)[:, None]
        spread = np.where(squares > floor, squares, np.nan)
        cor = cross / np.sqrt(spread * spread.T)
    np.fill_diagonal(cor, np.where(np.isnan(np.diag(spread)), np.nan, 1.0))
    return PairMoments(np.rint(n).astype(np.int64), mean, cov, np.clip(cor, -1.0, 1.0))
