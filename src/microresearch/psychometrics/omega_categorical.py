"""How reliable is a sum of ordered answers? Green and Yang's categorical omega from polychorics and thresholds."""

import numpy as np
from scipy.special import ndtr

from microresearch.errors import ConvergenceError
from microresearch.numeric.moments import Floats, Ints
from microresearch.numeric.one_factor import fit_least_squares
from microresearch.numeric.ordinal import Coded, PairFit, encode, fit_pairs, influence, pair_index
from microresearch.numeric.ordinal.bivariate import bivariate_cdf
from microresearch.numeric.ordinal.tables import fit_tables, resample_pairs
from microresearch.psychometrics.omega_estimate import Estimate, usable
from microresearch.psychometrics.ordinal_input import check_codes

STEP = 1e-5
NUDGE = 1e-2
"""Persons added to and taken from a cell, to see how a weight answers."""
CLOSE = 1 - 1e-9
"""Correlations are held this close to 1 and no closer."""
METHOD = (
    "two-step polychorics (lavaan's rule for empty 2 x 2 cells), one factor by diagonally weighted least squares, "
    "omega of the sum of the coded categories (Green & Yang 2009)"
)


def categorical_omega(x: Floats, how: str, n_boot: int, seed: int) -> Estimate:
    """Categorical omega of complete ordered answers, shape (n, k), with a delta-method error or bootstrap draws.

    The error counts that thresholds, correlations and the weights of the least squares are all estimated.

    References
    ----------
    Green & Yang (2009), Psychometrika 74, 155-167, eq. 21. doi:10.1007/s11336-008-9099-3
    """
    check_codes([str(j + 1) for j in range(x.shape[1])], x, np.zeros(x.shape[1], dtype=np.bool_))
    coded = encode(x)
    fit = fit_pairs(coded)
    tables = fit_tables(fit.counts, coded.n_categories[fit.first], coded.n_categories[fit.second])
    if not tables.usable.all():
        raise ConvergenceError("a polychoric correlation is at its limit and has no standard error; categorical omega "
                               "rests on those: join rare categories or leave the item out.")  # fmt: skip
    weights = 1 / tables.variance
    loadings = _loadings(fit.rho[None], weights[None])[0]
    estimate = green_yang(loadings, fit.rho, fit.thresholds)
    psi = 1 - loadings**2
    if how == "bootstrap":
        values, notes = usable(_draws(coded, n_boot, np.random.default_rng(seed)))
        return Estimate(estimate, float(values.std(ddof=1)), loadings, psi, METHOD, values, notes)
    by_moments, by_weights = _slopes(fit, coded.n_categories, weights)
    moved = influence(coded, fit) @ by_moments + _weight_influence(coded, fit, weights) @ by_weights
    return Estimate(estimate, float(np.sqrt((moved**2).sum())), loadings, psi, METHOD)


def green_yang(loadings: Floats, rho: Floats, thresholds: Floats) -> float:
    """Variance of the sum due to the factor over the variance of the sum, both for coded categories (eq. 21).

    Parameters
    ----------
    loadings : array, shape (k,)
        Of the standardised variables behind the items.
    rho : array, shape (n_pairs,)
        Their correlations, lower triangle by rows; a variable correlates 1 with itself.
    thresholds : array, shape (k, width)
        Padded on both sides with limits so far out that nothing lies beyond.

    References
    ----------
    Green & Yang (2009), Psychometrika 74, 155-167, eq. 21. doi:10.1007/s11336-008-9099-3
    """
    k = len(loadings)
    first, second = pair_index(k)
    own = np.minimum(loadings**2, CLOSE)
    item = np.arange(k)
    shared = np.clip(loadings[first] * loadings[second], -CLOSE, CLOSE)
    rows, columns = np.concatenate([first, item, first]), np.concatenate([second, item, second])
    below_rows, below_columns = ndtr(thresholds[rows]), ndtr(thresholds[columns])
    joint = bivariate_cdf(thresholds[rows], thresholds[columns], np.concatenate([shared, own, rho]))
    covariance = (joint - below_rows[:, :, None] * below_columns[:, None, :]).sum(axis=(1, 2))
    p, below = len(first), ndtr(thresholds)
    variance = np.minimum(below[:, :, None], below[:, None, :]) - below[:, :, None] * below[:, None, :]
    common = 2 * covariance[:p].sum() + covariance[p : p + k].sum()
    return float(common / (2 * covariance[p + k :].sum() + variance.sum()))


