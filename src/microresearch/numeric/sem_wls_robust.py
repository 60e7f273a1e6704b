"""How sure are parameters from weighted least squares, and how large is the test by chance?

The weights are only the diagonal of what thresholds and polychorics vary, so that errors come from a sandwich and the
test is scaled and shifted until its mean and variance are those of chi-square.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import block_diag

from microresearch.numeric.sem_structure import Array, Index
from microresearch.numeric.sem_wls import Slopes


@dataclass(frozen=True, slots=True, eq=False)
class Spread:
    """Sampling covariance C of some groups' stacked statistics, with weights V: what every model of them needs.

    Attributes
    ----------
    groups : tuple of int
    weight : array, shape (m,)
    root : array, shape (r, m)
        C = root' root, a row a person or cluster.
    cov : array, shape (m, m), or None
        C itself where it is the smaller of the two.
    mean, square : float
        tr(V C) and tr(V C V C).
    """

    groups: tuple[int, ...]
    weight: Array
    root: Array
    cov: Array | None
    mean: float
    square: float

    def apply(self, columns: Array) -> Array:
        """C times columns (m x k)."""
        if self.cov is not None:
            return self.cov @ columns
        return np.asarray(self.root.T @ (self.root @ columns), dtype=np.float64)

    def part(self, rows: slice) -> Array:
        """The covariance of some of the statistics."""
        if self.cov is not None:
            return self.cov[rows, rows]
        return np.asarray(self.root[:, rows].T @ self.root[:, rows], dtype=np.float64)


def spreads(
    influences: Sequence[Array], clusters: Sequence[Index] | None, weights: Sequence[Array]
) -> tuple[Spread, ...]:
    """Sampling covariances from the influence of each person (n_g x m_g) on the statistics of each group.

    People of one cluster are summed, times J / (J - 1); clusters with people in several groups tie these groups'
    statistics together.

    References
    ----------
    Muthen & Satorra (1995), Sociological Methodology 25, 267-316; Fuller (1975) for the factor.
    """
    if clusters is None:
        return tuple(_spread((g,), one, weights[g]) for g, one in enumerate(influences))
    found = [np.unique(one) for one in clusters]
    if len(np.unique(np.concatenate(found))) == sum(map(len, found)):
        sums = [_sums(one, numbers) for one, numbers in zip(influences, clusters, strict=True)]
        return tuple(_spread((g,), one, weights[g]) for g, one in enumerate(sums))
    stacked = np.asarray(block_diag(*influences), dtype=np.float64)
    everyone = _sums(stacked, np.concatenate(clusters))
    return (_spread(tuple(range(len(influences))), everyone, np.concatenate(weights)),)


def _spread(groups: tuple[int, ...], root: Array, weight: Array) -> Spread:
    """By the smaller of C and root root'."""
    mean = float(np.einsum("rm,rm,m->", root, root, weight))
    if len(root) < root.shape[1]:
        inner = (root * weight) @ root.T
        return Spread(groups, weight, root, None, mean, float((inner**2).sum()))
    cov = root.T @ root
    return Spread(groups, weight, root, cov, mean, float(weight @ cov**2 @ weight))


def _sums(influence: Array, clusters: Index) -> Array:
    numbers, which = np.unique(clusters, return_inverse=True)
    out = np.zeros((len(numbers), influence.shape[1]))
    np.add.at(out, which, influence)
    count = len(numbers)
    return out * np.sqrt(count / (count - 1)) if count > 1 else out


@dataclass(frozen=True, slots=True, eq=False)
class Bread:
    """Curvature and filling of the sandwich, and the moments of the test under the model.

    Attributes
    ----------
    curvature : array, shape (q, q)
        J' V J with V the weights.
    filling : array, shape (q, q)
        J' V C V J with C the sampling covariance of the statistics.
    vcov : array, shape (q, q)
    mean, square : float
        tr(U C) and tr(U C U C), U = V - V J (J' V J)^-1 J' V.
    """

    curvature: Array
    filling: Array
    vcov: Array
    mean: float
    square: float


