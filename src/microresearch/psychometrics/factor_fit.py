"""How well do the factors reproduce the correlations? Chi-square, TLI, RMSEA with its interval, residuals."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import chi2, ncx2

from microresearch.results import Interval, NotAvailable, tidy

Floats = NDArray[np.float64]
Number = float | NotAvailable


@dataclass(frozen=True, slots=True)
class FactorFit:
    """Fit of an exploratory model, in psych's conventions.

    Attributes
    ----------
    chi2, p : float or NotAvailable
        Bartlett-corrected: (n - 1 - (2 p + 5) / 6 - 2 m / 3) times the likelihood discrepancy.
    df : int
    tli : float or NotAvailable
    rmsea : float or NotAvailable
        sqrt(max(chi2 / (df n) - 1 / (n - 1), 0)), as psych computes it.
    rmsea_interval : Interval or NotAvailable
        90 %, from the noncentral chi-square with (n - 1) df in the denominator.
    rmsr : float
        Root mean square of the off-diagonal residuals.
    rmsr_corrected : float or NotAvailable
        The same, divided by degrees of freedom.
    bic : float or NotAvailable
        chi2 - df log(n).
    null_chi2 : float or NotAvailable
        Independence model, Bartlett-corrected.
    null_df : int
    discrepancy : float
        Likelihood discrepancy at the solution.
    n : int or None
    """

    chi2: Number
    df: int
    p: Number
    tli: Number
    rmsea: Number
    rmsea_interval: Interval | NotAvailable
    rmsr: float
    rmsr_corrected: Number
    bic: Number
    null_chi2: Number
    null_df: int
    discrepancy: float
    n: int | None

    def to_frame(self) -> pd.DataFrame:
        """One row an index; what is not available is left out."""
        rows: list[dict[str, object]] = []
        for term in ("chi2", "tli", "rmsea", "rmsr", "rmsr_corrected", "bic"):
            value = getattr(self, term)
            if isinstance(value, NotAvailable):
                continue
            row: dict[str, object] = {"term": term, "estimate": value}
            if term == "chi2":
                row |= {"statistic": value, "df": self.df}
                if not isinstance(self.p, NotAvailable):
                    row["p"] = self.p
            if term == "rmsea" and isinstance(self.rmsea_interval, Interval):
                row |= {"ci_low": self.rmsea_interval.low, "ci_high": self.rmsea_interval.high}
            if self.n is not None:
                row["n"] = self.n
            rows.append(row)
        return tidy(rows)


def degrees_of_freedom(n_items: int, n_factors: int) -> int:
    """Correlations minus free parameters of an exploratory model."""
    return ((n_items - n_factors) ** 2 - n_items - n_factors) // 2


def factor_fit(matrix: Floats, loadings: Floats, n: int | None) -> FactorFit:
    """Fit of orthogonal (unrotated) loadings to a positive definite correlation matrix.

    The model's diagonal is set to 1. Rotation does not change fit.
    """
    p, m = loadings.shape
    df, null_df = degrees_of_freedom(p, m), p * (p - 1) // 2
    model = loadings @ loadings.T
    residual = matrix - model
    np.fill_diagonal(residual, 0.0)
    squares = float((residual**2).sum())
    np.fill_diagonal(model, 1.0)
    sign, log_model = np.linalg.slogdet(model)
    _, log_data = np.linalg.slogdet(matrix)
    saturated = NotAvailable("the model has no degrees of freedom")
    rmsr_corrected: Number = float(np.sqrt(squares / (2 * df))) if df > 0 else saturated
    rmsr = float(np.sqrt(squares / (2 * null_df)))
    if n is None or sign <= 0:
        reason = "n_obs was not given" if n is None else "the implied correlation matrix is not positive definite"
        no = NotAvailable(reason)
        discrepancy = float("inf") if sign <= 0 else _discrepancy(matrix, model, log_model - log_data)
        return FactorFit(no, df, no, no, no, no, rmsr, rmsr_corrected, no, no, null_df, discrepancy, n)
    discrepancy = _discrepancy(matrix, model, log_model - log_data)
    scale = n - 1 - (2 * p + 5) / 6 - 2 * m / 3
    statistic = max(discrepancy * scale, 0.0)
    null_chi2 = float(-log_data * (n - 1 - (2 * p + 5) / 6))
    if df == 0:
        no = saturated
        return FactorFit(statistic, 0, no, no, no, no, rmsr, no, no, null_chi2, null_df, discrepancy, n)
    ratio, null_ratio = discrepancy / df, -float(log_data) / null_df
    return FactorFit(
        chi2=statistic,
        df=df,
        p=float(chi2.sf(statistic, df)),
        tli=(null_ratio - ratio) / (null_ratio - 1 / scale),
        rmsea=float(np.sqrt(max(statistic / (df * n) - 1 / (n - 1), 0.0))),
        rmsea_interval=rmsea_interval(statistic, df, n),
        rmsr=rmsr,
        rmsr_corrected=rmsr_corrected,
        bic=float(statistic - df * np.log(n)),
        null_chi2=null_chi2,
        null_df=null_df,
        discrepancy=discrepancy,
        n=n,
    )


def _discrepancy(matrix: Floats, model: Floats, log_ratio: float) -> float:
    return float(np.trace(np.linalg.solve(model, matrix)) + log_ratio - len(matrix))


def rmsea_interval(statistic: float, df: int, n: int, confidence: float = 0.90) -> Interval:
    """Interval of RMSEA: noncentralities at which the statistic is a tail quantile (Browne & Cudeck 1993)."""

    def bound(probability: float) -> float:
        if chi2.cdf(statistic, df) <= probability:
            return 0.0

        def gap(noncentrality: float) -> float:
            return float(ncx2.cdf(statistic, df, noncentrality)) - probability

        high = max(float(n), statistic) + 2 * n
        while gap(high) > 0:
            high *= 2
        root = brentq(gap, 1e-12, high, xtol=1e-10)
        assert isinstance(root, float)
        return float(np.sqrt(root / (df * (n - 1))))

    tail = (1 - confidence) / 2
    return Interval(bound(1 - tail), bound(tail), confidence, "noncentral chi-square, n - 1")
