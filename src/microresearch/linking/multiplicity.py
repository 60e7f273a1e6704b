"""How surprising is the smallest of many p-values? Holm and Benjamini-Hochberg over a declared family."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import false_discovery_control

from microresearch.errors import DataError


def holm(p: Sequence[float | None]) -> NDArray[np.float64]:
    """Holm's step-down adjusted p-values: familywise error, whatever the dependence.

    Parameters
    ----------
    p : sequence of float
        One p-value a test; None or NaN where a test could not be had, which then is no member of the family.

    Returns
    -------
    array, the shape of `p`
        Adjusted p-values, NaN where there was none.

    Raises
    ------
    DataError
        A value outside 0-1.

    References
    ----------
    Holm (1979), Scand J Stat 6, 65-70.

    Examples
    --------
    >>> holm([0.01, 0.04, None, 0.03]).tolist()
    [0.03, 0.06, nan, 0.06]
    """
    values, tested = _family(p)
    order = np.argsort(values[tested])
    stepped = values[tested][order] * np.arange(len(order), 0, -1)
    values[tested] = np.minimum(np.maximum.accumulate(stepped), 1)[np.argsort(order)]
    return values


def bh(p: Sequence[float | None]) -> NDArray[np.float64]:
    """Benjamini-Hochberg adjusted p-values: false discovery rate; arguments and errors as in `holm`.

    References
    ----------
    Benjamini & Hochberg (1995), J R Stat Soc B 57, 289-300.

    Examples
    --------
    >>> bh([0.01, 0.04, None, 0.03]).tolist()
    [0.03, 0.04, nan, 0.04]
    """
    values, tested = _family(p)
    if tested.any():
        values[tested] = false_discovery_control(values[tested])
    return values


def _family(p: Sequence[float | None]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The p-values as an array, and which of them were had."""
    values = np.array([np.nan if value is None else value for value in p], dtype=float)
    tested = ~np.isnan(values)
    if ((values[tested] < 0) | (values[tested] > 1)).any():
        raise DataError("a p-value must lie between 0 and 1.")
    return values, tested
