"""Who answered the same items, and what means and covariances would all answers have had?

People are grouped by the items that they answered; their sums are all that the likelihood needs. The saturated model is
fitted by EM on those sums, on centred and scaled data, so that no digit is lost to a large mean.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from microresearch.errors import ConvergenceError
from microresearch.numeric.sem_holes import Batch, batches, pattern_sums, spread
from microresearch.numeric.sem_ml import positive_slopes
from microresearch.numeric.sem_structure import Array, Implied, Index, Moments


@dataclass(frozen=True, slots=True, eq=False)
class Pattern:
    """People (`rows`) who answered the same items, and their moments."""

    rows: Index
    moments: Moments


def patterns_of(values: Array) -> tuple[Pattern, ...]:
    """Patterns of persons x items (NaN: no answer); people without any answer are in none.

    Examples
    --------
    >>> [p.moments.n for p in patterns_of(np.array([[1.0, 2.0], [3.0, np.nan], [5.0, 1.0]]))]
    [1, 2]
    """
    answered = ~np.isnan(values)
    if answered.all():
        everyone = np.arange(len(values))
        return (Pattern(everyone, _moments(values, np.arange(values.shape[1]))),)
    kinds, which = np.unique(answered, axis=0, return_inverse=True)
    out = []
    for number, kind in enumerate(kinds):
        if kind.any():
            rows = np.flatnonzero(which.ravel() == number)
            seen = np.flatnonzero(kind)
            out.append(Pattern(rows, _moments(values[np.ix_(rows, seen)], seen)))
    return tuple(out)


def _moments(values: Array, seen: Index) -> Moments:
    mean = values.mean(axis=0)
    away = values - mean
    return Moments(len(values), mean, away.T @ away / len(values), seen)


def saturated(patterns: Sequence[Moments], p: int, tolerance: float = 1e-10, max_steps: int = 5000) -> Moments:
    """Means and covariance (divisor n) of all items by maximum likelihood, by EM where answers are missing.

    Raises
    ------
    ConvergenceError
        No mean or covariance settled to `tolerance` standard deviations in `max_steps` steps.

    References
    ----------
    Little & Rubin (2002), Statistical Analysis with Missing Data, 2nd ed., section 11.2.1.
    """
    n = sum(one.n for one in patterns)
    if len(patterns) == 1 and len(patterns[0].seen) == p:
        return patterns[0]
    centre, spread = _first_moments(patterns, p)
    scaled = [
        Moments(
            m.n, (m.mean - centre[m.seen]) / spread[m.seen], m.cov / np.outer(spread[m.seen], spread[m.seen]), m.seen
        )
        for m in patterns
    ]
    mean, cov, change = np.zeros(p), np.eye(p), np.inf
    for _ in range(max_steps):
        total, cross = _expected_sums(scaled, mean, cov)
        new_mean = total / n
        new_cov = cross / n - np.outer(new_mean, new_mean)
        change = max(np.abs(new_mean - mean).max(), np.abs(new_cov - cov).max())
        mean, cov = new_mean, (new_cov + new_cov.T) / 2
        if change < tolerance:
            return Moments(n, centre + spread * mean, cov * np.outer(spread, spread), np.arange(p))
    raise ConvergenceError(
        f"EM for the saturated model did not settle in {max_steps} steps (last change {change:.1e})."
    )


def _first_moments(patterns: Sequence[Moments], p: int) -> tuple[Array, Array]:
    """Mean and standard deviation of each item among those who answered it."""
    count, total, square = np.zeros(p), np.zeros(p), np.zeros(p)
    for m in patterns:
        count[m.seen] += m.n
        total[m.seen] += m.n * m.mean
    centre = total / count
    for m in patterns:
        square[m.seen] += m.n * (np.diag(m.cov) + (m.mean - centre[m.seen]) ** 2)
    return centre, np.sqrt(square / count)


def _expected_sums(patterns: Sequence[Moments], mean: Array, cov: Array) -> tuple[Array, Array]:
    """Expected sums and cross-products of all items, given what was answered (E step)."""
    p = len(mean)
    total, cross = np.zeros(p), np.zeros((p, p))
    for batch, inverse in _known(batches(cov, mean, patterns)):
        rows = np.arange(len(batch.n))[:, None]
        filled = mean + batch.gap
        filled[rows, batch.hidden] -= (batch.side @ batch.gap[:, :, None])[:, :, 0]
        weighted = batch.n[:, None] * filled
        total += weighted.sum(axis=0)
        cross += weighted.T @ filled
        spots = batch.hidden[:, :, None] * p + batch.hidden[:, None, :]
        left = np.bincount(spots.ravel(), (batch.n[:, None, None] * batch.inner).ravel(), p * p)
        cross += left.reshape(p, p)
        for row, known in spread(batch, patterns, inverse):
            fill = np.eye(p)
            fill[batch.hidden[row]] = -batch.side[row]
            fill[:, batch.hidden[row]] = 0.0
            cross += batch.n[row] * fill @ known @ fill.T
    return total, cross


def _known(found: Iterator[tuple[Batch, Array]] | None) -> Iterator[tuple[Batch, Array]]:
    if found is None:
        raise ConvergenceError(
            "the covariance of all items is not positive definite: too few people answered together."
        )
    return found


def saturated_deviance(patterns: Sequence[Moments], fitted: Moments) -> float:
    """Sum over people of -2 log likelihood of the saturated model, without its constant."""
    if len(patterns) == 1:
        at = Implied(fitted.cov, fitted.mean, {})
        return patterns[0].n * positive_slopes(at, patterns[0], True).value
    found = pattern_sums(fitted.cov, fitted.mean, patterns)
    if found is None:
        raise ConvergenceError("the saturated covariance matrix is not positive definite.")
    return found.value


def answered_constant(patterns: Sequence[Moments]) -> float:
    """log(2 pi) times the number of answers: what the deviance leaves out."""
    return float(np.log(2 * np.pi) * sum(m.n * len(m.seen) for m in patterns))


def constant_items(values: Array) -> NDArray[np.bool_]:
    """Items whose answers do not vary."""
    with np.errstate(invalid="ignore"):
        low = np.where(np.isnan(values), np.inf, values).min(axis=0)
        high = np.where(np.isnan(values), -np.inf, values).max(axis=0)
    return ~(high > low)
