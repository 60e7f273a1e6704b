"""With which power of the mean does the variance of costs grow? Estimated by pseudo-likelihood, from sums per cell."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from microresearch.errors import ConvergenceError, DataError
from microresearch.numeric.clusters import cr2_glm
from microresearch.numeric.glm import POWER, GlmFit, fit_glm

Array = NDArray[np.float64]
BOUNDS = (1.01, 1.99)
"""Between Poisson (1) and gamma (2), where the compound of the two lives; at the bounds themselves it is neither."""

_MAXIT = 100
_TOLERANCE = 1e-9
_FLAT = 1e-6  # SD of the log means below which they are all one


@dataclass(frozen=True, slots=True)
class TweediePower:
    """The power p of a variance proportional to mu^p.

    Attributes
    ----------
    power : float
        The estimate; outside `BOUNDS` it is no Tweedie model's between Poisson and gamma.
    se, df : float
        CR2 over the clusters, and Satterthwaite df; given the means.
    iterations : int
    """

    power: float
    se: float
    df: float
    iterations: int

    @property
    def inside(self) -> bool:
        """Whether the estimate lies between Poisson and gamma, away from both."""
        return BOUNDS[0] < self.power < BOUNDS[1]


def tweedie_power(x: Array, n: Array, y_sum: Array, y_sumsq: Array, cluster: NDArray[np.intp]) -> TweediePower:
    """Pseudo-likelihood estimate of the variance power of a model with log link.

    In turn until neither moves: means by Tweedie quasi-likelihood given p; then p and the dispersion by the normal
    likelihood of the residuals given the means, which is a gamma model of their squares on the log mean (the modified
    Park regression) and needs no more than sums of squares per cell. Consistent for p wherever the variance is
    proportional to mu^p, whatever the rest of the distribution; less efficient than maximum likelihood where that
    holds. The power has no unit: another currency leaves it as it is.

    Parameters
    ----------
    x : array, shape (n_cells, p)
        Design of the mean, of full column rank.
    n, y_sum, y_sumsq : arrays, shape (n_cells,)
        Rows, sum and sum of squares of the outcome.
    cluster : int array, shape (n_cells,)
        Cluster of each cell, 0 to n_clusters - 1, each present; for the standard error.

    Raises
    ------
    DataError
        Means that do not differ, which say nothing about how the variance grows with them; or as `fit_glm`.
    ConvergenceError
        No fixed point after 100 rounds; or as `fit_glm`.

    References
    ----------
    Davidian & Carroll (1987), JASA 82, 1079-1091, section 3.1 (pseudo-likelihood); Carroll & Ruppert (1982), Ann Stat
    10, 429-441 (in turn with the means); Manning & Mullahy (2001), J Health Econ 20, 461-494, section 4 (Park).

    Examples
    --------
    >>> x = np.column_stack([np.ones(6), np.repeat([0.0, 1, 2], 2)])
    >>> n, mu = np.full(6, 50.0), np.exp(1 + x[:, 1])
    >>> round(tweedie_power(x, n, n * mu, n * (mu**2 + 2 * mu**1.6), np.arange(6)).power, 6)
    1.6
    """
    power = POWER
    for round_ in range(1, _MAXIT + 1):
        fit = fit_glm(x, n, y_sum, "tweedie", power=power)
        design, squared, variance = _variance_model(n, y_sum, y_sumsq, fit)
        found = float(variance.beta[-1])
        new = float(np.clip(found, *BOUNDS))
        if abs(new - power) < _TOLERANCE:
            robust = cr2_glm(design, n, squared, variance, cluster)
            slope = np.array([0.0, 1.0])
            return TweediePower(found, float(np.sqrt(robust.cov[1, 1])), robust.df(slope), round_)
        power = new
    raise ConvergenceError(f"the variance power did not settle in {_MAXIT} rounds.")


def _variance_model(n: Array, y_sum: Array, y_sumsq: Array, fit: GlmFit) -> tuple[Array, Array, GlmFit]:
    """Design, sums of squared residuals per cell, and the gamma model of them on the log mean."""
    log_mean = np.log(fit.mu)
    if np.sqrt(np.average((log_mean - np.average(log_mean, weights=n)) ** 2, weights=n)) < _FLAT:
        raise DataError("the means do not differ: they cannot say with which power of the mean the variance grows.")
    within = np.clip(y_sumsq - y_sum**2 / n, 0, None)
    squared = within + (y_sum - n * fit.mu) ** 2 / n
    squared = np.maximum(squared, np.finfo(float).tiny)  # a cell that is fitted exactly counts as nearly so
    design = np.column_stack([np.ones(len(n)), log_mean])
    return design, squared, fit_glm(design, n, squared, "gamma")
