"""How surely is a number known that is made of correlations? The delta method, free of any distribution."""

from collections.abc import Callable

import numpy as np

from microresearch.errors import ConvergenceError
from microresearch.numeric.moments import Floats

STEP = 0.5
"""Moves of the correlations, in their standard errors: the number is seen to answer over what sampling may bring."""


def correlation_influence(x: Floats) -> Floats:
    """What each person adds to each correlation, shape (n, n_pairs), lower triangle by rows; complete answers.

    References
    ----------
    Devlin, Gnanadesikan & Kettenring (1975), Biometrika 62, 531-545, eq. 3.1. doi:10.1093/biomet/62.3.531

    Examples
    --------
    >>> x = np.random.default_rng(1).normal(size=(500, 2))
    >>> float(np.sqrt((correlation_influence(x) ** 2).sum()).round(2))  # about (1 - r^2) / sqrt(n)
    0.05
    """
    first, second = np.tril_indices(x.shape[1], -1)
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    r = (z.T @ z / len(z))[first, second]
    return (z[:, first] * z[:, second] - r * (z[:, first] ** 2 + z[:, second] ** 2) / 2) / len(z)


def correlation_error(x: Floats, function: Callable[[Floats], Floats]) -> float:
    """Standard error of a number that `function` makes of correlation matrices, robust to non-normal answers.

    The correlations move along the principal axes of their own sampling covariance; the variance is the sum of the
    squared slopes.

    Parameters
    ----------
    x : array, shape (n, k)
    function : callable
        Takes matrices, shape (some, k, k), and gives numbers, shape (some,); NaN where there is none.

    Raises
    ------
    ConvergenceError
        The function has no value beside the sample's correlations.
    """
    first, second = np.tril_indices(x.shape[1], -1)
    influence = correlation_influence(x)
    roots, axes = np.linalg.eigh(influence.T @ influence)
    moves = STEP * (axes * np.sqrt(np.maximum(roots, 0.0))).T
    near = np.tile(np.corrcoef(x, rowvar=False), (2 * len(moves), 1, 1))
    both = np.concatenate([moves, -moves])
    near[:, first, second] += both
    near[:, second, first] += both
    values = function(near)
    if not np.isfinite(values).all():
        raise ConvergenceError("the solution vanishes when the correlations move a little: there is no standard error.")
    slopes = (values[: len(moves)] - values[len(moves) :]) / (2 * STEP)
    return float(np.sqrt((slopes**2).sum()))
