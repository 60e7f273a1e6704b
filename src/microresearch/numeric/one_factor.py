"""What does one factor explain? Loadings of the one-factor model by maximum likelihood, for many matrices at once."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from microresearch.errors import DataError
from microresearch.numeric.moments import Floats

TOLERANCE = 1e-9
ROUNDING = 1e-12
MAX_STEPS = 150


@dataclass(frozen=True, slots=True, eq=False)
class OneFactor:
    """Sigma = l l' + diag(psi), one fit a matrix.

    Attributes
    ----------
    loadings, psi : arrays, shape (n_matrices, k)
        The sum of a matrix's loadings is not negative; psi may be negative (a Heywood case).
    discrepancy : array, shape (n_matrices,)
        log|Sigma| + tr(S Sigma^-1) - log|S| - k for maximum likelihood; for least squares a multiple of the weighted
        sum of squared residuals.
    converged : bool array, shape (n_matrices,)
    """

    loadings: Floats
    psi: Floats
    discrepancy: Floats
    converged: NDArray[np.bool_]


def fit_ml(covariances: Floats) -> OneFactor:
    """Fit one factor to each covariance matrix by maximum likelihood, Fisher scoring with step halving.

    Parameters
    ----------
    covariances : array, shape (n_matrices, k, k)
        Positive definite, k of 3 or more. A matrix without an optimum (or not positive definite) is not `converged`.

    References
    ----------
    Jöreskog (1967), Psychometrika 32, 443-482. doi:10.1007/BF02289658

    Examples
    --------
    >>> s = np.array([[1, 0.48, 0.4], [0.48, 1, 0.3], [0.4, 0.3, 1]])
    >>> fit_ml(s[None]).loadings.round(2).tolist()
    [[0.8, 0.6, 0.5]]
    """
    k = _check(covariances)
    sd = np.sqrt(np.einsum("bii->bi", covariances))
    r = covariances / (sd[:, :, None] * sd[:, None, :])
    sign, logdet = np.linalg.slogdet(r)
    usable = sign > 0
    theta = np.concatenate(_start(r), axis=1)
    value = _likelihood(r, theta)
    met = np.zeros(len(r), dtype=np.bool_)
    active = np.flatnonzero(usable)
    for _ in range(MAX_STEPS):
        slope, curve = _slopes(r[active], theta[active])
        step = -np.linalg.solve(curve, slope[:, :, None])[:, :, 0]
        small = np.abs((slope * step).sum(axis=1)) < ROUNDING  # no smaller value can be told from this one: step freely
        theta[active[small]] += step[small]
        reached = small & (np.abs(step).max(axis=1) < TOLERANCE)
        met[active[reached]] = True
        search = active[~small]
        theta[search], value[search], moved = _search(r[search], theta[search], step[~small], value[search])
        keep = ~reached
        keep[np.flatnonzero(~small)[~moved]] = False
        active = active[keep]
        if not len(active):
            break
    value = _likelihood(r, theta) - logdet - k
    loadings, psi = theta[:, :k] * sd, theta[:, k:] * sd**2
    turn = np.where(loadings.sum(axis=1) < 0, -1.0, 1.0)
    return OneFactor(loadings * turn[:, None], psi, value, met & usable)


def fit_least_squares(correlations: Floats, weights: Floats | None = None) -> OneFactor:
    """Fit one factor to the off-diagonal of each correlation matrix by (diagonally weighted) least squares.

    Parameters
    ----------
    correlations : array, shape (n_matrices, k, k)
    weights : array, same shape, optional
        Weight of each squared residual; ones (minimum residuals) if left out. The diagonal counts for nothing.

    References
    ----------
    Harman & Jones (1966), Psychometrika 31, 351-368. doi:10.1007/BF02289468
    """
    k = _check(correlations)
    w = np.ones_like(correlations) if weights is None else weights.copy()
    w[:, np.arange(k), np.arange(k)] = 0.0
    w = w / w.sum(axis=(1, 2), keepdims=True)
    loadings, _ = _start(correlations)
    converged = np.zeros(len(correlations), dtype=np.bool_)
    value = _squares(correlations, w, loadings)
    damping = np.full(len(loadings), 1e-3)
    for _ in range(10 * MAX_STEPS):
        residual = w * (correlations - loadings[:, :, None] * loadings[:, None, :])
        slope = -np.einsum("bij,bj->bi", residual, loadings)
        curve = w * loadings[:, :, None] * loadings[:, None, :] - residual
        curve[:, np.arange(k), np.arange(k)] += np.einsum("bij,bj->bi", w, loadings**2)
        roots, axes = np.linalg.eigh(curve)
        bent = np.maximum(np.abs(roots), 1e-6 * np.abs(roots).max(axis=1, keepdims=True)) * (1 + damping[:, None])
        step = -np.einsum("bij,bj->bi", axes, np.einsum("bji,bj->bi", axes, slope) / bent)
        converged = np.abs(step).max(axis=1) < 1e-9
        if converged.all():
            break
        trial = loadings + step
        after = _squares(correlations, w, trial)
        better = after <= value + 1e-18
        loadings = np.where(better[:, None], trial, loadings)
        value = np.where(better, after, value)
        damping = np.where(better, damping * 0.1, np.minimum(damping * 10 + 1e-3, 1e8))
    turn = np.where(loadings.sum(axis=1) < 0, -1.0, 1.0)
    return OneFactor(loadings * turn[:, None], 1 - loadings**2, value, converged)


def ml_information(loadings: Floats, psi: Floats) -> Floats:
    """Expected second derivatives of the discrepancy by (loadings, psi), shape (2k, 2k); 2 / n times its inverse is
    the covariance of the estimates under normality."""
    return _slopes(np.eye(len(psi))[None], np.concatenate([loadings, psi])[None])[1][0]


def ml_influence(x: Floats, loadings: Floats, psi: Floats) -> Floats:
    """What each person adds to the estimates, shape (n, 2k): its covariance over n is robust to non-normal answers.

    References
    ----------
    Satorra & Bentler (1994), in von Eye & Clogg (eds), Latent Variables Analysis, 399-419, eq. 16.10.
    """
    inverse = np.linalg.inv(np.outer(loadings, loadings) + np.diag(psi))
    z = (x - x.mean(axis=0)) @ inverse
    moved = np.concatenate([2 * z * (z @ loadings)[:, None], z**2], axis=1)
    return (moved - moved.mean(axis=0)) @ np.linalg.inv(ml_information(loadings, psi))


def _check(matrices: Floats) -> int:
    if matrices.ndim != 3 or matrices.shape[1] != matrices.shape[2] or matrices.shape[1] < 3:
        raise DataError(f"one factor needs three items or more; got matrices of shape {matrices.shape[1:]}.")
    return matrices.shape[1]


def _start(r: Floats) -> tuple[Floats, Floats]:
    """Centroid loadings and what they leave."""
    k = r.shape[1]
    away = r.sum(axis=2) - 1
    loadings = away / np.sqrt(np.maximum(away.sum(axis=1, keepdims=True), 0.01 * k))
    loadings = np.clip(loadings, -0.95, 0.95)
    return loadings, 1 - loadings**2


def _sigma(theta: Floats) -> Floats:
    k = theta.shape[1] // 2
    sigma = theta[:, :k, None] * theta[:, None, :k]
    sigma[:, np.arange(k), np.arange(k)] += theta[:, k:]
    return sigma


def _likelihood(r: Floats, theta: Floats) -> Floats:
    """log|Sigma| + tr(S Sigma^-1); infinite where Sigma is not positive definite."""
    sigma = _sigma(theta)
    ok = np.linalg.eigvalsh(sigma)[:, 0] > 1e-12
    value = np.full(len(r), np.inf)
    if ok.any():
        solved = np.linalg.solve(sigma[ok], r[ok])
        value[ok] = np.linalg.slogdet(sigma[ok])[1] + np.einsum("bii->b", solved)
    return value


def _slopes(r: Floats, theta: Floats) -> tuple[Floats, Floats]:
    """Gradient, shape (b, 2k), and expected second derivatives, shape (b, 2k, 2k), of the discrepancy."""
    k = theta.shape[1] // 2
    loadings, sigma = theta[:, :k], _sigma(theta)
    inverse = np.linalg.inv(sigma)
    omega = inverse @ (sigma - r) @ inverse
    side = np.einsum("bij,bj->bi", inverse, loadings)
    slope = np.concatenate([2 * np.einsum("bij,bj->bi", omega, loadings), np.einsum("bii->bi", omega)], axis=1)
    curve = np.empty((len(r), 2 * k, 2 * k))
    size = np.einsum("bi,bi->b", loadings, side)
    curve[:, :k, :k] = 2 * (inverse * size[:, None, None] + side[:, :, None] * side[:, None, :])
    curve[:, :k, k:] = 2 * inverse * side[:, None, :]
    curve[:, k:, :k] = np.swapaxes(curve[:, :k, k:], 1, 2)
    curve[:, k:, k:] = inverse**2
    return slope, curve


def _search(r: Floats, theta: Floats, step: Floats, value: Floats) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Halve each step until its discrepancy falls."""
    best, at = value.copy(), theta.copy()
    moved = np.zeros(len(r), dtype=np.bool_)
    for halving in range(30):
        wait = np.flatnonzero(~moved)
        if not len(wait):
            break
        trial = theta[wait] + step[wait] * 0.5**halving
        after = _likelihood(r[wait], trial)
        good = after < value[wait]
        at[wait[good]], best[wait[good]] = trial[good], after[good]
        moved[wait[good]] = True
    return at, best, moved


def _squares(r: Floats, w: Floats, loadings: Floats) -> Floats:
    return np.einsum("bij,bij->b", w, (r - loadings[:, :, None] * loadings[:, None, :]) ** 2) / 4
