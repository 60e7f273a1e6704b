"""Which parameters come nearest to the thresholds and polychorics of ordered answers, each weighted by its precision?

Thresholds item by item, then the correlations of the lower triangle by rows, are a group's statistics s; the model
implies delta_i (tau - mu_i) and delta_i delta_j sigma_ij. Everything is in the units of the sample: a weight is one
over the sampling variance of a statistic, so that the discrepancy is the test statistic itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from microresearch.numeric.optimise import Optimum, scoring
from microresearch.numeric.sem_structure import (
    MOMENTS,
    Array,
    Cell,
    Implied,
    Index,
    Structure,
    directions,
    gather,
    implied,
)


@dataclass(frozen=True, slots=True, eq=False)
class Statistics:
    """Thresholds and correlations of one group: n people, values (m) and weights (m)."""

    n: int
    values: Array
    weight: Array


def implied_statistics(structure: Structure, at: Implied) -> Array:
    """Thresholds and correlations that the model implies, shape (m,).

    References
    ----------
    Muthen (1984), Psychometrika 49, 115-132. doi:10.1007/BF02294210
    """
    delta, item = at.parts["delta"][:, 0], structure.th_item
    i, j = np.tril_indices(structure.p, -1)
    thresholds = delta[item] * (at.parts["tau"][:, 0] - at.mu[item])
    return np.concatenate([thresholds, delta[i] * delta[j] * at.sigma[i, j]])


@dataclass(frozen=True, slots=True, eq=False)
class Slopes:
    """How a group's statistics move: columns of `matrix` (m x k) are the parameters `ids` (0-based)."""

    ids: Index
    matrix: Array


def statistic_slopes(structure: Structure, at: Implied) -> Slopes:
    """Derivatives of the implied statistics by the free parameters that the group has."""
    ids, matrix = cell_slopes(structure, at)
    used, place = np.unique(ids, return_inverse=True)
    return Slopes(used.astype(np.intp), gather(place.ravel(), matrix, len(used)))


def cell_slopes(structure: Structure, at: Implied) -> tuple[Index, Array]:
    """Parameter of each free cell and the derivatives of the statistics by it (m x cells)."""
    ways = directions(structure, at)
    delta, item = at.parts["delta"][:, 0], structure.th_item
    i, j = np.tril_indices(structure.p, -1)
    pairs = (delta[i] * delta[j])[:, None] * (ways.a[i] * ways.b[j] + ways.b[i] * ways.a[j])
    limits = -delta[item, None] * ways.mu[item]
    rest = [cell for cell in structure.cells if cell.free >= 0 and cell.matrix not in MOMENTS]
    moved = [cell for cell in rest if cell.matrix == "delta"]
    scales = np.zeros((structure.p, len(moved)))
    scales[[cell.row for cell in moved], np.arange(len(moved))] = 1.0
    if structure.scaling == "theta" and structure.ordered.any():
        own = -(delta**3)[:, None] * ways.a * ways.b  # delta is the variance to the power -1/2
        more_limits, more_pairs = _by_scale(structure, at, own)
        limits, pairs = limits + more_limits, pairs + more_pairs
    scale_limits, scale_pairs = _by_scale(structure, at, scales)
    taus = [cell for cell in rest if cell.matrix == "tau"]
    tau_limits = np.zeros((len(item), len(taus)))
    rows = np.array([cell.row for cell in taus], dtype=np.intp)
    tau_limits[rows, np.arange(len(taus))] = delta[item[rows]]
    top = np.hstack([limits, scale_limits, tau_limits])
    bottom = np.hstack([pairs, scale_pairs, np.zeros((len(i), len(taus)))])
    free = [*ways.ids.tolist(), *(cell.free for cell in moved), *(cell.free for cell in taus)]
    return np.array(free, dtype=np.intp), np.vstack([top, bottom])


def _by_scale(structure: Structure, at: Implied, move: Array) -> tuple[Array, Array]:
    """How thresholds and correlations move when the scales move by the columns of `move` (p x k)."""
    delta, item = at.parts["delta"][:, 0], structure.th_item
    i, j = np.tril_indices(structure.p, -1)
    limits = (at.parts["tau"][:, 0] - at.mu[item])[:, None] * move[item]
    return limits, at.sigma[i, j, None] * (delta[j, None] * move[i] + delta[i, None] * move[j])


def discrepancy(structures: Sequence[Structure], observed: Sequence[Statistics], theta: Array) -> float:
    """Sum of squared gaps between observed and implied statistics over their sampling variances; infinite where a
    variance of the variables behind the items is not positive.

    References
    ----------
    Muthen, du Toit & Spisic (1997), Robust inference using weighted least squares.
    """
    total = 0.0
    for structure, seen in zip(structures, observed, strict=True):
        gap = seen.values - implied_statistics(structure, implied(structure, theta))
        total += float(seen.weight @ gap**2)
    return total if np.isfinite(total) else np.inf


def gradient_and_curvature(
    structures: Sequence[Structure], observed: Sequence[Statistics], theta: Array
) -> tuple[Array, Array]:
    """Gradient of the discrepancy (q) and its Gauss-Newton curvature (q x q), 2 J' W J."""
    q = len(theta)
    gradient, curvature = np.zeros(q), np.zeros((q, q))
    for structure, seen in zip(structures, observed, strict=True):
        at = implied(structure, theta)
        slopes = statistic_slopes(structure, at)
        gap = seen.weight * (seen.values - implied_statistics(structure, at))
        gradient[slopes.ids] -= 2 * slopes.matrix.T @ gap
        curvature[np.ix_(slopes.ids, slopes.ids)] += 2 * weighted_square(slopes.matrix, seen.weight, structure)
    return gradient, curvature


def weighted_square(slopes: Array, weight: Array, structure: Structure) -> Array:
    """J' W J, knowing that thresholds move no correlation."""
    limits = len(structure.th_item)
    out = (weight[:limits, None] * slopes[:limits]).T @ slopes[:limits]
    moves = np.flatnonzero(slopes[limits:].any(axis=0))
    pairs = slopes[limits:, moves]
    out[np.ix_(moves, moves)] += (weight[limits:, None] * pairs).T @ pairs
    return out


def fit_wls(structures: Sequence[Structure], observed: Sequence[Statistics], start: Array) -> Optimum:
    """Minimise the discrepancy by damped Gauss-Newton steps."""
    return scoring(
        lambda x: discrepancy(structures, observed, x),
        lambda x: gradient_and_curvature(structures, observed, x),
        start,
    )


def candidate_scores(
    structure: Structure, seen: Statistics, theta: Array, cells: tuple[Cell, ...]
) -> tuple[Array, Array, Array]:
    """Half the downward slope of the discrepancy by each of some cells; its curvature, and that shared with theta."""
    at = implied(structure, theta)
    now = statistic_slopes(structure, at)
    ids, new = cell_slopes(replace(structure, cells=cells), at)
    new = new[:, np.argsort(ids)]
    weighted = seen.weight[:, None] * new
    cross = np.zeros((len(cells), len(theta)))
    cross[:, now.ids] = weighted.T @ now.matrix
    gap = seen.values - implied_statistics(structure, at)
    return weighted.T @ gap, np.einsum("mk,mk->k", weighted, new), cross
