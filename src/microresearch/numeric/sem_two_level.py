"""Which parameters make answers of people within clusters most likely, when both levels have a structural model?

A cluster's mean has covariance sigma_between + sigma_within / size; what is left within clusters has sigma_within. So
the likelihood is that of one pattern of people within and of one pattern of cluster means for each size (Moments of
`sem_ml`), whose implied moments add up from both levels. Everything is the mean over people of -2 log likelihood,
without the constants of `constant`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from microresearch.numeric.optimise import Optimum, scoring
from microresearch.numeric.sem_ml import (
    Array,
    Moments,
    curvature_of_moments,
    expected_curvature,
    observed_curvature,
    pattern_slopes,
    positive_slopes,
)
from microresearch.numeric.sem_structure import (
    Cell,
    Directions,
    Implied,
    Index,
    Structure,
    directions,
    gather,
    gather_square,
    implied,
)


@dataclass(frozen=True, slots=True, eq=False)
class Clustered:
    """Sufficient statistics of people within clusters.

    Attributes
    ----------
    within : Moments
        Of deviations from cluster means: n is people less clusters, `seen` the variables of level 1.
    between : tuple of Moments
        Of the means of clusters of one size each: n counts clusters, all variables are seen.
    sizes : array
        People in a cluster, for each of `between`.
    seats : tuple of two arrays
        Where the variables of level 1 and of level 2 stand among all p.
    """

    within: Moments
    between: tuple[Moments, ...]
    sizes: Array
    seats: tuple[Index, Index]

    @property
    def n(self) -> int:
        """People."""
        return self.within.n + self.n_clusters

    @property
    def n_clusters(self) -> int:
        """Clusters."""
        return sum(moments.n for moments in self.between)

    @property
    def p(self) -> int:
        """Variables of both levels together."""
        return len(self.between[0].mean)


Levels = tuple[Structure, Structure]
"""What the model says within and between clusters."""


def clustered(values: Array, clusters: Index, seats: tuple[Index, Index]) -> Clustered:
    """Sufficient statistics of complete persons x variables by cluster; what stands in level 2 alone is constant there.

    Examples
    --------
    >>> both = np.arange(1)
    >>> found = clustered(np.array([[1.0], [3.0], [5.0]]), np.array([0, 0, 1]), (both, both))
    >>> found.within.n, found.within.cov.tolist(), found.sizes.tolist()
    (1, [[2.0]], [1.0, 2.0])
    """
    _, which, count = np.unique(clusters, return_inverse=True, return_counts=True)
    sums = np.zeros((len(count), values.shape[1]))
    np.add.at(sums, which, values)
    means = sums / count[:, None]
    inside = seats[0]
    away = (values - means[which])[:, inside]
    n = len(values) - len(count)
    within = Moments(n, np.zeros(len(inside)), away.T @ away / max(n, 1), inside)
    between = []
    for size in np.unique(count):
        mine = means[count == size]
        mean = mine.mean(axis=0)
        between.append(Moments(len(mine), mean, (mine - mean).T @ (mine - mean) / len(mine), np.arange(len(mean))))
    return Clustered(within, tuple(between), np.unique(count).astype(np.float64), seats)


class _Piece(NamedTuple):
    """A pattern with its implied moments, made of so much of the covariance within and of that between."""

    moments: Moments
    at: Implied
    of_within: float
    of_between: float

    @property
    def means(self) -> bool:
        """Deviations from cluster means have mean zero whatever the model."""
        return self.of_between > 0


def _pieces(within: Array, between: Array, mu: Array, data: Clustered) -> Iterator[_Piece]:
    yield _Piece(data.within, Implied(within, mu, {}), 1.0, 0.0)
    for size, moments in zip(data.sizes, data.between, strict=True):
        yield _Piece(moments, Implied(between + within / size, mu, {}), 1 / size, 1.0)


def frame_slopes(within: Array, between: Array, mu: Array, data: Clustered) -> tuple[float, Array, Array, Array] | None:
    """Sum over people, and its slopes by every entry of both covariances (p x p) and by the means; None outside.

    References
    ----------
    McDonald & Goldstein (1989), British Journal of Mathematical and Statistical Psychology 42, 215-232, eqs. 24-28.
    """
    total, by_within, by_between, by_mu = 0.0, np.zeros_like(within), np.zeros_like(between), np.zeros_like(mu)
    for piece in _pieces(within, between, mu, data):
        found = pattern_slopes(piece.at, piece.moments, piece.means)
        if found is None:
            return None
        n = piece.moments.n
        slope = n * (found.weight - found.seen)
        total += n * found.value
        by_within += piece.of_within * slope
        by_between += piece.of_between * slope
        by_mu -= 2 * n * found.pull
    return total, by_within, by_between, by_mu


def constant(data: Clustered) -> float:
    """What the deviance (sum over people) leaves out of -2 log likelihood."""
    inside, outside = data.seats
    count = np.array([moments.n for moments in data.between])
    answers = data.n * len(inside) + data.n_clusters * len(np.setdiff1d(outside, inside))
    return float(np.log(2 * np.pi) * answers + len(inside) * (count * np.log(data.sizes)).sum())


def _frame(levels: Levels, theta: Array, data: Clustered) -> tuple[tuple[Implied, Implied], Array, Array, Array]:
    """Implied moments of each level, and both covariances and the means among all p variables."""
    p, mu = data.p, np.zeros(data.p)
    covs: list[Array] = []
    at = (implied(levels[0], theta), implied(levels[1], theta))
    for one, seat in zip(at, data.seats, strict=True):
        cov = np.zeros((p, p))
        cov[np.ix_(seat, seat)] = one.sigma
        covs.append(cov)
        mu[seat] += one.mu
    return at, covs[0], covs[1], mu


def deviance(levels: Levels, data: Clustered, theta: Array) -> float:
    """Mean over people; infinite where a covariance matrix is not positive definite."""
    _, within, between, mu = _frame(levels, theta, data)
    total = 0.0
    for piece in _pieces(within, between, mu, data):
        found = pattern_slopes(piece.at, piece.moments, piece.means)
        if found is None:
            return np.inf
        total += piece.moments.n * found.value
    return total / data.n


def _seated(ways: tuple[Directions, Directions], piece: _Piece, data: Clustered) -> Directions:
    """How the moments of a piece move with the free cells of both levels."""
    shares = (piece.of_within, piece.of_between)
    k = [len(one.ids) for one in ways]
    a, b, mu = (np.zeros((data.p, sum(k))) for _ in range(3))
    for one, share, seat, columns in zip(ways, shares, data.seats, (slice(k[0]), slice(k[0], None)), strict=True):
        a[seat, columns], b[seat, columns], mu[seat, columns] = share * one.a, one.b, one.mu
    return Directions(np.concatenate([one.ids for one in ways]), a, b, mu)


def gradient_and_information(levels: Levels, data: Clustered, theta: Array) -> tuple[Array, Array]:
    """Gradient of the deviance (q) and its expected curvature (q x q): twice the information of one person."""
    return _slope_and_curvature(levels, data, theta, observed=False)


def hessian(levels: Levels, data: Clustered, theta: Array) -> Array:
    """Second derivatives of the deviance (q x q): twice the observed information of one person."""
    return _slope_and_curvature(levels, data, theta, observed=True)[1]


def _slope_and_curvature(levels: Levels, data: Clustered, theta: Array, observed: bool) -> tuple[Array, Array]:
    q = len(theta)
    at, within, between, mu = _frame(levels, theta, data)
    ways = (directions(levels[0], at[0]), directions(levels[1], at[1]))
    gradient, curvature = np.zeros(q), np.zeros((q, q))
    by_cov, by_mu = (np.zeros_like(within), np.zeros_like(between)), np.zeros_like(mu)
    for piece in _pieces(within, between, mu, data):
        found, share = positive_slopes(piece.at, piece.moments, piece.means), piece.moments.n / data.n
        seated = _seated(ways, piece, data)
        slope, pull = share * (found.weight - found.seen), -2 * share * found.pull
        gradient += gather(seated.ids, seated.slope(slope, pull), q)
        if observed:
            bend = observed_curvature(seated, found, piece.means)
        else:
            bend = expected_curvature(seated, found.weight, piece.means)
        curvature += gather_square(seated.ids, share * bend, q)
        by_cov[0][:] += piece.of_within * slope
        by_cov[1][:] += piece.of_between * slope
        by_mu += pull
    if observed:
        for structure, slope, seat in zip(levels, by_cov, data.seats, strict=True):
            curvature += curvature_of_moments(structure, theta, slope[np.ix_(seat, seat)], by_mu[seat])
    return gradient, (curvature + curvature.T) / 2


def fit_levels(levels: Levels, data: Clustered, start: Array) -> Optimum:
    """Minimise the deviance by Fisher scoring, near the minimum by Newton steps."""
    return scoring(
        lambda x: deviance(levels, data, x),
        lambda x: gradient_and_information(levels, data, x),
        start,
        max_steps=100,  # from moments a dozen is usual; many more mean that nothing varies between clusters
        hessian=lambda x: hessian(levels, data, x),
    )


def level_scores(
    levels: Levels, data: Clustered, theta: Array, level: int, cells: tuple[Cell, ...]
) -> tuple[Array, Array, Array]:
    """Of candidate cells of a level (0 within, 1 between): slope of the log likelihood, their expected information, and
    what they share of it with the free parameters (candidates x q)."""
    q, structure = len(theta), levels[level]
    now = structure.matrices(theta)
    new = tuple(cell._replace(free=q + k) for k, cell in enumerate(cells))
    grown = replace(structure, cells=structure.cells + new)
    at = np.concatenate([theta, [now[cell.matrix][cell.row, cell.col] for cell in cells]])
    pair = (grown, levels[1]) if level == 0 else (levels[0], grown)
    slope, bend = gradient_and_information(pair, data, at)
    information = bend * data.n / 2
    return -slope[q:] * data.n / 2, np.diag(information)[q:].copy(), information[q:, :q]


def level_weights(levels: Levels, data: Clustered, theta: Array, size: int) -> tuple[Array, Array, Array, Array]:
    """What predicts factors from a cluster of some size and its people.

    Returns
    -------
    arrays
        Weights (factors between x p) of the cluster mean about `mu`; those (variables within x p) that predict the
        cluster's own part of the variables within; weights (factors within x variables within) of what a person has
        beyond it; `mu` (p).

    References
    ----------
    Muthen (1994), Sociological Methods & Research 22, 376-398, for the model; the weights are regressions of the
    unobserved parts on what was seen (Searle, Casella & McCulloch 1992, section 7.4).
    """
    at, within, between, mu = _frame(levels, theta, data)
    inside, outside = data.seats
    pulled: Array = np.asarray(np.linalg.inv(between + within / size), dtype=np.float64)
    cross = np.zeros((data.p, at[1].parts["cross"].shape[1]))
    cross[outside] = at[1].parts["cross"]
    own: Array = np.asarray(np.linalg.solve(at[0].sigma, at[0].parts["cross"]), dtype=np.float64).T
    return cross.T @ pulled, (between @ pulled)[inside], own, mu
