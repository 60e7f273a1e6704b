"""Where does a person who chose these categories stand on each factor? The mode of what answers and population say."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from microresearch.numeric.ordinal.bivariate import normal_density
from microresearch.numeric.sem_structure import Array, Implied, Structure

TOLERANCE = 1e-9
MAX_STEPS = 60
LONGEST = 2.0
"""No Newton step of a factor is longer than this many of its standard deviations."""


def posterior_modes(codes: NDArray[np.int64], structure: Structure, at: Implied) -> Array:
    """Factor scores (n x m) of people by their category numbers (n x p, from 0; -1 missing); NaN where none was found.

    Answers are taken as independent given the factors. The log posterior is concave, so that there is one mode.

    References
    ----------
    Muthen (1998), Mplus technical appendices, appendix 11 (maximum a posteriori scores of ordered items).
    """
    loadings, spread = at.parts["lambda"], np.sqrt(np.diag(at.parts["theta"]))
    slopes = loadings / spread[:, None]
    lower, upper = _limits(codes, structure, at, spread)
    prior, mean = np.linalg.inv(at.parts["eta"]), at.parts["mean_eta"][:, 0]
    sd = np.sqrt(np.diag(at.parts["eta"]))
    scores = np.tile(mean, (len(codes), 1))
    settled = np.zeros(len(codes), dtype=np.bool_)
    for _ in range(MAX_STEPS):
        line = scores @ slopes.T
        pull, weight = _answer_slopes(lower - line, upper - line)
        gradient = pull @ slopes - (scores - mean) @ prior
        curvature = prior + np.einsum("np,pi,pj->nij", weight, slopes, slopes)
        step = np.linalg.solve(curvature, gradient[:, :, None])[:, :, 0]
        longest = np.abs(step / sd).max(axis=1, keepdims=True)
        scores = scores + step * np.minimum(1.0, LONGEST / np.maximum(longest, 1e-300))
        settled = longest[:, 0] < TOLERANCE
        if settled.all():
            break
    scores[~settled | (codes < 0).all(axis=1)] = np.nan
    return scores


def _limits(codes: NDArray[np.int64], structure: Structure, at: Implied, spread: Array) -> tuple[Array, Array]:
    """Limits of each answer's category in units of the item's residual; without limits where it is missing."""
    lower, upper = np.full(codes.shape, -np.inf), np.full(codes.shape, np.inf)
    for j in range(structure.p):
        tau = at.parts["tau"][structure.th_item == j, 0]
        edges = np.concatenate([[-np.inf], (tau - at.parts["nu"][j, 0]) / spread[j], [np.inf]])
        seen = codes[:, j] >= 0
        lower[seen, j], upper[seen, j] = edges[codes[seen, j]], edges[codes[seen, j] + 1]
    return lower, upper


def _answer_slopes(lower: Array, upper: Array) -> tuple[Array, Array]:
    """First and minus the second derivative of the log probability of each answer by its line."""
    flip = np.where(np.isneginf(lower), upper == np.inf, lower > 0)  # the tails are computed where they are small
    low, high = np.where(flip, -upper, lower), np.where(flip, -lower, upper)
    share = np.maximum(ndtr(high) - ndtr(low), 1e-300)
    at_low, at_high = normal_density(lower) / share, normal_density(upper) / share
    pull = at_low - at_high
    with np.errstate(invalid="ignore"):
        bend = np.where(np.isfinite(upper), upper * at_high, 0.0) - np.where(np.isfinite(lower), lower * at_low, 0.0)
    return pull, np.maximum(bend + pull**2, 0.0)
