"""Which factor is which? Order and sign by rule, match by congruence, alignment by Procrustes."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def arrange(loadings: Floats, fixed: int = 0) -> tuple[Ints, Floats]:
    """Order and signs by rule: sums of squared loadings fall, column sums are not negative.

    The first `fixed` factors keep their place. Returns order, shape (n_factors,), and signs of the ordered columns.
    """
    size = (loadings**2).sum(axis=0)
    order = np.concatenate([np.arange(fixed), fixed + np.argsort(-size[fixed:], kind="stable")]).astype(np.int64)
    return order, np.where(loadings[:, order].sum(axis=0) < 0, -1.0, 1.0)


def congruence(a: Floats, b: Floats) -> Floats:
    """Tucker's congruence of every column of a with every column of b, shape (columns of a, columns of b).

    References
    ----------
    Tucker (1951), Personnel Research Section Report 984; Lorenzo-Seva & ten Berge (2006), Methodology 2, 57-64.
    """
    return a.T @ b / np.sqrt(np.outer((a * a).sum(axis=0), (b * b).sum(axis=0)))


def match(loadings: Floats, target: Floats) -> tuple[Ints, Floats]:
    """Order and signs that bring columns closest to the target's, by the sum of absolute congruences."""
    alike = congruence(target, loadings)
    _, order = linear_sum_assignment(-np.abs(alike))
    order = order.astype(np.int64)
    return order, np.where(alike[np.arange(len(order)), order] < 0, -1.0, 1.0)


def procrustes(loadings: Floats, target: Floats) -> Floats:
    """Orthogonal matrices T that make |loadings T - target| smallest (Schönemann 1966), for one matrix or a stack.

    Parameters
    ----------
    loadings : array, shape (..., n_items, n_factors)
    target : array, shape (n_items, n_factors)
    """
    left, _, right = np.linalg.svd(np.swapaxes(loadings, -1, -2) @ target)
    return left @ right
