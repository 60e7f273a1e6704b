"""What do covariances alone say about reliability? Alpha, Guttman's bounds, error of measurement, for many matrices."""

import numpy as np

from microresearch.numeric.moments import Floats


def alpha_of(covariance: Floats) -> Floats:
    """Alpha of covariance or correlation matrices, shape (..., k, k): k / (k - 1) (1 - trace / sum).

    Examples
    --------
    >>> float(alpha_of(np.array([[1, 0.5], [0.5, 1]])).round(3))
    0.667
    """
    k = covariance.shape[-1]
    return np.asarray(k / (k - 1) * (1 - _trace(covariance) / covariance.sum(axis=(-1, -2))))


def standardise(covariance: Floats) -> Floats:
    """Covariance matrices over the standard deviations on their own diagonals."""
    sd = np.sqrt(np.einsum("...ii->...i", covariance))
    return covariance / (sd[..., :, None] * sd[..., None, :])


def lambda2(covariance: Floats) -> Floats:
    """Guttman's lambda-2 of covariance or correlation matrices (1945, eq. 31)."""
    k = covariance.shape[-1]
    away = covariance * (1 - np.eye(k))
    shared = away.sum(axis=(-1, -2)) + np.sqrt(k / (k - 1) * (away**2).sum(axis=(-1, -2)))
    return np.asarray(shared / covariance.sum(axis=(-1, -2)))


def lambda6(covariance: Floats) -> Floats:
    """Guttman's lambda-6 (1945, eq. 44): what regressions of each item on the others leave; NaN if singular."""
    sign, _ = np.linalg.slogdet(covariance)
    regular = sign > 0
    safe = np.where(regular[..., None, None], covariance, np.eye(covariance.shape[-1]))
    left = (1 / np.einsum("...ii->...i", np.linalg.inv(safe))).sum(axis=-1)
    return np.asarray(np.where(regular, 1 - left / covariance.sum(axis=(-1, -2)), np.nan))


def measurement_error(covariance: Floats) -> Floats:
    """Standard error of measurement of the mean of the items: sd sqrt(1 - alpha)."""
    k = covariance.shape[-1]
    spread = covariance.sum(axis=(-1, -2)) / k**2
    return np.asarray(np.sqrt(np.maximum(spread * (1 - alpha_of(covariance)), 0.0)))


def _trace(matrices: Floats) -> Floats:
    return np.asarray(np.einsum("...ii->...", matrices))