def _loadings(rho: Floats, weights: Floats) -> Floats:
    """One-factor loadings of many sets of correlations, both shape (sets, n_pairs)."""
    fit = fit_least_squares(_square(rho, 1.0), _square(weights, 0.0))
    if not fit.converged.all() or (np.abs(fit.loadings) > 1.5).any():
        raise ConvergenceError("weighted least squares found no one-factor solution for these polychorics.")
    return fit.loadings


def _square(pairs: Floats, diagonal: float) -> Floats:
    k = round((1 + np.sqrt(1 + 8 * pairs.shape[1])) / 2)
    first, second = pair_index(k)
    out = np.tile(np.eye(k) * diagonal, (len(pairs), 1, 1))
    out[:, first, second] = out[:, second, first] = pairs
    return out


def _slopes(fit: PairFit, n_categories: Ints, weights: Floats) -> tuple[Floats, Floats]:
    """Derivatives of omega by thresholds (item by item) then correlations, and by log weights; central differences."""
    loadings = _loadings(fit.rho[None], weights[None])[0]
    slopes = []
    for j, c in enumerate(n_categories):
        for t in range(1, int(c)):
            ends = []
            for sign in (1, -1):
                moved = fit.thresholds.copy()
                moved[j, t] += sign * STEP
                ends.append(green_yang(loadings, fit.rho, moved))
            slopes.append((ends[0] - ends[1]) / (2 * STEP))
    p = len(fit.rho)
    rho, logs = np.tile(fit.rho, (4 * p, 1)), np.zeros((4 * p, p))
    at = np.arange(p)
    rho[at, at] += STEP
    rho[p + at, at] -= STEP
    logs[2 * p + at, at] = STEP
    logs[3 * p + at, at] = -STEP
    made = _loadings(rho, weights * np.exp(logs))
    values = np.array([green_yang(a, r, fit.thresholds) for a, r in zip(made, rho, strict=True)])
    slopes += list((values[:p] - values[p : 2 * p]) / (2 * STEP))
    return np.array(slopes), (values[2 * p : 3 * p] - values[3 * p :]) / (2 * STEP)


def _weight_influence(coded: Coded, fit: PairFit, weights: Floats) -> Floats:
    """Change of each pair's log weight when a person like this one is added, shape (n, n_pairs)."""
    binary = (coded.n_categories[fit.first] == 2) & (coded.n_categories[fit.second] == 2)
    fixed = binary & (fit.counts[:, :2, :2] == 0).any(axis=(1, 2))  # the rule for empty cells would jump
    pair, row, column = np.nonzero((fit.counts > 0) & ~fixed[:, None, None])
    nudged = np.concatenate([fit.counts[pair], fit.counts[pair]])
    m = np.arange(len(pair))
    nudged[m, row, column] += NUDGE
    nudged[len(pair) + m, row, column] -= NUDGE
    sizes = np.tile(coded.n_categories[fit.first[pair]], 2), np.tile(coded.n_categories[fit.second[pair]], 2)
    logs = -np.log(fit_tables(nudged, *sizes).variance)
    table = np.zeros_like(fit.counts)
    table[pair, row, column] = (logs[: len(pair)] - logs[len(pair) :]) / (2 * NUDGE)
    return table[np.arange(len(weights)), coded.codes[:, fit.first], coded.codes[:, fit.second]]


def _draws(coded: Coded, n_boot: int, rng: np.random.Generator) -> Floats:
    """Omega of bootstrap samples; NaN where a sample lost a category or has no solution."""
    values = []
    for block in resample_pairs(coded, n_boot, rng):
        out = np.full(len(block.rho), np.nan)
        at = np.flatnonzero(block.usable)
        if len(at):
            found = fit_least_squares(_square(block.rho[at], 1.0), _square(1 / block.variance[at], 0.0))
            met = found.converged & (np.abs(found.loadings) <= 1.5).all(axis=1)
            for s, loadings in zip(at[met], found.loadings[met], strict=True):
                out[s] = green_yang(loadings, block.rho[s], block.thresholds[s])
        values.append(out)
    return np.concatenate(values)
