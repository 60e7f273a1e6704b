"""What are the means and covariances of ordinal answers that share a normal latent? Exact, as Mehler's series.

Two answers y, y' cut from standard normals with correlation r have E[y y'] = sum_n c_n c'_n r^n, where c_n is the n-th
coefficient of y in normalised Hermite polynomials (Kendall 1941, Biometrika 32, 196-198; for two categories: Pearson's
tetrachoric series). One set of coefficients serves two people of a hospital, of a unit, and one person twice.
"""

import numpy as np
from scipy.special import ndtr

from microresearch.simulate.plant import Floats


def coefficients(thresholds: Floats, n_terms: int) -> Floats:
    """Hermite coefficients of an answer scored 1, 2, ... that steps up at each threshold.

    Parameters
    ----------
    thresholds : array, shape (..., K - 1)
        In standard deviations of the latent, which has mean 0.
    n_terms : int
        Number of coefficients.

    Returns
    -------
    array, shape (..., n_terms)
        c_0 is the mean, then c_n = sum_k phi(t_k) He_{n-1}(t_k) / sqrt(n!).

    Examples
    --------
    A fair coin, 1 or 2, on latents with correlation 0.5: its covariance is arcsin(0.5) / (2 pi).

    >>> c = coefficients(np.array([0.0]), 200)
    >>> float((c[1:] ** 2 * 0.5 ** np.arange(1, 200)).sum()), float(np.arcsin(0.5) / (2 * np.pi))
    (0.08333333, 0.08333333)
    """
    t = np.asarray(thresholds, dtype=np.float64)
    out = np.empty((*t.shape[:-1], n_terms))
    out[..., 0] = 1 + ndtr(-t).sum(axis=-1)
    density = np.exp(-(t**2) / 2) / np.sqrt(2 * np.pi)
    before, here = np.zeros_like(t), np.ones_like(t)
    for n in range(1, n_terms):
        out[..., n] = (density * here).sum(axis=-1) / np.sqrt(n)
        before, here = here, (t * here - np.sqrt(n - 1) * before) / np.sqrt(n)
    return out


def second_moment(thresholds: Floats) -> Floats:
    """E[y^2] of one answer scored 1, 2, ...; thresholds as in `coefficients`, result of shape (...)."""
    t = np.asarray(thresholds, dtype=np.float64)
    steps = 2 * np.arange(1, t.shape[-1] + 1) + 1
    return 1 + (ndtr(-t) * steps).sum(axis=-1)
