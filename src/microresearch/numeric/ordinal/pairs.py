"""Which polychoric correlation fits each pair of items? All pairs at once, by Fisher scoring."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from microresearch.numeric.ordinal.bivariate import bivariate_cdf, bivariate_density
from microresearch.numeric.ordinal.categories import Coded, joint_counts, marginal_counts, padded_thresholds

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
EmptyCells = Literal["lavaan", "psych", "none"]

LIMIT = 0.9999
"""Correlations stay inside (-LIMIT, LIMIT); where the likelihood still climbs, the estimate is marked."""
CHUNK = 2000
"""Pairs fitted together: their tables stay in the processor's cache, and the memory needed stays small."""
FLOOR = 1e-14
"""No cell counts as less likely: differences of distribution functions carry no digits below."""
TOLERANCE = 1e-9
MAX_STEPS = 100


@dataclass(frozen=True, slots=True, eq=False)
class PairFit:
    """Polychoric correlations of pairs, given thresholds from the margins (two-step maximum likelihood).

    Attributes
    ----------
    first, second : int arrays, shape (n_pairs,)
        Columns of each pair, second < first: the lower triangle by rows.
    rho : float array, shape (n_pairs,)
    counts : float array, shape (n_pairs, width, width)
        Observed two-way tables (rows: `first`), before any correction of empty cells.
    thresholds : float array, shape (n_items, width + 1)
        Padded: -FAR, the thresholds, FAR from the item's last category on.
    steps : int array, shape (n_pairs,)
        Fisher scoring steps taken.
    converged, at_limit, corrected : bool arrays, shape (n_pairs,)
        The last step was below the tolerance; the likelihood climbs up to the limit; an empty cell was filled.
    """

    first: Ints
    second: Ints
    rho: Floats
    counts: Floats
    thresholds: Floats
    steps: Ints
    converged: NDArray[np.bool_]
    at_limit: NDArray[np.bool_]
    corrected: NDArray[np.bool_]

    def matrix(self, values: Floats, diagonal: float) -> Floats:
        """Pair values as a symmetric matrix, shape (n_items, n_items)."""
        p = len(self.thresholds)
        out = np.full((p, p), diagonal, dtype=np.float64)
        out[self.first, self.second] = out[self.second, self.first] = values
        return out


def pair_index(n_items: int) -> tuple[Ints, Ints]:
    """Columns (i, j), j < i, of the lower triangle by rows: (1,0), (2,0), (2,1), (3,0), ..."""
    first, second = np.tril_indices(n_items, -1)
    return first.astype(np.int64), second.astype(np.int64)


def fit_pairs(coded: Coded, empty_cells: EmptyCells = "lavaan") -> PairFit:
    """Fit the polychoric correlation of every pair of columns.

    Parameters
    ----------
    coded : Coded
        Every column has two or more categories and every pair has persons who answered both.
    empty_cells : {"lavaan", "psych", "none"}
        Only two-by-two tables with an empty cell are touched: "lavaan" adds one half to it and keeps the margins
        (two empty cells, a perfect association, stay), "psych" puts one half into empty cells, "none" leaves
        them.

    References
    ----------
    Olsson (1979), Psychometrika 44, 443-460, eqs. 4, 12 and 17. doi:10.1007/BF02296207
    """
    first, second = pair_index(coded.codes.shape[1])
    thresholds = padded_thresholds(marginal_counts(coded), coded.n_categories)
    counts = joint_counts(coded, first, second)
    binary = (coded.n_categories[first] == 2) & (coded.n_categories[second] == 2)
    filled, corrected = fill_empty(counts, binary, empty_cells)
    rho = np.zeros(len(first))
    steps = np.zeros(len(first), dtype=np.int64)
    converged = np.zeros(len(first), dtype=np.bool_)
    for start in range(0, len(first), CHUNK):
        part = slice(start, start + CHUNK)
        rho[part], steps[part], converged[part] = score_tables(
            filled[part], thresholds[first[part]], thresholds[second[part]]
        )
    at_limit = np.abs(rho) >= LIMIT - 1e-6
    return PairFit(first, second, rho, counts, thresholds, steps, converged | at_limit, at_limit, corrected)


def fill_empty(counts: Floats, binary: NDArray[np.bool_], rule: EmptyCells) -> tuple[Floats, NDArray[np.bool_]]:
    """Tables with the rule for empty cells applied, and which tables it changed."""
    corner = counts[:, :2, :2]
    n_empty = (corner == 0).sum(axis=(1, 2))
    # two empty cells are a perfect association, which lavaan leaves alone
    touched = binary & ((n_empty == 1) if rule == "lavaan" else (n_empty > 0)) & (rule != "none")
    if not touched.any():
        return counts, touched
    out = counts.copy()
    table = out[touched, :2, :2]
    empty = (table == 0) * 0.5
    if rule == "psych":
        table += empty
    else:
        # one half moves round the table: into the empty diagonal, out of the other one, so that margins stay
        main = np.maximum(empty[:, 0, 0], empty[:, 1, 1]) - np.maximum(empty[:, 0, 1], empty[:, 1, 0])
        table += main[:, None, None] * np.array([[1.0, -1.0], [-1.0, 1.0]])
    out[touched, :2, :2] = table
    return out, touched


