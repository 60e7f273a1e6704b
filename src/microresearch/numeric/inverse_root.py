"""The inverse symmetric root of a large diagonal matrix less a matrix of low rank, on that rank's columns."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import ellipj, ellipkm1

Array = NDArray[np.float64]

MOST_CONDITION = 1e6
"""Matrices that may be nearer to singular than this need their eigenvalues."""
_EXACT = 36.0
"""Natural logarithm of the relative error at which the rational function stops: below rounding."""
_HELD = 200_000
"""Numbers of a block in memory; blocks that fit the processor's cache are several times as fast."""


def shrunken_inverse_root(phi: Array, y: Array, floor: Array) -> Array:
    """B^(-1/2) Y of B = Phi (I - YY') Phi, Phi = diag(phi), for several matrices, shape (k, m, r).

    The inverse root is a sum of resolvents (B + s I)^(-1), with shifts s and weights from elliptic functions; each
    resolvent is a diagonal matrix and a correction of rank r. Their number grows with the logarithm of the condition
    number alone (ten to thirty), and the error is that of rounding.

    Parameters
    ----------
    phi : array, shape (k, m)
        Positive diagonals.
    y : array, shape (k, m, r)
        Columns whose singular values are below 1.
    floor : array, shape (k,)
        1 less the largest squared singular value of each `y`, above 0: B is at least floor * min(phi)^2.

    References
    ----------
    Hale, Higham & Trefethen (2008), SIAM J Numer Anal 46, 2505-2523, section 4 (method 3). doi:10.1137/070700607
    """
    k, m, r = y.shape
    cuts = range(0, k, max(1, _HELD // (m * r * r)))
    bounds = [slice(start, start + cuts.step) for start in cuts]
    return np.concatenate([_block(phi[some], y[some], floor[some]) for some in bounds])


def condition(phi: Array, floor: Array) -> Array:
    """A bound on the condition number of each B, arguments as `shrunken_inverse_root`."""
    return (phi.max(axis=1) / phi.min(axis=1)) ** 2 / floor


def _block(phi: Array, y: Array, floor: Array) -> Array:
    shift, share = _nodes(phi.min(axis=1) ** 2 * floor, phi.max(axis=1) ** 2)
    k, m, r = y.shape
    diagonal = 1 / ((phi**2)[:, None, :] + shift[:, :, None])  # (k, nodes, m)
    upper = np.triu_indices(r)
    products = y[:, :, upper[0]] * y[:, :, upper[1]]
    inner = _square(diagonal @ (phi[:, :, None] ** 2 * products), upper, r)
    cross = _square(diagonal @ (phi[:, :, None] * products), upper, r)
    small = np.linalg.solve(np.eye(r) - inner, cross) * share[:, :, None, None]
    spread = (np.swapaxes(diagonal, 1, 2) @ small.reshape(k, -1, r * r)).reshape(k, m, r, r)
    corrected = (y[:, :, None, :] @ spread)[:, :, 0, :] * phi[:, :, None]
    return corrected + y * (share[:, None, :] @ diagonal)[:, 0, :, None]


def _nodes(lowest: Array, highest: Array) -> tuple[Array, Array]:
    """Shifts and weights, shape (k, nodes): x^(-1/2) is the sum of weight / (x + shift) on each interval."""
    ratio = lowest / highest
    count = int(np.ceil(_EXACT * (3 - np.log(ratio.min())) / (2 * np.pi**2)))
    whole = ellipkm1(ratio)[:, None]
    sn, cn, dn, _ = ellipj(whole * (np.arange(count) + 0.5) / count, 1 - ratio[:, None])
    low = lowest[:, None]
    return low * (sn / cn) ** 2, 2 * whole * np.sqrt(low) / (np.pi * count) * dn / cn**2


def _square(packed: Array, upper: tuple[NDArray[np.intp], NDArray[np.intp]], r: int) -> Array:
    """Symmetric matrices from their upper triangles."""
    out = np.empty((*packed.shape[:2], r, r))
    out[:, :, upper[0], upper[1]] = packed
    out[:, :, upper[1], upper[0]] = packed
    return out
