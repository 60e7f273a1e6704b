"""How far could the correction for unreliability be off? What the raters leave open of a slope per true SD."""

import numpy as np

from microresearch.numeric.moments import Floats, GroupMoments
from microresearch.numeric.variance import RandomIntercept, ratio_pivots

POINTS = 100
"""Equally likely values of the variance ratio; at most two are zero where a 95 % interval of the ratio is above it."""


def scale_factors(
    groups: GroupMoments, hospitals: Floats, design: Floats, within: RandomIntercept, given: RandomIntercept,
    share: Floats,
) -> Floats:  # fmt: skip
    """What a corrected effect per true SD would be multiplied by, were the variance ratio another that fits the raters.

    Each value theta* of the pivotal distribution of tau2 / sigma2 gives empirical-Bayes scores of its own; a slope on
    them is the slope on the reported ones over the regression of the former on the latter, and the true SD is another
    too. sigma2 is taken as known: it rests on all raters.

    Parameters
    ----------
    groups : GroupMoments
        Of the units with raters.
    hospitals, design : arrays, shapes (n_units, h) and (n_units, p)
        Hospital columns alone, and with the covariates.
    within, given : RandomIntercept
        Fits on both designs.
    share : array, shape (n_units,)
        1 / staff on the roster where that is the population, else 0.

    Returns
    -------
    array, shape (POINTS,)
        In the order of rising theta*; infinite where that is 0. Empty when tau2 was estimated as zero.
    """
    if given.boundary or within.boundary:
        return np.empty(0)
    at = (np.arange(POINTS) + 0.5) / POINTS
    inner = ratio_pivots(groups, design, at)
    outer = inner if design.shape == hospitals.shape else ratio_pivots(groups, hospitals, at)
    basis = np.linalg.qr(design).Q
    reported = _left(_scores(groups, design, np.array([given.tau2 / given.sigma2]), share), basis)[0]
    mean_share = float(share.mean())
    tau2 = within.tau2 / within.sigma2 + mean_share
    bounded = (inner > 0) & (outer > 0)
    others = _left(_scores(groups, design, inner[bounded], share), basis)
    found = np.full(POINTS, np.inf)
    found[bounded] = np.sqrt((outer[bounded] + mean_share) / tau2) * (reported @ reported) / (others @ reported)
    return found


def _scores(groups: GroupMoments, design: Floats, theta: Floats, share: Floats) -> Floats:
    """Empirical-Bayes scores at these variance ratios, shape (k, n_units)."""
    precision = 1 / (theta[:, None] + 1 / groups.n)
    cross = np.einsum("ku,ui,uj->kij", precision, design, design, optimize=True)
    beta = np.linalg.solve(cross, ((precision * groups.mean) @ design)[:, :, None])[:, :, 0]
    fitted = beta @ design.T
    return np.asarray(fitted + (theta[:, None] + share) * precision * (groups.mean - fitted), dtype=np.float64)


def _left(scores: Floats, basis: Floats) -> Floats:
    """What hospitals and covariates leave of scores, shape (k, n_units)."""
    return scores - (scores @ basis) @ basis.T
