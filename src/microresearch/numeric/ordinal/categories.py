"""Which category did each person choose, how often do two items' categories meet, and where are the thresholds?"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FAR = 40.0
"""Stands for infinity among thresholds: its normal density is 0 and its distribution function 1 in double precision."""


@dataclass(frozen=True, slots=True, eq=False)
class Coded:
    """Answers as category numbers.

    Attributes
    ----------
    codes : int array, shape (n_persons, n_items)
        0 for the lowest category that was used, 1 for the next; -1 where the answer is missing.
    n_categories : int array, shape (n_items,)
        Categories that were used.
    """

    codes: Ints
    n_categories: Ints

    @property
    def width(self) -> int:
        """Categories of the item that has most."""
        return int(self.n_categories.max())


def encode(values: Floats) -> Coded:
    """Number the categories of each column from 0 in the order of their values.

    Parameters
    ----------
    values : array, shape (n_persons, n_items)
        Codes of any spacing; NaN where the answer is missing.
    """
    codes = np.full(values.shape, -1, dtype=np.int64)
    n_categories = np.zeros(values.shape[1], dtype=np.int64)
    for j, column in enumerate(values.T):
        seen = ~np.isnan(column)
        levels, codes[seen, j] = np.unique(column[seen], return_inverse=True)
        n_categories[j] = len(levels)
    return Coded(codes, n_categories)


def one_hot(coded: Coded) -> Floats:
    """Indicators of every category of every item, shape (n_persons, n_items * width); all 0 where missing."""
    n, p = coded.codes.shape
    out = np.zeros((n, p * coded.width))
    rows, items = np.nonzero(coded.codes >= 0)
    out[rows, items * coded.width + coded.codes[rows, items]] = 1.0
    return out


def joint_counts(coded: Coded, first: Ints, second: Ints) -> Floats:
    """Two-way tables of the pairs (first[k], second[k]), shape (n_pairs, width, width).

    One product of indicator matrices counts all pairs at once; sums of ones are exact in double precision.
    """
    hot = one_hot(coded)
    width, p = coded.width, coded.codes.shape[1]
    crossed = (hot.T @ hot).reshape(p, width, p, width)
    return np.ascontiguousarray(crossed[first, :, second, :])


def marginal_counts(coded: Coded) -> Floats:
    """Answers in each category of each item, shape (n_items, width)."""
    return one_hot(coded).sum(axis=0).reshape(-1, coded.width)


def padded_thresholds(counts: Floats, n_categories: Ints) -> Floats:
    """Thresholds of all items, shape (n_items, width + 1): -FAR first, FAR from the last category on.

    The maximum likelihood estimate is the normal quantile of the cumulative share (Olsson 1979, eq. 12).
    """
    share = np.cumsum(counts, axis=1) / counts.sum(axis=1, keepdims=True)
    width = counts.shape[1]
    inside = np.arange(1, width + 1) < n_categories[:, None]
    out = np.full((len(counts), width + 1), FAR)
    out[:, 0] = -FAR
    out[:, 1:][inside] = ndtri(share[inside])
    return out


def probabilities(thresholds: Floats) -> Floats:
    """Share of each category from padded thresholds, shape (n_items, width)."""
    return np.diff(ndtr(thresholds), axis=1)
