"""What means and covariances have people within clusters and clusters themselves, without any model?"""

from collections.abc import Callable

import numpy as np
from scipy.optimize import minimize

from microresearch.errors import ConvergenceError
from microresearch.numeric.sem_ml import Array, Moments
from microresearch.numeric.sem_structure import Cell, Index, Structure
from microresearch.numeric.sem_two_level import Clustered, Levels, frame_slopes

SETTLED = 1e-11
"""Relative fall of the deviance by a step at which the saturated model counts as fitted."""
FLOOR = 1e-3
"""Least variance between clusters, as a share of that within, to start from."""


def saturated_levels(data: Clustered) -> tuple[Array, Array, Array]:
    """Covariance within (p x p, zero where level 1 has no such variable), covariance between, means of all p variables.

    Maximum likelihood with both covariances kept positive semi-definite (as triangular factors), on data turned so that
    both are near diagonal.

    Raises
    ------
    ConvergenceError
        The slope did not vanish.
    """
    turn = _turn(data)
    centre = np.average([m.mean for m in data.between], axis=0, weights=[m.n for m in data.between])
    turned = _turned(data, turn, centre)
    seats, p = data.seats, data.p
    tri = [np.tril_indices(len(seat)) for seat in seats]
    cut = np.cumsum([len(tri[0][0]), len(tri[1][0])])
    scale = _scales(turned, tri)

    def unpack(x: Array) -> tuple[list[Array], Array]:
        factors = []
        for seat, at, part in zip(seats, tri, (x[: cut[0]], x[cut[0] : cut[1]]), strict=True):
            factor = np.zeros((p, p))
            factor[seat[at[0]], seat[at[1]]] = part
            factors.append(factor)
        return factors, x[cut[1] :]

    def fall(scaled: Array) -> tuple[float, Array]:
        factors, mu = unpack(scaled * scale)
        found = frame_slopes(factors[0] @ factors[0].T, factors[1] @ factors[1].T, mu, turned)
        if found is None:
            return 1e10, np.zeros_like(scaled)
        slopes = [
            (2 * by @ factor)[seat[at[0]], seat[at[1]]]
            for by, factor, seat, at in zip(found[1:3], factors, seats, tri, strict=True)
        ]
        return found[0] / data.n, np.concatenate([*slopes, found[3]]) * scale / data.n

    best = _search(fall, _start(turned, tri) / scale)
    factors, mu = unpack(best * scale)
    back = np.linalg.inv(turn)
    within, between = (back @ factor @ factor.T @ back.T for factor in factors)
    return within, between, centre + back @ mu


def _search(fall: Callable[[Array], tuple[float, Array]], start: Array) -> Array:
    options = {"maxiter": 5000, "maxfun": 10000, "ftol": SETTLED, "gtol": 1e-9, "maxcor": 30}
    found = minimize(fall, start, jac=True, method="L-BFGS-B", options=options)
    if not found.success and (slope := float(np.abs(fall(found.x)[1]).max())) > 1e-5:
        raise ConvergenceError(f"the saturated model of two levels did not settle (slope {slope:.1e}).")
    return np.asarray(found.x, dtype=np.float64)


def _between_by_moments(data: Clustered) -> Array:
    """Covariance between clusters (p x p) from sums of squares, not kept positive."""
    counts = np.array([m.n for m in data.between], dtype=float)
    people = counts * data.sizes
    n, clusters = people.sum(), counts.sum()
    mean = np.average([m.mean for m in data.between], axis=0, weights=people)
    scatter = np.zeros((data.p, data.p))
    for m, weight in zip(data.between, people, strict=True):
        scatter += weight * (m.cov + np.outer(m.mean - mean, m.mean - mean))
    usual = (n - (people * data.sizes).sum() / n) / (clusters - 1)  # Searle, Casella & McCulloch (1992), p. 71
    within = np.zeros_like(scatter)
    within[np.ix_(data.seats[0], data.seats[0])] = data.within.cov
    return (scatter / (clusters - 1) - within) / usual


