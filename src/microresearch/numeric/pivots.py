"""How sure is an effect whose scale is itself estimated? A t interval, mixed over what is left open of the scale."""

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.optimize import brentq

from microresearch.errors import DataError

Array = NDArray[np.float64]


def scaled_interval(estimate: float, se: float, df: float, factors: Array, confidence: float) -> tuple[float, float]:
    """Interval of factor x (estimate + se t): equally likely factors, and t with df degrees of freedom.

    As every factor is above zero, the interval leaves out zero exactly where the plain t interval does: what is
    open about the scale changes the size of an effect, not whether there is one.

    Parameters
    ----------
    factors : array, shape (k,)
        Above 0; infinite where nothing bounds the scale from below.

    Raises
    ------
    DataError
        So many infinite factors that a bound would be infinite.

    References
    ----------
    Tsui & Weerahandi (1989), JASA 84, 602-607; Weerahandi (1993), JASA 88, 899-905 (generalised intervals).

    Examples
    --------
    >>> scaled_interval(2.0, 0.5, 30, np.ones(4), 0.95), scaled_interval(2.0, 0.5, 30, np.array([0.8, 1, 1.3]), 0.95)
    ((0.979, 3.021), (0.915, 3.570))
    """
    finite = factors[np.isfinite(factors)]
    lost, tail = 1 - len(finite) / len(factors), (1 - confidence) / 2
    if not len(finite) or (factors <= 0).any() or lost >= tail:
        raise DataError("the scale of this effect is not bounded away from zero.")

    def below(value: float, probability: float) -> float:
        inside = stats.t.cdf((value / finite - estimate) / se, df).sum() / len(factors)
        return float(inside + lost * stats.t.cdf(-estimate / se, df)) - probability

    def bound(probability: float) -> float:
        reach = (abs(estimate) + se * float(stats.t.ppf(1 - tail, df))) * float(finite.max())
        while below(-reach, probability) > 0 or below(reach, probability) < 0:
            reach *= 2
        return float(brentq(below, -reach, reach, args=(probability,), xtol=1e-13 * reach, rtol=1e-12))  # type: ignore[arg-type]

    return bound(tail), bound(1 - tail)
