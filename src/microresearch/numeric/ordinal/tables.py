"""What do two-way tables alone say? Polychorics and their variances for stacks of tables: resampled, or nudged."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from microresearch.numeric.ordinal.categories import Coded, padded_thresholds
from microresearch.numeric.ordinal.covariance import margin_influence, table_influence
from microresearch.numeric.ordinal.pairs import CHUNK, LIMIT, EmptyCells, fill_empty, pair_index, score_tables
from microresearch.numeric.resample import bootstrap_weights

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

BLOCK = 50
"""Bootstrap samples whose tables are fitted together."""


@dataclass(frozen=True, slots=True, eq=False)
class TableFit:
    """Polychorics of tables, each with its own margins.

    Attributes
    ----------
    rho, variance : arrays, shape (n_tables,)
        Correlation, and its sampling variance with the thresholds estimated too.
    usable : bool array, shape (n_tables,)
        Converged inside the limits.
    """

    rho: Floats
    variance: Floats
    usable: NDArray[np.bool_]


def fit_tables(counts: Floats, n_rows: Ints, n_columns: Ints, empty_cells: EmptyCells = "lavaan") -> TableFit:
    """Fit the polychoric correlation of every table, thresholds from the table's own margins.

    Parameters
    ----------
    counts : array, shape (n_tables, width, width)
        Need not be whole numbers; every category that an item has is used.
    n_rows, n_columns : int arrays, shape (n_tables,)
        Categories of each table's row and column item.
    """
    rho, variance = np.empty(len(counts)), np.empty(len(counts))
    usable = np.zeros(len(counts), dtype=np.bool_)
    for start in range(0, len(counts), CHUNK):
        part = slice(start, start + CHUNK)
        rho[part], variance[part], usable[part] = _fit(counts[part], n_rows[part], n_columns[part], empty_cells)
    return TableFit(rho, variance, usable)


def _fit(counts: Floats, n_rows: Ints, n_columns: Ints, rule: EmptyCells) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    by_row, by_column = counts.sum(axis=2), counts.sum(axis=1)
    rows, columns = padded_thresholds(by_row, n_rows), padded_thresholds(by_column, n_columns)
    filled, _ = fill_empty(counts, (n_rows == 2) & (n_columns == 2), rule)
    rho, _, converged = score_tables(filled, rows, columns)
    own = margin_influence(by_row, n_rows, rows), margin_influence(by_column, n_columns, columns)
    cell, row, column = table_influence(counts, rows, columns, rho, *own)
    variance = np.einsum("kab,kab->k", counts, (cell - row[:, :, None] - column[:, None, :]) ** 2)
    return rho, variance, converged & (np.abs(rho) < LIMIT - 1e-6) & (variance > 0)


@dataclass(frozen=True, slots=True, eq=False)
class Resampled:
    """Bootstrap samples of complete ordered answers.

    Attributes
    ----------
    rho, variance : arrays, shape (samples, n_pairs)
        NaN where the sample is not usable.
    thresholds : array, shape (samples, n_items, width + 1)
        Padded.
    usable : bool array, shape (samples,)
        Every category still occurs and every correlation is inside its limits.
    """

    rho: Floats
    variance: Floats
    thresholds: Floats
    usable: NDArray[np.bool_]


def resample_pairs(coded: Coded, n_boot: int, rng: np.random.Generator) -> Iterator[Resampled]:
    """Polychorics of `n_boot` bootstrap samples of persons without missing answers, some samples at a time."""
    n, k, width = *coded.codes.shape, coded.width
    first, second = pair_index(k)
    cells = coded.codes[:, first] * width + coded.codes[:, second] + width**2 * np.arange(len(first))
    hot = np.zeros((n, len(first) * width**2))
    hot[np.arange(n)[:, None], cells] = 1.0
    for weights in bootstrap_weights(n, n_boot, rng):
        for start in range(0, len(weights), BLOCK):
            counts = (weights[start : start + BLOCK] @ hot).reshape(-1, len(first), width, width)
            yield _resampled(counts, coded.n_categories, first, second)


def _resampled(counts: Floats, n_categories: Ints, first: Ints, second: Ints) -> Resampled:
    samples, p, width, _ = counts.shape
    k = len(n_categories)
    # margins of item 0 stand in the columns of the first pair, those of item j in the rows of its first pair
    place = [j * (j - 1) // 2 for j in range(1, k)]
    margins = np.concatenate([counts[:, :1].sum(axis=2), counts[:, place].sum(axis=3)], axis=1)
    seen = (margins > 0) | (np.arange(width) >= n_categories[:, None])
    usable: NDArray[np.bool_] = np.asarray(seen.all(axis=(1, 2)), dtype=np.bool_)
    rho, variance = np.full((samples, p), np.nan), np.full((samples, p), np.nan)
    thresholds = np.full((samples, k, width + 1), np.nan)
    whole = np.flatnonzero(usable)
    if len(whole):
        sizes = np.tile(n_categories[first], len(whole)), np.tile(n_categories[second], len(whole))
        fit = fit_tables(counts[whole].reshape(-1, width, width), *sizes)
        good = fit.usable.reshape(-1, p).all(axis=1)
        usable[whole[~good]] = False
        rho[whole[good]] = fit.rho.reshape(-1, p)[good]
        variance[whole[good]] = fit.variance.reshape(-1, p)[good]
        padded = padded_thresholds(margins[whole].reshape(-1, width), np.tile(n_categories, len(whole)))
        thresholds[whole] = padded.reshape(-1, k, width + 1)
    return Resampled(rho, variance, thresholds, usable)
