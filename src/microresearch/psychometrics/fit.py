"""How well does the model fit? Fit measures under lavaan's names, from chi-squares of the model and of independence."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, log, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import chi2, ncx2

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ChiSquare:
    """A test statistic, its df, and the scaling (and shift) that made it, 1 and 0 where there is none."""

    value: float
    df: float
    scaling: float = 1.0
    shift: float = 0.0

    @property
    def p(self) -> float:
        """Upper tail of chi-square; 1 without degrees of freedom."""
        return float(chi2.sf(self.value, self.df)) if self.df > 0 else 1.0


def incremental(model: ChiSquare, baseline: ChiSquare) -> dict[str, float]:
    """CFI and TLI.

    References
    ----------
    Bentler (1990), Psychological Bulletin 107, 238-246, eq. 12; Tucker & Lewis (1973), Psychometrika 38, 1-10, eq. 8.

    Examples
    --------
    >>> incremental(ChiSquare(85.306, 24), ChiSquare(918.852, 36))["cfi"]
    0.931
    """
    return _incremental(model.value - model.df, model.df, baseline.value - baseline.df, baseline.df)


def robust_incremental(
    model: ChiSquare, baseline: ChiSquare, model_scaling: float, baseline_scaling: float
) -> dict[str, float]:
    """CFI and TLI that estimate what the unscaled indices would be in the population: unscaled statistics, each with
    its df times its scaling taken off.

    References
    ----------
    Brosseau-Liard & Savalei (2014), Multivariate Behavioral Research 49, 460-470, eqs. 10-11.
    """
    gap = model.value - model_scaling * model.df
    return _incremental(gap, model.df, baseline.value - baseline_scaling * baseline.df, baseline.df)


def _incremental(gap: float, df: float, base: float, base_df: float) -> dict[str, float]:
    worst = max(gap, base, 0.0)
    cfi = 1.0 if worst == 0 else 1 - max(gap, 0.0) / worst
    if df == 0:
        return {"cfi": cfi, "tli": 1.0}
    return {"cfi": cfi, "tli": 1 - (gap / df) / (base / base_df) if base != 0 else 1.0}


def rmsea(model: ChiSquare, n: int, n_groups: int = 1, factor: float = 1.0, level: float = 0.90) -> dict[str, float]:
    """RMSEA with its interval and the p-value of close fit (RMSEA <= .05); divisor N, not N - 1.

    With a scaled statistic and its scaling as `factor` this is the robust version: the noncentrality of the scaled
    statistic times the scaling is that of the unscaled one.

    References
    ----------
    Steiger (1998), Structural Equation Modeling 5, 411-419, eq. 4 (several groups); Browne & Cudeck (1992).
    Brosseau-Liard, Savalei & Li (2012), Multivariate Behavioral Research 47, 904-930, eq. 14 (robust).

    Examples
    --------
    >>> {name: round(value, 3) for name, value in rmsea(ChiSquare(85.306, 24), 301).items()}
    {'rmsea': 0.092, 'rmsea.ci.lower': 0.071, 'rmsea.ci.upper': 0.114, 'rmsea.pvalue': 0.001}
    """
    if model.df == 0:
        return {"rmsea": 0.0, "rmsea.ci.lower": 0.0, "rmsea.ci.upper": 0.0, "rmsea.pvalue": 1.0}
    scale = sqrt(n_groups * factor)

    def to_rmsea(noncentrality: float) -> float:
        return sqrt(max(noncentrality, 0.0) / (n * model.df)) * scale

    tail = (1 - level) / 2
    low, high = noncentrality_bound(model, 1 - tail), noncentrality_bound(model, tail)
    null = 0.05**2 * n * model.df / scale**2
    return {
        "rmsea": to_rmsea(model.value - model.df),
        "rmsea.ci.lower": to_rmsea(low),
        "rmsea.ci.upper": to_rmsea(high),
        "rmsea.pvalue": float(ncx2.sf(model.value, model.df, null)),
    }


def noncentrality_bound(model: ChiSquare, probability: float) -> float:
    """The noncentrality under which a value up to the observed one has this probability; 0 where none does."""

    def gap(noncentrality: float) -> float:
        if noncentrality == 0:
            return float(chi2.cdf(model.value, model.df)) - probability
        return float(ncx2.cdf(model.value, model.df, noncentrality)) - probability

    if gap(0.0) <= 0:
        return 0.0
    top = max(model.value, 1.0)
    while gap(top) > 0:
        top *= 2
        if top == inf:
            return inf
    root: float = brentq(gap, 0.0, top, xtol=1e-12, rtol=1e-14)  # type: ignore[assignment]
    return root


def information_criteria(loglik: float, n_free: int, n: int) -> dict[str, float]:
    """AIC, BIC and the sample-size adjusted BIC.

    References
    ----------
    Akaike (1974), eq. 13; Schwarz (1978); Sclove (1987), Psychometrika 52, 333-343.
    """
    deviance = -2 * loglik
    return {
        "logl": loglik, "npar": float(n_free), "aic": deviance + 2 * n_free, "bic": deviance + log(n) * n_free,
        "bic2": deviance + log((n + 2) / 24) * n_free,
    }  # fmt: skip


def comparative(model: ChiSquare, baseline: ChiSquare) -> dict[str, float]:
    """NFI, RFI, IFI and RNI, for readers who ask for them.

    References
    ----------
    Bentler & Bonett (1980), Psychological Bulletin 88, 588-606; Bollen (1986, 1989); McDonald & Marsh (1990).
    """
    x, d, x0, d0 = model.value, model.df, baseline.value, baseline.df
    nfi = (x0 - x) / x0
    out = {"nfi": nfi, "ifi": (x0 - x) / (x0 - d), "rni": ((x0 - d0) - (x - d)) / (x0 - d0)}
    return out | ({"rfi": (x0 / d0 - x / d) / (x0 / d0), "pnfi": d / d0 * nfi} if d else {})


def srmr(covariances: Sequence[Array], means: Sequence[Array], sizes: Sequence[int]) -> float:
    """Standardised root mean square residual, groups weighted by their people.

    Parameters
    ----------
    covariances : sequence of array, each (p, p)
        Residual covariances over the product of the observed standard deviations, of each group.
    means : sequence of array, each (p,) or (0,)
        Residual means over the observed standard deviations; empty where the model has no means.
    sizes : sequence of int

    References
    ----------
    Bentler (1995), EQS structural equations program manual; with means as lavaan's `srmr_bentler`.
    """
    values = []
    for cov, mean in zip(covariances, means, strict=True):
        both = np.concatenate([cov[np.tril_indices(len(cov))], mean])
        values.append(sqrt(float(np.mean(both**2))))
    return float(np.average(values, weights=sizes))
