"""Which parameters make the answers most likely, complete or with holes, and how sharply is the likelihood curved?

A group is one or more patterns: people who answered the same items, with their n, means and covariance. Complete data
are one pattern. Everything is the mean over people of -2 log likelihood, without its constant p log(2 pi).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from microresearch.numeric.optimise import Optimum, scoring
from microresearch.numeric.sem_holes import Sums, pattern_curvature, pattern_sums
from microresearch.numeric.sem_structure import (
    Array,
    Directions,
    Implied,
    Moments,
    Structure,
    directions,
    gather,
    gather_square,
    implied,
    pull_back,
)

FEW, WIDE = 20, 64
"""Above so many patterns, and up to so many items, curvature is summed in the frame of the moments."""
Groups = Sequence[Sequence[Moments]]
"""Patterns of each group."""


@dataclass(frozen=True, slots=True, eq=False)
class Slopes:
    """One pattern at the implied moments, in the full p x p frame with zeros where nothing was answered.

    `value` is log det + trace; `weight` the inverse covariance W; `seen` is W C W with C the observed second moments
    about the implied means; `pull` is W (mean - mu).
    """

    value: float
    weight: Array
    seen: Array
    pull: Array


def pattern_slopes(at: Implied, moments: Moments, means: bool) -> Slopes | None:
    """The likelihood of one pattern and what its derivatives are made of; None where sigma is not positive definite."""
    p, o = len(at.mu), moments.seen
    full = len(o) == p
    sigma = at.sigma if full else at.sigma[np.ix_(o, o)]
    try:
        factor = np.linalg.cholesky(sigma)
    except np.linalg.LinAlgError:
        return None
    weight = np.asarray(np.linalg.inv(sigma), dtype=np.float64)
    second, pull = moments.cov, np.zeros(len(o))
    if means:
        gap = moments.mean - at.mu[o]
        second, pull = second + np.outer(gap, gap), weight @ gap
    value = 2 * float(np.log(np.diag(factor)).sum()) + float(np.einsum("ij,ij->", weight, second))
    seen = weight @ second @ weight
    if full:
        return Slopes(value, weight, seen, pull)
    frame = (np.zeros((p, p)), np.zeros((p, p)), np.zeros(p))
    frame[0][np.ix_(o, o)], frame[1][np.ix_(o, o)], frame[2][o] = weight, seen, pull
    return Slopes(value, *frame)


def positive_slopes(at: Implied, moments: Moments, means: bool) -> Slopes:
    """`pattern_slopes` where sigma is known to be positive definite; LinAlgError where it is not."""
    found = pattern_slopes(at, moments, means)
    if found is None:
        raise np.linalg.LinAlgError("the covariance matrix is not positive definite")
    return found


def deviance(structures: Sequence[Structure], groups: Groups, theta: Array) -> float:
    """Mean over people of log det sigma + (y - mu)' sigma^-1 (y - mu); infinite where sigma is not positive definite.

    References
    ----------
    Joreskog (1971), Psychometrika 36, 409-426, eq. 8 (groups). doi:10.1007/BF02291366
    Arbuckle (1996), in Marcoulides & Schumacker, 243-277, eq. 3 (missing answers).
    """
    total, n = 0.0, people(groups)
    for structure, patterns in zip(structures, groups, strict=True):
        found = _sums(implied(structure, theta), patterns, structure.means)
        if found is None:
            return np.inf
        total += found.value / n
    return total


def people(groups: Groups) -> int:
    """How many people the groups hold."""
    return sum(moments.n for patterns in groups for moments in patterns)


def _sums(at: Implied, patterns: Sequence[Moments], means: bool) -> Sums | None:
    if len(patterns) > 1:
        return pattern_sums(at.sigma, at.mu, patterns)
    found, n = pattern_slopes(at, patterns[0], means), patterns[0].n
    return None if found is None else Sums(n * found.value, n * found.weight, n * found.seen, n * found.pull)


def _positive_sums(at: Implied, patterns: Sequence[Moments], means: bool) -> Sums:
    found = _sums(at, patterns, means)
    if found is None:
        raise np.linalg.LinAlgError("the covariance matrix is not positive definite")
    return found


def _bend(ways: Directions, at: Implied, patterns: Sequence[Moments], means: bool, observed: bool) -> Array:
    """Curvature of the patterns' deviances, each times its people, along fixed directions of the moments (k x k)."""
    p, k = len(at.mu), len(ways.ids)
    if len(patterns) > FEW and p <= WIDE:
        return pattern_curvature(at.sigma, at.mu, patterns, observed).along(ways, ways, means)
    bend = np.zeros((k, k))
    for moments in patterns:
        found = positive_slopes(at, moments, means)
        bend += moments.n * (
            observed_curvature(ways, found, means) if observed else expected_curvature(ways, found.weight, means)
        )
    return bend


