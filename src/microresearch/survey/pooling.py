"""What is the estimate over many imputed data sets, and how sure is it? Rubin's rules, Barnard and Rubin's df."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from microresearch.errors import DataError
from microresearch.results import Interval


@dataclass(frozen=True, slots=True)
class Pooled:
    """One estimate over m imputations.

    Attributes
    ----------
    estimate, se, df : float
        Mean of the estimates, square root of the total variance, Barnard and Rubin's degrees of freedom.
    interval : Interval
    fmi : float
        Fraction of missing information.
    within, between : float
        Mean of the variances, and variance of the estimates.
    m : int
    """

    estimate: float
    se: float
    df: float
    interval: Interval
    fmi: float
    within: float
    between: float
    m: int

    @property
    def monte_carlo_se(self) -> float:
        """How much the estimate would move with other imputations."""
        return float(np.sqrt(self.between / self.m))


def pool(
    estimates: Sequence[float], variances: Sequence[float], df_complete: float = np.inf, confidence: float = 0.95
) -> Pooled:
    """Pool an estimate and its squared standard error over imputations.

    Parameters
    ----------
    estimates, variances : sequence of float, length m
        One of each an imputed data set; variances are squared standard errors.
    df_complete : float
        Degrees of freedom that the estimate would have with nothing missing.
    confidence : float

    Raises
    ------
    DataError
        Fewer than two imputations, unequal lengths, a value that is missing, or a variance that is not positive.

    References
    ----------
    Rubin (1987), Multiple Imputation for Nonresponse in Surveys, eq. 3.1.2-3.1.10.
    Barnard & Rubin (1999), Biometrika 86, 948-955, eq. 3. doi:10.1093/biomet/86.4.948

    Examples
    --------
    >>> done = pool([3.1, 3.3, 3.2], [0.01, 0.012, 0.011], df_complete=50)
    >>> round(done.estimate, 3), round(done.se, 4), round(done.df, 2)
    (3.2, 0.156, 5.1)
    """
    q, u = np.asarray(estimates, dtype=np.float64), np.asarray(variances, dtype=np.float64)
    m = len(q)
    if m < 2 or len(u) != m or not (np.isfinite(q).all() and np.isfinite(u).all() and (u > 0).all()):
        raise DataError("pooling needs two or more finite estimates, each with its positive variance.")
    within, between = float(u.mean()), float(q.var(ddof=1))
    extra = (1 + 1 / m) * between
    total = within + extra
    share = extra / total
    old = (m - 1) / share**2 if share > 0 else np.inf
    seen = np.inf
    if np.isfinite(df_complete):
        seen = (df_complete + 1) / (df_complete + 3) * df_complete * (1 - share)
    df = float(1 / (1 / old + 1 / seen)) if np.isfinite(min(old, seen)) else float("inf")
    estimate, se = float(q.mean()), float(np.sqrt(total))
    half = float(stats.t.ppf((1 + confidence) / 2, df)) * se
    ratio = extra / within
    fmi = (ratio + 2 / (df + 3)) / (ratio + 1)
    interval = Interval(estimate - half, estimate + half, confidence, "Rubin's rules, t with Barnard and Rubin's df")
    return Pooled(estimate, se, df, interval, float(fmi), within, between, m)
