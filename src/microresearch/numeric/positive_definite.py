"""Is this a correlation matrix, and which positive definite one is near it?"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SMALLEST = 1e-12
"""Eigenvalues below this count as not positive."""


@dataclass(frozen=True, slots=True, eq=False)
class Smoothed:
    """A positive definite correlation matrix near another one.

    Attributes
    ----------
    matrix : array, shape (n, n)
    changed : bool
    smallest : float
        Smallest eigenvalue before.
    largest_change : float
        Largest absolute change of a correlation.
    """

    matrix: Floats
    changed: bool
    smallest: float
    largest_change: float


def smooth(matrix: Floats, floor: float = SMALLEST) -> Smoothed:
    """Lift eigenvalues below `floor` to 100 times the floor and scale the diagonal back to 1.

    The rule of psych's `cor.smooth`. A matrix whose eigenvalues are all larger comes back untouched.

    References
    ----------
    Wothke (1993), in Bollen & Long (eds.), Testing structural equation models, 256-293.
    """
    values, vectors = np.linalg.eigh(matrix)
    smallest = float(values[0])
    if smallest >= floor:
        return Smoothed(matrix, False, smallest, 0.0)
    lifted = np.where(values < floor, 100 * floor, values)
    lifted *= len(lifted) / lifted.sum()
    near = (vectors * lifted) @ vectors.T
    scale = np.sqrt(np.diag(near))
    near = near / np.outer(scale, scale)
    near = (near + near.T) / 2
    np.fill_diagonal(near, 1.0)
    return Smoothed(near, True, smallest, float(np.abs(near - matrix).max()))
