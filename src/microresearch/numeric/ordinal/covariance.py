"""How surely are thresholds and polychorics known? Each person's influence on them, and so their covariance."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from microresearch.numeric.ordinal.bivariate import normal_density
from microresearch.numeric.ordinal.categories import Coded, marginal_counts, probabilities
from microresearch.numeric.ordinal.pairs import CHUNK, PairFit, cell_probabilities, cell_slopes

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def threshold_scores(thresholds: Floats) -> Floats:
    """Score of each threshold for a person in each category, shape (n_items, width, width - 1); 0 where padded."""
    n, width = len(thresholds), thresholds.shape[1] - 1
    density = normal_density(thresholds[:, 1:-1])
    share = np.maximum(probabilities(thresholds), 1e-300)
    out = np.zeros((n, width, width - 1))
    s = np.arange(width - 1)
    out[:, s, s] = density / share[:, :-1]
    out[:, s + 1, s] = -density / share[:, 1:]
    out[np.broadcast_to((thresholds[:, 1:-1] >= thresholds[:, -1:])[:, None, :], out.shape)] = 0.0
    return out


def threshold_influence(coded: Coded, thresholds: Floats) -> Floats:
    """Influence of a person in each category on each threshold, shape (n_items, width, width - 1), unscaled by n."""
    return margin_influence(marginal_counts(coded), coded.n_categories, thresholds)


def margin_influence(counts: Floats, n_categories: Ints, thresholds: Floats) -> Floats:
    """The same from counts of the categories, shape (n_items, width)."""
    scores = threshold_scores(thresholds)
    information = np.einsum("ia,ias,iat->ist", counts, scores, scores)
    spare = np.arange(scores.shape[2]) >= (n_categories - 1)[:, None]
    item, place = np.nonzero(spare)
    information[item, place, place] = 1.0
    return np.matmul(scores, np.linalg.inv(information))


def pair_influence(coded: Coded, fit: PairFit, part: slice) -> tuple[Floats, Floats, Floats]:
    """Influence of a person on each pair's rho, split in the part of the cell and the parts of the two margins.

    A person in cell (a, b) moves rho by `cell[a, b] - row[a] - column[b]`; one who answered one item only, by the
    margin's part alone (Muthén 1984, eqs. 18-24, with the cross-products of scores as lavaan forms them).

    Returns
    -------
    cell : array, shape (n_pairs, width, width)
    row, column : arrays, shape (n_pairs, width)
    """
    first, second = fit.first[part], fit.second[part]
    own = threshold_influence(coded, fit.thresholds)
    limits = fit.thresholds[first], fit.thresholds[second]
    return table_influence(fit.counts[part], *limits, fit.rho[part], own[first], own[second])


def table_influence(
    counts: Floats, rows: Floats, columns: Floats, rho: Floats, own_rows: Floats, own_columns: Floats
) -> tuple[Floats, Floats, Floats]:
    """The same from two-way tables, padded thresholds of their rows and columns, and the margins' own influence."""
    cells = cell_probabilities(rows, columns, rho)
    ratio = cell_slopes(rows, columns, rho) / cells
    information = np.einsum("kab,kab->k", counts, ratio * ratio)[:, None]
    information = np.where(information > 0, information, np.nan)  # at the limit no answer tells of rho: no error
    weighted = counts * ratio / cells
    by_row = np.einsum("kab,ksab->ks", weighted, _margin_slopes(rows, columns, rho))
    by_column = np.einsum("kab,ksba->ks", weighted, _margin_slopes(columns, rows, rho))
    row = np.einsum("kas,ks->ka", own_rows, by_row) / information
    column = np.einsum("kbs,ks->kb", own_columns, by_column) / information
    return ratio / information[:, :, None], row, column


def _margin_slopes(rows: Floats, columns: Floats, rho: Floats) -> Floats:
    """Derivative of cell (a, b) by row threshold s, shape (n_pairs, width - 1, width, width)."""
    inner = rows[:, 1:-1]
    root = np.sqrt(1 - rho * rho)[:, None, None]
    below = ndtr((columns[:, None, :] - rho[:, None, None] * inner[:, :, None]) / root)
    band = np.diff(below, axis=2) * normal_density(inner)[:, :, None]
    n, thresholds, width = band.shape
    out = np.zeros((n, thresholds, width, width))
    s = np.arange(thresholds)
    out[:, s, s, :] = band
    out[:, s, s + 1, :] = -band
    return out


def pair_errors(coded: Coded, fit: PairFit) -> Floats:
    """Standard error of each pair's rho, shape (n_pairs,), thresholds being estimated too.

    Exact from the two-way tables: persons who share a cell share their influence.
    """
    answered = marginal_counts(coded)
    out = np.empty(len(fit.rho))
    for start in range(0, len(out), CHUNK):
        part = slice(start, start + CHUNK)
        cell, row, column = pair_influence(coded, fit, part)
        counts = fit.counts[part]
        both = np.einsum("kab,kab->k", counts, (cell - row[:, :, None] - column[:, None, :]) ** 2)
        row_only = answered[fit.first[part]] - counts.sum(axis=2)
        column_only = answered[fit.second[part]] - counts.sum(axis=1)
        alone = np.einsum("ka,ka->k", row_only, row**2) + np.einsum("kb,kb->k", column_only, column**2)
        out[part] = np.sqrt(both + alone)
    return out


def influence(coded: Coded, fit: PairFit) -> Floats:
    """Influence of every person on every threshold and correlation.

    Returns
    -------
    array, shape (n_persons, n_thresholds + n_pairs)
        Thresholds item by item, then correlations of the lower triangle by rows. `out.T @ out` is the asymptotic
        covariance of the estimates (n times that is lavaan's NACOV); rows summed within clusters first give the
        cluster-robust one.

    References
    ----------
    Muthén (1984), Psychometrika 49, 115-132. doi:10.1007/BF02294210
    """
    own = _padded(threshold_influence(coded, fit.thresholds))
    codes = coded.codes
    kept = [own[j][codes[:, j], : k - 1] for j, k in enumerate(coded.n_categories)]
    rho = np.empty((len(codes), len(fit.rho)), order="F")
    for start in range(0, len(fit.rho), CHUNK):
        part = slice(start, start + CHUNK)
        cell, row, column = pair_influence(coded, fit, part)
        tables = np.zeros((len(cell), cell.shape[1] + 1, cell.shape[2] + 1))
        tables[:, :-1, :-1] = cell
        # the last row and column stand for a missing answer (code -1): the person has no cell and one margin at most
        tables -= np.pad(row, ((0, 0), (0, 1)))[:, :, None] + np.pad(column, ((0, 0), (0, 1)))[:, None, :]
        for k, (i, j) in enumerate(zip(fit.first[part], fit.second[part], strict=True)):
            rho[:, start + k] = tables[k][codes[:, i], codes[:, j]]
    return np.hstack([*kept, rho])


def _padded(tables: Floats) -> Floats:
    """One more category, of influence 0, for a missing answer."""
    return np.pad(tables, ((0, 0), (0, 1), (0, 0)))
