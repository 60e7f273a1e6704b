"""Have chains of draws settled? The potential scale reduction of one quantity."""

import numpy as np
from numpy.typing import NDArray


def r_hat(chains: NDArray[np.float64]) -> float:
    """Potential scale reduction; NaN where nothing moves, or with one round.

    Parameters
    ----------
    chains : array, shape (chains, rounds)

    References
    ----------
    Gelman & Rubin (1992), Statistical Science 7, 457-472.

    Examples
    --------
    >>> r_hat(np.array([[1.0, 2.0, 1.5], [1.2, 1.9, 1.4]])) < 1.2
    True
    """
    length = chains.shape[1]
    # Of equal numbers the computed variance need not be zero: their mean is rounded.
    if length < 2 or not np.ptp(chains, axis=1).any():
        return float("nan")
    within = chains.var(axis=1, ddof=1).mean()
    between = chains.mean(axis=1).var(ddof=1)
    return float(np.sqrt((length - 1) / length + between / within)) if within > 0 else float("nan")
