"""How sure are parameters from weighted least squares, and how large is the test by chance?

The weights are only the diagonal of what thresholds and polychorics vary, so that errors come from a sandwich and the
test is scaled and shifted until its mean and variance are those of chi-square.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from microresearch.numeric.sem_structure import Array, Index
from microresearch.numeric.sem_wls import Slopes, Statistics


@dataclass(frozen=True, slots=True, eq=False)
class Spread:
    """Sampling covariance of some groups' stacked statistics: root' root, a row of `root` a person or cluster."""

    groups: tuple[int, ...]
    root: Array


def spreads(influences: Sequence[Array], clusters: Sequence[Index] | None) -> tuple[Spread, ...]:
    """Sampling covariances from the influence of each person (n_g x m_g) on the statistics of each group.

    People of one cluster are summed, times J / (J - 1); clusters with people in several groups tie these groups'
    statistics together.

    References
    ----------
    Muthen & Satorra (1995), Sociological Methodology 25, 267-316; Fuller (1975) for the factor.
    """
    if clusters is None:
        return tuple(Spread((g,), one) for g, one in enumerate(influences))
    found = [np.unique(one) for one in clusters]
    if len(np.unique(np.concatenate(found))) == sum(map(len, found)):
        return tuple(
            Spread((g,), _sums(one, numbers)) for g, (one, numbers) in enumerate(zip(influences, clusters, strict=True))
        )
    width = [one.shape[1] for one in influences]
    stacked = np.zeros((sum(map(len, influences)), sum(width)))
    row = column = 0
    for one in influences:
        stacked[row : row + len(one), column : column + one.shape[1]] = one
        row, column = row + len(one), column + one.shape[1]
    return (Spread(tuple(range(len(influences))), _sums(stacked, np.concatenate(clusters))),)


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


def sandwich(observed: Sequence[Statistics], slopes: Sequence[Slopes], found: Sequence[Spread], q: int) -> Bread:
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
    for one in slopes_by_spread(observed, slopes, found, q):
        place = np.ix_(one.ids, one.ids)
        weighted = one.weight[:, None] * one.matrix
        curvature[place] += weighted.T @ one.matrix
        shape = shaken(one.root, one.weight, weighted)
        filling[place] += shape.filling
        cross[place] += shape.cross
        mean, square = mean + shape.mean, square + shape.square
    inverse = np.asarray(np.linalg.inv(curvature), dtype=np.float64)
    turned = inverse @ filling
    mean -= float(np.trace(turned))
    square += float(np.einsum("ij,ji->", turned, turned)) - 2 * float(np.einsum("ij,ji->", inverse, cross))
    return Bread(curvature, filling, turned @ inverse, mean, square)


@dataclass(frozen=True, slots=True, eq=False)
class _Stack:
    """The statistics that one spread is about: weights (m), parameters (k) and slopes (m x k), root (r x m)."""

    ids: Index
    matrix: Array
    weight: Array
    root: Array


def slopes_by_spread(
    observed: Sequence[Statistics], slopes: Sequence[Slopes], found: Sequence[Spread], q: int
) -> list[_Stack]:
    """Slopes and weights of the groups that each spread ties together."""
    out = []
    for spread in found:
        weight = np.concatenate([observed[g].weight for g in spread.groups])
        if len(spread.groups) == 1:
            one = slopes[spread.groups[0]]
            out.append(_Stack(one.ids, one.matrix, weight, spread.root))
            continue
        blocks = []
        for g in spread.groups:
            block = np.zeros((len(observed[g].values), q))
            block[:, slopes[g].ids] = slopes[g].matrix
            blocks.append(block)
        out.append(_Stack(np.arange(q), np.vstack(blocks), weight, spread.root))
    return out


@dataclass(frozen=True, slots=True, eq=False)
class _Shape:
    filling: Array
    cross: Array
    mean: float
    square: float


def shaken(root: Array, weight: Array, weighted: Array) -> _Shape:
    """B' C B, B' C V C B, tr(V C) and tr(V C V C) for B = `weighted` (m x k), by the smaller of C and root root'."""
    mean = float(np.einsum("rm,rm,m->", root, root, weight))
    if len(root) < root.shape[1]:
        inner = (root * weight) @ root.T
        toward = root @ weighted
        return _Shape(toward.T @ toward, toward.T @ inner @ toward, mean, float(np.einsum("ij,ij->", inner, inner)))
    cov = root.T @ root
    toward = cov @ weighted
    square = float(weight @ cov**2 @ weight)
    return _Shape(weighted.T @ toward, toward.T @ (weight[:, None] * toward), mean, square)


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