def gradient_and_information(
    structures: Sequence[Structure], groups: Groups, theta: Array, exact: bool = True
) -> tuple[Array, Array]:
    """Gradient of the deviance (q) and its expected curvature (q x q): twice the information of one person.

    With `exact=False` the curvature of many patterns is that of one pattern with their mean weight: good enough to
    search with, and as cheap as complete data.

    References
    ----------
    Bollen (1989), Structural equations with latent variables, appendix 4B.
    """
    q, n = len(theta), people(groups)
    gradient, curvature = np.zeros(q), np.zeros((q, q))
    for structure, patterns in zip(structures, groups, strict=True):
        at = implied(structure, theta)
        ways = directions(structure, at)
        found = _positive_sums(at, patterns, structure.means)
        if exact:
            bend = _bend(ways, at, patterns, structure.means, observed=False)
        else:
            whole = sum(moments.n for moments in patterns)
            bend = whole * expected_curvature(ways, found.weight / whole, structure.means)
        gradient += gather(ways.ids, ways.slope(found.weight - found.seen, -2 * found.pull), q) / n
        curvature += gather_square(ways.ids, bend, q) / n
    return gradient, curvature


def expected_curvature(ways: Directions, weight: Array, means: bool) -> Array:
    """Expected second derivatives of one pattern's deviance along directions of the moments (k x k)."""
    bend = ways.bend(weight, weight)
    return bend + 2 * ways.mu.T @ weight @ ways.mu if means else bend


def hessian(structures: Sequence[Structure], groups: Groups, theta: Array) -> Array:
    """Second derivatives of the deviance (q x q): twice the observed information of one person.

    What bends because the weights move is exact; what bends because sigma and mu are curved in the parameters is the
    central difference of a gradient with weights held fixed, a polynomial of low degree (exact without regressions).

    References
    ----------
    Savalei (2010), Psychological Methods 15, 352-367, eqs. 6-9 (observed information). doi:10.1037/a0020143
    """
    q, n = len(theta), people(groups)
    out = np.zeros((q, q))
    for structure, patterns in zip(structures, groups, strict=True):
        at = implied(structure, theta)
        ways = directions(structure, at)
        found = _positive_sums(at, patterns, structure.means)
        bend = _bend(ways, at, patterns, structure.means, observed=True)
        slope, pull = found.weight - found.seen, -2 * found.pull
        out += gather_square(ways.ids, bend, q) / n + curvature_of_moments(structure, theta, slope, pull) / n
    return (out + out.T) / 2


def observed_curvature(ways: Directions, found: Slopes, means: bool) -> Array:
    """Second derivatives of one pattern's deviance along fixed directions of the moments (k x k)."""
    bend = ways.bend(found.weight, 2 * found.seen - found.weight)
    if means:
        moved = found.weight @ (ways.a * (found.pull @ ways.b) + ways.b * (found.pull @ ways.a))
        across = ways.mu.T @ moved
        bend = bend + 2 * (ways.mu.T @ found.weight @ ways.mu + across + across.T)
    return bend


def curvature_of_moments(
    structure: Structure, theta: Array, by_sigma: Array, by_mu: Array, step: float = 1e-4
) -> Array:
    """Second derivatives of <by_sigma, sigma> + <by_mu, mu> by central differences of their gradient."""
    q = len(theta)
    out = np.zeros((q, q))
    for j in np.unique([cell.free for cell in structure.moving() if cell.matrix not in ("theta", "nu")]).astype(int):
        h = step * max(1.0, abs(theta[j]))
        side = []
        for sign in (1, -1):
            moved = theta.copy()
            moved[j] += sign * h
            side.append(pull_back(structure, implied(structure, moved), q, by_sigma, by_mu))
        out[j] = (side[0] - side[1]) / (2 * h)
    return out


def fit_ml(structures: Sequence[Structure], groups: Groups, start: Array) -> Optimum:
    """Minimise the deviance by Fisher scoring, near the minimum by Newton steps."""
    return scoring(
        lambda x: deviance(structures, groups, x),
        lambda x: gradient_and_information(structures, groups, x, exact=False),
        start,
        hessian=lambda x: hessian(structures, groups, x),
    )
