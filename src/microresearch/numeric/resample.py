"""What would other samples have given? Covariance matrices of bootstrap samples, and without each person in turn."""

from collections.abc import Iterator

import numpy as np

from microresearch.numeric.moments import Floats

CHUNK = 4_000_000
"""Weights held at once."""


def bootstrap_weights(n: int, n_boot: int, rng: np.random.Generator) -> Iterator[Floats]:
    """How often each of `n` rows is drawn, in blocks of shape (some, n); the blocks add up to `n_boot` rows.

    The draws depend on the generator, `n` and `n_boot` alone.
    """
    size = max(1, min(n_boot, CHUNK // max(n, 1)))
    for start in range(0, n_boot, size):
        rows = min(size, n_boot - start)
        drawn = rng.integers(0, n, size=(rows, n)) + n * np.arange(rows)[:, None]
        yield np.bincount(drawn.ravel(), minlength=rows * n).reshape(rows, n).astype(np.float64)


def bootstrap_covariances(x: Floats, n_boot: int, rng: np.random.Generator) -> Floats:
    """Covariance matrices (divisor n - 1) of `n_boot` bootstrap samples of the rows of `x`, shape (n_boot, k, k).

    Examples
    --------
    >>> x = np.arange(12.0).reshape(6, 2) ** 2
    >>> bootstrap_covariances(x, 3, np.random.default_rng(1)).shape
    (3, 2, 2)
    """
    n, k = x.shape
    centred = x - x.mean(axis=0)
    first, second = np.tril_indices(k)
    products = centred[:, first] * centred[:, second]
    made = np.empty((n_boot, k, k))
    at = 0
    for weights in bootstrap_weights(n, n_boot, rng):
        means = weights @ centred / n
        flat = (weights @ products - n * means[:, first] * means[:, second]) / (n - 1)
        block = made[at : at + len(weights)]
        block[:, first, second] = flat
        block[:, second, first] = flat
        at += len(weights)
    return made


def leave_one_out_covariances(x: Floats) -> Iterator[Floats]:
    """Covariance matrices (divisor n - 2) of the rows of `x` without each row in turn, in blocks of shape (some, k, k).

    Examples
    --------
    >>> x = np.arange(12.0).reshape(6, 2) ** 2
    >>> bool(np.allclose(next(leave_one_out_covariances(x))[3], np.cov(np.delete(x, 3, axis=0).T)))
    True
    """
    n, k = x.shape
    z = x - x.mean(axis=0)
    whole = z.T @ z
    size = max(1, CHUNK // k**2)
    for start in range(0, n, size):
        part = z[start : start + size]
        yield (whole - part[:, :, None] * part[:, None, :] * (n / (n - 1))) / (n - 2)