def sandwich(slopes: Sequence[Slopes], found: Sequence[Spread], q: int) -> Bread:
    """Covariance of the estimates and the moments of the test.

    Raises
    ------
    LinAlgError
        The statistics do not determine the parameters.

    References
    ----------
    Satorra & Bentler (1994), in von Eye & Clogg, 399-419 (sandwich, mean and variance of the test).
    """
    curvature, filling, cross = np.zeros((q, q)), np.zeros((q, q)), np.zeros((q, q))
    mean = square = 0.0
    for spread in found:
        one = stacked_slopes(spread, slopes, q)
        place = np.ix_(one.ids, one.ids)
        weighted = spread.weight[:, None] * one.matrix
        toward = spread.apply(weighted)
        curvature[place] += weighted.T @ one.matrix
        filling[place] += weighted.T @ toward
        cross[place] += toward.T @ (spread.weight[:, None] * toward)
        mean, square = mean + spread.mean, square + spread.square
    inverse = np.asarray(np.linalg.inv(curvature), dtype=np.float64)
    turned = inverse @ filling
    mean -= float(np.trace(turned))
    square += float(np.einsum("ij,ji->", turned, turned)) - 2 * float(np.einsum("ij,ji->", inverse, cross))
    return Bread(curvature, filling, turned @ inverse, mean, square)


def stacked_slopes(spread: Spread, slopes: Sequence[Slopes], q: int) -> Slopes:
    """Slopes of the groups that a spread ties together."""
    if len(spread.groups) == 1:
        return slopes[spread.groups[0]]
    blocks = []
    for g in spread.groups:
        block = np.zeros((len(slopes[g].matrix), q))
        block[:, slopes[g].ids] = slopes[g].matrix
        blocks.append(block)
    return Slopes(np.arange(q), np.vstack(blocks))


def pair_moments(found: Sequence[Spread], pairs: Sequence[int], sizes: Sequence[int]) -> tuple[float, float]:
    """tr(V C) and tr(V C V C) of the correlations alone, the last `pairs` of the `sizes` statistics of each group."""
    mean = square = 0.0
    for spread in found:
        at = np.concatenate([np.arange(sizes[g]) >= sizes[g] - pairs[g] for g in spread.groups])
        weight = np.where(at, spread.weight, 0.0)
        if spread.cov is not None:
            mean += float(weight @ np.diag(spread.cov))
            square += float(weight @ spread.cov**2 @ weight)
        else:
            inner = (spread.root * weight) @ spread.root.T
            mean, square = mean + float(np.trace(inner)), square + float((inner**2).sum())
    return mean, square


def scaled_shifted(df: float, mean: float, square: float) -> tuple[float, float]:
    """Factor a and shift b that give a T + b the mean and variance of chi-square.

    References
    ----------
    Asparouhov & Muthen (2010), Simple second order chi-square correction.

    Examples
    --------
    >>> scaled_shifted(10, 20.0, 40.0)
    (0.5, 0.0)
    """
    factor = float(np.sqrt(df / square))
    return factor, float(df - factor * mean)


def difference_moments(
    free: Sequence[Slopes], restricted: Sequence[Slopes], bread: Bread, q_restricted: int
) -> tuple[float, float]:
    """tr(U C) and tr(U C U C) of the difference between a free model and one nested in it.

    The restrictions are found by the delta method: what the restricted model's statistics can do, told in the free
    model's parameters.

    References
    ----------
    Satorra (2000), in Heijmans, Pollock & Satorra, 233-247 (scaled difference tests of moment structures).
    """
    q = len(bread.curvature)
    own, across = np.zeros((q, q)), np.zeros((q, q_restricted))
    for one, other in zip(free, restricted, strict=True):
        own[np.ix_(one.ids, one.ids)] += one.matrix.T @ one.matrix
        across[np.ix_(one.ids, other.ids)] += one.matrix.T @ other.matrix
    into = np.linalg.solve(own, across)
    inner = into.T @ bread.curvature @ into
    left = np.linalg.inv(bread.curvature) - into @ np.linalg.solve(inner, into.T)
    turned = left @ bread.filling
    return float(np.trace(turned)), float(np.einsum("ij,ji->", turned, turned))
