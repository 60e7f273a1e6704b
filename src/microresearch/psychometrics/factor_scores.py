"""What factor score does each person get, and how surely does it stand for the factor?"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from microresearch.errors import Problem, SpecError

Floats = NDArray[np.float64]
ScoreMethod = Literal["regression", "bartlett", "tenberge"]


def score_weights(matrix: Floats, loadings: Floats, phi: Floats, method: ScoreMethod = "regression") -> Floats:
    """Weights of standardised items, shape (n_items, n_factors).

    Parameters
    ----------
    matrix : array, shape (n_items, n_items)
        Positive definite correlations.
    loadings : array, shape (n_items, n_factors)
        Pattern.
    phi : array, shape (n_factors, n_factors)
    method : {"regression", "bartlett", "tenberge"}

    References
    ----------
    Thurstone (1935); Bartlett (1937), British Journal of Psychology 28, 97-104.
    ten Berge, Krijnen, Wansbeek & Shapiro (1999), Linear Algebra and its Applications 289, 311-318, eq. 8.
    """
    if method == "regression":
        return np.asarray(np.linalg.solve(matrix, loadings @ phi), dtype=np.float64)
    if method == "bartlett":
        unique = np.maximum(1 - np.diag(loadings @ phi @ loadings.T), 1e-8)
        weighted = loadings / unique[:, None]
        return weighted @ np.linalg.inv(loadings.T @ weighted)
    if method != "tenberge":
        allowed = "regression, bartlett, tenberge"
        raise SpecError(Problem("unknown kind of factor score", value=str(method), allowed=allowed))
    root_phi = _power(phi, 0.5)
    half = _power(matrix, -0.5)
    along = half @ loadings @ root_phi
    return half @ along @ _power(along.T @ along, -0.5) @ root_phi


def _power(matrix: Floats, exponent: float) -> Floats:
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * values**exponent) @ vectors.T


def determinacy(matrix: Floats, loadings: Floats, phi: Floats, weights: Floats) -> Floats:
    """Correlation of each score with its factor, shape (n_factors,) (Grice 2001, Psychological Methods 6, 430-450)."""
    spread = np.sqrt(np.diag(weights.T @ matrix @ weights))
    return np.diag(weights.T @ loadings @ phi) / spread