def _turn(data: Clustered) -> Array:
    """Turns the variables so that the covariance within is I and that between nearly diagonal.

    Variables of level 1 alone come first in the triangular factor, so that they keep no part between clusters.
    """
    inside, outside = data.seats
    both = np.intersect1d(inside, outside)
    order = np.concatenate([np.setdiff1d(inside, outside), both]).astype(np.intp)
    place = np.searchsorted(inside, order)
    turn = np.zeros((data.p, data.p))
    turn[np.ix_(order, order)] = np.linalg.inv(np.linalg.cholesky(data.within.cov[np.ix_(place, place)]))
    apart = _between_by_moments(data)
    for j in np.setdiff1d(outside, inside):
        turn[j, j] = 1 / np.sqrt(apart[j, j])
    if len(both):
        cov = (turn @ apart @ turn.T)[np.ix_(both, both)]
        turn[both] = np.linalg.eigh((cov + cov.T) / 2)[1].T @ turn[both]
    return turn


def _turned(data: Clustered, turn: Array, centre: Array) -> Clustered:
    inside = data.seats[0]
    mine = turn[np.ix_(inside, inside)]
    within = Moments(data.within.n, data.within.mean, mine @ data.within.cov @ mine.T, inside)
    between = [Moments(m.n, turn @ (m.mean - centre), turn @ m.cov @ turn.T, m.seen) for m in data.between]
    return Clustered(within, tuple(between), data.sizes, data.seats)


def _variances(turned: Clustered) -> Array:
    """Start of the variances between clusters."""
    return np.maximum(np.diag(_between_by_moments(turned)), FLOOR)[turned.seats[1]]


def _scales(turned: Clustered, tri: list[tuple[Index, Index]]) -> Array:
    """Steps of about equal curvature: a factor's entries bend with the variance of their column, means not at all."""
    variance = _variances(turned)
    per_size = variance[:, None] + 1 / turned.sizes
    count = np.array([m.n for m in turned.between]) / turned.n
    weight = np.einsum("n,in,jn->ij", count, 1 / per_size, 1 / per_size)
    rows, cols = tri[1]
    bend = 2 * weight[rows, cols] * np.maximum(variance[cols], 0.02)
    return 1 / np.sqrt(np.concatenate([np.full(len(tri[0][0]), 2.0), bend, np.full(turned.p, 2 * count.sum())]))


def _start(turned: Clustered, tri: list[tuple[Index, Index]]) -> Array:
    spread = np.sqrt(_variances(turned))
    within, between = np.eye(len(turned.seats[0])), np.diag(spread)
    return np.concatenate([within[tri[0]], between[tri[1]], np.zeros(turned.p)])


def independence_levels(data: Clustered) -> tuple[Levels, Array]:
    """Variances of each level and means alone, and start values."""
    inside, outside = data.seats
    lone, p, m = np.setdiff1d(inside, outside), len(inside), len(outside)
    within = [Cell("theta", j, j, j, 0.0) for j in range(p)]
    within += [Cell("nu", int(np.searchsorted(inside, j)), 0, p + 2 * m + k, 0.0) for k, j in enumerate(lone)]
    between = [Cell("theta", j, j, p + j, 0.0) for j in range(m)]
    between += [Cell("nu", j, 0, p + m + j, 0.0) for j in range(m)]
    apart = np.diag(_between_by_moments(data))[outside]
    own = np.zeros(data.p)
    own[inside] = np.diag(data.within.cov)
    mean = np.average([one.mean for one in data.between], axis=0, weights=[one.n for one in data.between])
    start = [own[inside], np.maximum(apart, 0.05 * own[outside]), mean[outside], mean[lone]]
    return (_bare(p, within), _bare(m, between)), np.concatenate(start)


def _bare(p: int, cells: list[Cell]) -> Structure:
    return Structure(p, 0, tuple(cells), np.zeros(0, dtype=np.intp), np.zeros(p, dtype=bool), True)
