"""How well would the model fit the polychorics by the yardstick of maximum likelihood, which fit indices need?

The unscaled statistic of weighted least squares is far from that of ML, and so are CFI and RMSEA made of it. Here the
ML discrepancy is taken at the estimates of weighted least squares, less what it is by chance when the model holds.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from microresearch.numeric.sem_structure import Array, Index
from microresearch.numeric.sem_wls import Slopes, Statistics
from microresearch.numeric.sem_wls_robust import Bread, Spread, stacked_slopes


@dataclass(frozen=True, slots=True, eq=False)
class Likelihood:
    """ML statistic and its expectation under the model, and the same for independence."""

    value: float
    chance: float
    baseline: float
    baseline_chance: float


def likelihood_fit(
    correlations: Sequence[Array],
    implied: Sequence[Array],
    observed: Sequence[Statistics],
    slopes: Sequence[Slopes],
    spreads: Sequence[Spread],
    bread: Bread,
) -> Likelihood | None:
    """ML discrepancies of polychoric from implied correlations; None where one of them is not positive definite.

    References
    ----------
    Savalei (2021), Multivariate Behavioral Research 56, 390-407 (the noncentrality of CFI and RMSEA for
    categorical data). doi:10.1080/00273171.2020.1717922
    """
    if any(float(np.linalg.eigvalsh(one)[0]) <= 1e-8 for one in (*correlations, *implied)):
        return None
    value = baseline = chance = baseline_chance = 0.0
    for r, sigma, seen in zip(correlations, implied, observed, strict=True):
        value += seen.n * float(np.linalg.slogdet(sigma)[1] + np.trace(np.linalg.solve(sigma, r)) - len(r))
        value -= seen.n * float(np.linalg.slogdet(r)[1])
        baseline -= seen.n * float(np.linalg.slogdet(r)[1])
    inverse = np.linalg.inv(bread.curvature)
    for spread in spreads:
        stack = stacked_slopes(spread, slopes, len(inverse))
        place = np.ix_(stack.ids, stack.ids)
        toward = spread.apply(spread.weight[:, None] * stack.matrix) @ inverse[place]
        end = 0
        for g in spread.groups:
            end += len(observed[g].values)
            i, j = (one.astype(np.intp) for one in np.tril_indices(len(correlations[g]), -1))
            at = slice(end - len(i), end)
            cov, weight = spread.part(at), (observed[g].n - 1) * _normal_weight(implied[g], i, j)
            moves = np.flatnonzero(stack.matrix[at].any(axis=0))  # thresholds move no correlation
            matrix = stack.matrix[at, moves]
            seen = weight @ matrix
            chance += float((weight * cov).sum()) - 2 * float((seen * toward[at, moves]).sum())
            chance += float(((seen @ bread.vcov[place][np.ix_(moves, moves)]) * matrix).sum())
            baseline_chance += (observed[g].n - 1) * float(np.trace(cov))
    return Likelihood(value, chance, baseline, baseline_chance)


def _normal_weight(sigma: Array, i: Index, j: Index) -> Array:
    """Information on correlations (i, j) of one person with normal answers, shape (pairs, pairs)."""
    inverse = np.linalg.inv(sigma)
    across = inverse[np.ix_(i, j)]
    return np.asarray(inverse[np.ix_(i, i)] * inverse[np.ix_(j, j)] + across * across.T, dtype=np.float64)
