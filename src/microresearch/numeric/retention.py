"""How many factors do eigenvalues and partial correlations speak for? Reference values, MAP, EKC, KMO, Bartlett."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from microresearch.numeric.factoring import extract, squared_multiple_correlations

Floats = NDArray[np.float64]
Communalities = Literal["minres", "smc"]


def component_eigenvalues(matrix: Floats) -> Floats:
    """Eigenvalues of the correlation matrix, largest first."""
    return np.asarray(np.linalg.eigvalsh(matrix)[::-1], dtype=np.float64)


def factor_eigenvalues(matrix: Floats, communalities: Communalities = "minres") -> Floats:
    """Eigenvalues of the matrix with communalities in its diagonal, largest first.

    Communalities are those of one minres factor (as psych's fa.parallel) or squared multiple correlations.
    """
    reduced = matrix.copy()
    if communalities == "smc":
        np.fill_diagonal(reduced, squared_multiple_correlations(matrix))
    else:
        np.fill_diagonal(reduced, (extract(matrix, 1).loadings[:, 0]) ** 2)
    return component_eigenvalues(reduced)


def leading(observed: Floats, reference: Floats) -> int:
    """Eigenvalues larger than their reference before the first that is not (Horn 1965, Psychometrika 30, 179-185)."""
    below = np.flatnonzero(observed <= reference)
    return int(below[0]) if below.size else len(observed)


def map_averages(matrix: Floats, power: int = 2) -> Floats:
    """Average partial correlation to the given power after 0, 1, ... components are taken out.

    Returns an array, shape (at most n_items,); it ends where a partial variance vanishes. The number of components is
    the place of its minimum.

    References
    ----------
    Velicer (1976), Psychometrika 41, 321-327. doi:10.1007/BF02293557
    Velicer, Eaton & Fava (2000), in Goffin & Helmes (eds.), 41-71 (power 4).
    """
    p = len(matrix)
    values, vectors = np.linalg.eigh(matrix)
    loadings = vectors[:, ::-1] * np.sqrt(np.maximum(values[::-1], 0.0))
    averages: list[float] = []
    rest = matrix.copy()
    for m in range(p):
        if m:
            rest = rest - np.outer(loadings[:, m - 1], loadings[:, m - 1])
        variance = np.diag(rest)
        if variance.min() <= 1e-10:
            break
        partial = rest / np.sqrt(np.outer(variance, variance))
        averages.append(float((np.abs(partial) ** power).sum() - p) / (p * (p - 1)))
    return np.array(averages, dtype=np.float64)


def ekc_reference(eigenvalues: Floats, n: int) -> Floats:
    """Reference eigenvalues of the empirical Kaiser criterion, shape (n_items,).

    References
    ----------
    Braeken & van Assen (2017), Psychological Methods 22, 450-466, eq. 2. doi:10.1037/met0000074
    """
    p = len(eigenvalues)
    left = (p - np.concatenate([[0.0], np.cumsum(eigenvalues)[:-1]])) / (p - np.arange(p))
    return np.maximum(left * (1 + np.sqrt(p / n)) ** 2, 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class Adequacy:
    """Whether correlations are worth factoring.

    Attributes
    ----------
    kmo : float
        Kaiser-Meyer-Olkin measure of all items.
    msa : array, shape (n_items,)
        Measure of sampling adequacy of each item.
    """

    kmo: float
    msa: Floats


def adequacy(matrix: Floats) -> Adequacy:
    """KMO and each item's MSA from a positive definite matrix.

    References
    ----------
    Kaiser & Rice (1974), Educational and Psychological Measurement 34, 111-117. doi:10.1177/001316447403400115
    """
    inverse = np.linalg.inv(matrix)
    scale = np.sqrt(np.diag(inverse))
    partial = (inverse / np.outer(scale, scale)) ** 2
    plain = matrix**2
    np.fill_diagonal(partial, 0.0)
    np.fill_diagonal(plain, 0.0)
    kmo = float(plain.sum() / (plain.sum() + partial.sum()))
    return Adequacy(kmo, plain.sum(axis=1) / (plain.sum(axis=1) + partial.sum(axis=1)))


@dataclass(frozen=True, slots=True)
class Sphericity:
    """Bartlett's test that all correlations are zero."""

    chi2: float
    df: int
    p: float


def sphericity(matrix: Floats, n: int) -> Sphericity:
    """Bartlett's test from a positive definite matrix of n persons.

    References
    ----------
    Bartlett (1951), Biometrika 38, 337-344. doi:10.1093/biomet/38.3-4.337
    """
    p = len(matrix)
    statistic = float(-np.linalg.slogdet(matrix)[1] * (n - 1 - (2 * p + 5) / 6))
    df = p * (p - 1) // 2
    return Sphericity(statistic, df, float(chi2.sf(statistic, df)))
