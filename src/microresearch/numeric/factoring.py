"""Which loadings reproduce a correlation matrix best? Minimum residuals, maximum likelihood, principal axes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from microresearch.errors import ConvergenceError

Floats = NDArray[np.float64]
Extraction = Literal["minres", "ml", "paf"]

LOWEST, HIGHEST = 0.005, 1.0
"""Bounds of a uniqueness, as factanal and psych set them."""
TOLERANCE = 1e-9
ROUNDING = 1e-14
"""Values of the discrepancy that differ by less are equal: near the optimum a full Newton step is then taken."""
MAX_STEPS = 500
MAX_PAF = 20_000


@dataclass(frozen=True, slots=True, eq=False)
class Extracted:
    """Unrotated factors.

    Attributes
    ----------
    loadings : array, shape (n_items, n_factors)
        Principal axes of the common part, largest first, each column's sum not negative.
    uniquenesses : array, shape (n_items,)
    discrepancy : float
        What was minimised: half the sum of squared residuals, or the likelihood discrepancy.
    steps : int
    gradient : float
        Largest absolute derivative left, bounds considered (PAF: largest change of a communality).
    at_bound : bool array, shape (n_items,)
        Uniqueness at its lower bound: a Heywood case.
    """

    loadings: Floats
    uniquenesses: Floats
    discrepancy: float
    steps: int
    gradient: float
    at_bound: NDArray[np.bool_]


def extract(matrix: Floats, n_factors: int, method: Extraction = "minres", near: Floats | None = None) -> Extracted:
    """Extract factors from a correlation matrix.

    Parameters
    ----------
    matrix : array, shape (n_items, n_items)
        Symmetric with unit diagonal; positive definite for "ml".
    n_factors : int
        1 or more, fewer than items.
    near : array, shape (n_items,), optional
        Uniquenesses to start from, of a matrix that is nearly the same; not asked by "paf".

    Raises
    ------
    ConvergenceError
        The gradient did not vanish.

    References
    ----------
    Harman & Jones (1966), Psychometrika 31, 351-368. doi:10.1007/BF02289468
    Jöreskog (1967), Psychometrika 32, 443-482. doi:10.1007/BF02289658
    """
    if method == "paf":
        return _principal_axes(matrix, n_factors)
    start = (
        near
        if near is not None
        else np.clip((1 - 0.5 * n_factors / len(matrix)) * (1 - squared_multiple_correlations(matrix)), 0.01, 0.99)
    )
    if method == "minres":
        uniquenesses, value, steps, gradient = _newton(lambda psi: _ols(matrix, psi, n_factors), start, LOWEST, HIGHEST)
        values, vectors = np.linalg.eigh(matrix - np.diag(uniquenesses))
        loadings = vectors[:, ::-1][:, :n_factors] * np.sqrt(np.maximum(values[::-1][:n_factors], 0.0))
    else:
        logs, value, steps, gradient = _newton(
            lambda x: _likelihood(matrix, x, n_factors), np.log(start), np.log(LOWEST), np.log(HIGHEST)
        )
        uniquenesses = np.exp(logs)
        root = np.sqrt(uniquenesses)
        values, vectors = np.linalg.eigh(matrix / np.outer(root, root))
        size = np.sqrt(np.maximum(values[::-1][:n_factors] - 1, 0.0))
        loadings = root[:, None] * vectors[:, ::-1][:, :n_factors] * size
    return Extracted(_signed(loadings), uniquenesses, value, steps, gradient, uniquenesses <= LOWEST * (1 + 1e-9))


def squared_multiple_correlations(matrix: Floats) -> Floats:
    """R squared of each item on the others, shape (n_items,); from the pseudoinverse if the matrix is singular."""
    inverse = np.diag(np.linalg.pinv(matrix, hermitian=True))
    return np.clip(1 - 1 / np.maximum(inverse, 1.0), 0.0, 1.0)


def _signed(loadings: Floats) -> Floats:
    return loadings * np.where(loadings.sum(axis=0) < 0, -1.0, 1.0)


def _ols(matrix: Floats, psi: Floats, m: int) -> tuple[float, Floats, Floats]:
    """Half the sum of squared residuals at the best loadings, its gradient and Hessian (Jöreskog 1977, eqs. 32-35)."""
    values, vectors = np.linalg.eigh(matrix - np.diag(psi))
    values, vectors = values[::-1], vectors[:, ::-1]
    # factors with a negative eigenvalue have loadings of 0: their residual stays
    k = min(m, int((values > 0).sum()))
    rest = values[k:]
    squares = vectors[:, k:] ** 2
    pairs = _pairs(vectors)
    gap = np.maximum(values[None, :k] - rest[:, None], 1e-10)
    tail = np.matmul(vectors[:, k:], vectors[:, k:].T) ** 2
    cross = np.einsum("xr,rc,xc->x", pairs[:, k:], -2 * rest[:, None] / gap, pairs[:, :k], optimize=True)
    return float(rest @ rest) / 2, -squares @ rest, tail + cross.reshape(tail.shape)


def _likelihood(matrix: Floats, x: Floats, m: int) -> tuple[float, Floats, Floats]:
    """Likelihood discrepancy at the best loadings by x = log psi, gradient and Hessian (Jöreskog 1967, eqs. 18-26)."""
    root = np.exp(x / 2)
    values, vectors = np.linalg.eigh(matrix / np.outer(root, root))
    values, vectors = values[::-1], vectors[:, ::-1]
    k = min(m, int((values > 1).sum()))
    rest = values[k:]
    squares = vectors[:, k:] ** 2
    pairs = _pairs(vectors)
    gap = np.maximum(values[None, :k] - rest[:, None], 1e-10)
    weight = (1 - rest[:, None]) * (rest[:, None] + values[None, :k]) / gap
    tail = np.matmul(vectors[:, k:] * rest, vectors[:, k:].T) * np.matmul(vectors[:, k:], vectors[:, k:].T)
    cross = np.einsum("xr,rc,xc->x", pairs[:, k:], weight, pairs[:, :k], optimize=True)
    value = float((rest - np.log(np.maximum(rest, 1e-300)) - 1).sum())
    return value, squares @ (1 - rest), tail + cross.reshape(tail.shape)


def _pairs(vectors: Floats) -> Floats:
    """Products of every two entries of each eigenvector, shape (n_items ** 2, n_items)."""
    p = len(vectors)
    return (vectors[:, None, :] * vectors[None, :, :]).reshape(p * p, p)


Discrepancy = Callable[[Floats], tuple[float, Floats, Floats]]


def _newton(function: Discrepancy, start: Floats, low: float, high: float) -> tuple[Floats, float, int, float]:
    """Newton's method inside bounds: variables that press on a bound rest, the Hessian is made positive definite."""
    x = np.clip(start, low, high)
    value, slope, curve = function(x)
    left = np.inf
    for step in range(MAX_STEPS):
        resting = ((x <= low) & (slope > 0)) | ((x >= high) & (slope < 0))
        free = ~resting
        left = float(np.abs(slope[free]).max(initial=0.0))
        if left < TOLERANCE:
            return x, value, step, left
        direction = np.zeros_like(x)
        roots, axes = np.linalg.eigh(curve[np.ix_(free, free)])
        bent = np.maximum(np.abs(roots), 1e-6 * np.abs(roots).max())
        direction[free] = -axes @ ((axes.T @ slope[free]) / bent)
        for halving in range(40):
            new = np.clip(x + direction * 0.5**halving, low, high)
            new_value, new_slope, new_curve = function(new)
            if new_value <= value + 1e-4 * float(slope @ (new - x)) + ROUNDING * (1 + abs(value)):
                break
        else:
            if left < 1e-6:  # rounding: no smaller value can be told from this one
                return x, value, step, left
            raise ConvergenceError(f"factor extraction: no descent after {step} steps, gradient {left:.1e}.")
        x, value, slope, curve = new, new_value, new_slope, new_curve
    raise ConvergenceError(f"factor extraction: gradient {left:.1e} after {MAX_STEPS} steps.")


def _principal_axes(matrix: Floats, m: int) -> Extracted:
    """Communalities put into the diagonal until they repeat themselves (Harman 1976, ch. 7)."""
    communalities = squared_multiple_correlations(matrix)
    loadings = np.zeros((len(matrix), m))
    reduced = matrix.copy()
    step, change = 0, np.inf
    while change >= TOLERANCE:
        if step == MAX_PAF:
            raise ConvergenceError(f"principal axes: communalities still move by {change:.1e} after {MAX_PAF} steps.")
        step += 1
        np.fill_diagonal(reduced, communalities)
        values, vectors = np.linalg.eigh(reduced)
        loadings = vectors[:, ::-1][:, :m] * np.sqrt(np.maximum(values[::-1][:m], 0.0))
        new = (loadings**2).sum(axis=1)
        change = float(np.abs(new - communalities).max())
        communalities = new
    residual = matrix - loadings @ loadings.T
    np.fill_diagonal(residual, 0.0)
    return Extracted(
        _signed(loadings), 1 - communalities, float((residual**2).sum()) / 2, step, change, communalities >= 1 - LOWEST
    )