def cell_probabilities(rows: Floats, columns: Floats, rho: Floats) -> Floats:
    """Probability of every cell, shape (n_pairs, width, width), from padded thresholds of rows and columns."""
    n, edges = rows.shape
    corners = np.zeros((n, edges, edges))
    corners[:, 1:-1, 1:-1] = bivariate_cdf(rows[:, 1:-1], columns[:, 1:-1], rho)
    corners[:, -1, :] = ndtr(columns)
    corners[:, :, -1] = ndtr(rows)
    return np.maximum(difference(corners), FLOOR)


def cell_slopes(rows: Floats, columns: Floats, rho: Floats) -> Floats:
    """Derivative of every cell's probability by rho, shape (n_pairs, width, width)."""
    n, edges = rows.shape
    corners = np.zeros((n, edges, edges))
    corners[:, 1:-1, 1:-1] = bivariate_density(rows[:, 1:-1, None], columns[:, None, 1:-1], rho[:, None, None])
    return difference(corners)


def difference(corners: Floats) -> Floats:
    """Cell values from values at the cells' corners: second difference over rows and columns."""
    bands = corners[:, 1:, :] - corners[:, :-1, :]
    return bands[:, :, 1:] - bands[:, :, :-1]


def _loglik(counts: Floats, cells: Floats) -> Floats:
    return np.einsum("kab,kab->k", counts, np.log(cells))


def score_tables(counts: Floats, rows: Floats, columns: Floats) -> tuple[Floats, Ints, NDArray[np.bool_]]:
    """Fisher scoring of each table, steps halved where the likelihood would fall and before the limit is crossed."""
    n_pairs = len(counts)
    total = counts.sum(axis=(1, 2))
    rho = _start(counts)
    cells = cell_probabilities(rows, columns, rho)
    loglik = _loglik(counts, cells)
    steps = np.zeros(n_pairs, dtype=np.int64)
    converged = np.zeros(n_pairs, dtype=np.bool_)
    todo = np.arange(n_pairs)
    for _ in range(MAX_STEPS):
        slopes = cell_slopes(rows[todo], columns[todo], rho[todo])
        ratio = slopes / cells[todo]
        score = np.einsum("kab,kab->k", counts[todo], ratio)
        information = total[todo] * np.einsum("kab,kab->k", slopes, ratio)
        known = information > 0  # a table whose cells all lie at the limit says nothing more
        step = np.divide(score, information, out=np.zeros_like(score), where=known)
        over = np.abs(rho[todo] + step) > LIMIT
        step[over] = (np.sign(step[over]) * LIMIT - rho[todo][over]) / 2
        step, cells[todo], loglik[todo] = _climb(
            counts[todo], rows[todo], columns[todo], rho[todo], step, cells[todo], loglik[todo]
        )
        rho[todo] += step
        steps[todo] += 1
        converged[todo] = known & (np.abs(step) < TOLERANCE)
        todo = todo[known & ~converged[todo]]
        if not todo.size:
            break
    return rho, steps, converged


def _climb(
    counts: Floats, rows: Floats, columns: Floats, rho: Floats, step: Floats, cells: Floats, loglik: Floats
) -> tuple[Floats, Floats, Floats]:
    """The steps, halved until no likelihood falls by more than rounding, with cells and likelihoods there."""
    new_cells, new_loglik = cells.copy(), loglik.copy()
    bad = np.arange(len(rho))
    for _ in range(30):
        new_cells[bad] = cell_probabilities(rows[bad], columns[bad], rho[bad] + step[bad])
        new_loglik[bad] = _loglik(counts[bad], new_cells[bad])
        bad = bad[new_loglik[bad] < loglik[bad] - 1e-10 * np.abs(loglik[bad])]
        if not bad.size:
            break
        step[bad] /= 2
    return step, new_cells, new_loglik


def _start(counts: Floats) -> Floats:
    """Pearson correlation of the category numbers, pulled in a little so that no start is at the limit."""
    number = np.arange(counts.shape[1], dtype=np.float64)
    total = counts.sum(axis=(1, 2))
    rows, columns = counts.sum(axis=2), counts.sum(axis=1)
    mean_r, mean_c = rows @ number / total, columns @ number / total
    cross = np.einsum("kab,a,b->k", counts, number, number) / total - mean_r * mean_c
    spread = (rows @ number**2 / total - mean_r**2) * (columns @ number**2 / total - mean_c**2)
    safe = np.where(spread > 0, spread, 1.0)
    return np.clip(np.where(spread > 0, cross / np.sqrt(safe), 0.0), -0.9, 0.9)
