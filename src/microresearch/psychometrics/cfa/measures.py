"""How well does the model fit? Every measure that a reviewer asks for, under lavaan's names."""

import numpy as np

from microresearch.numeric.sem_catml import Likelihood
from microresearch.numeric.sem_ml import Array
from microresearch.numeric.sem_structure import implied
from microresearch.psychometrics.cfa.design import Design
from microresearch.psychometrics.cfa.estimate import Estimate
from microresearch.psychometrics.fit import (
    ChiSquare,
    comparative,
    incremental,
    information_criteria,
    rmsea,
    robust_incremental,
    srmr,
)


def fit_measures(design: Design, estimate: Estimate, n: int) -> dict[str, float]:
    """Fit measures; those that the estimator cannot give are absent.

    `rmsea.robust`, `cfi.robust` and `tli.robust` are absent where answers are missing, as their correction for it
    (Zhang & Savalei 2023) is another one; of ordered answers, where thresholds are restricted or the polychoric
    correlations are not positive definite.
    """
    test, baseline = estimate.test, estimate.baseline
    groups = 1 if design.blocks == "level" else len(design.layouts)
    out = {
        "npar": float(len(estimate.theta)),
        "ntotal": float(n),
        "chisq": test.value,
        "df": float(test.df),
        "pvalue": test.p,
    }
    n -= groups if estimate.ordinal is not None else 0  # weighted least squares counts n - 1 in each group
    out |= {"baseline.chisq": baseline.value, "baseline.df": float(baseline.df), "baseline.pvalue": baseline.p}
    out |= incremental(test, baseline) | comparative(test, baseline) | rmsea(test, n, groups)
    out |= level_srmr(design, estimate) if design.blocks == "level" else {"srmr": model_srmr(design, estimate)}
    if estimate.loglik is not None and estimate.loglik_saturated is not None:
        out |= {"unrestricted.logl": estimate.loglik_saturated}
        out |= {"fmin": test.value / n / 2} if design.blocks == "group" else {}
        out |= information_criteria(estimate.loglik, len(estimate.theta), n)
    holes = any(len(patterns) > 1 for patterns in estimate.patterns)
    if estimate.test_scaled is not None and estimate.baseline_scaled is not None:
        out |= _scaled(test, baseline, estimate.test_scaled, estimate.baseline_scaled, n, groups, holes)
    if estimate.likelihood is not None and test.df:
        out |= _categorical_robust(estimate.likelihood, test.df, baseline.df, n, groups)
    return out


def _scaled(
    test: ChiSquare, baseline: ChiSquare, scaled: ChiSquare, base: ChiSquare, n: int, groups: int, holes: bool
) -> dict[str, float]:
    out = {
        "chisq.scaled": scaled.value, "df.scaled": float(scaled.df), "pvalue.scaled": scaled.p,
        "chisq.scaling.factor": scaled.scaling, "baseline.chisq.scaled": base.value,
        "baseline.df.scaled": float(base.df), "baseline.pvalue.scaled": base.p,
        "baseline.chisq.scaling.factor": base.scaling,
    }  # fmt: skip
    if scaled.shift:  # scaled and shifted: made to be chi-square on the model's own df
        out["chisq.shift.parameter"] = scaled.shift
        shifted = incremental(scaled, base) | rmsea(scaled, n, groups)
        return out | {f"{name}.scaled": value for name, value in shifted.items()}
    # the interval of the scaled RMSEA has the unscaled statistic on df times the scaling, as lavaan has it
    plain = incremental(scaled, base) | rmsea(ChiSquare(test.value, test.df * scaled.scaling), n, groups)
    out |= {f"{name}.scaled": value for name, value in plain.items()}
    robust = robust_incremental(test, baseline, scaled.scaling, base.scaling)
    robust |= rmsea(scaled, n, groups, scaled.scaling)
    if holes:
        return out
    return out | {f"{name}.robust": value for name, value in robust.items()}


def _categorical_robust(found: Likelihood, df: float, base_df: float, n: int, groups: int) -> dict[str, float]:
    """CFI, TLI and RMSEA as if the variables behind ordered answers had been seen.

    References
    ----------
    Savalei (2021), Multivariate Behavioral Research 56, 390-407. doi:10.1080/00273171.2020.1717922
    """
    test, baseline = ChiSquare(found.value, df), ChiSquare(found.baseline, base_df)
    scaling, base = found.chance / df, found.baseline_chance / base_df
    robust = robust_incremental(test, baseline, scaling, base)
    robust |= rmsea(ChiSquare(found.value / scaling, df), n, groups, scaling)
    return {f"{name}.robust": value for name, value in robust.items()}


def standardised_residuals(design: Design, estimate: Estimate) -> tuple[list[Array], list[Array]]:
    """Residual covariances and means of each group over the observed standard deviations; no means, an empty array."""
    covariances: list[Array] = []
    means: list[Array] = []
    for layout, seen in zip(design.layouts, estimate.observed, strict=True):
        at = implied(layout.structure, estimate.theta)
        sd = np.sqrt(np.diag(seen.cov))
        scale = at.parts["delta"][:, 0]
        covariances.append((seen.cov - at.sigma * np.outer(scale, scale)) / np.outer(sd, sd))
        has_means = layout.structure.means and estimate.ordinal is None  # thresholds stand for means
        means.append((seen.mean - at.mu) / sd if has_means else np.zeros(0))
    return covariances, means


def model_srmr(design: Design, estimate: Estimate) -> float:
    """SRMR of the fitted model."""
    covariances, means = standardised_residuals(design, estimate)
    return srmr(covariances, means, [seen.n for seen in estimate.observed])


def level_srmr(design: Design, estimate: Estimate) -> dict[str, float]:
    """SRMR within and between, and their sum; absent where a variance is not positive.

    Residuals are differences of correlations (Bollen), as lavaan has it for two levels.

    References
    ----------
    Ryu & West (2009), Structural Equation Modeling 16, 583-601, for fit by level; the sum is lavaan's `srmr`.
    """
    values = []
    for layout, seen in zip(design.layouts, estimate.observed, strict=True):
        pair = (seen.cov, implied(layout.structure, estimate.theta).sigma)
        if any((np.diag(cov) <= 0).any() for cov in pair):
            return {}
        gap = [cov / np.sqrt(np.outer(np.diag(cov), np.diag(cov))) for cov in pair]
        values.append(srmr([gap[0] - gap[1]], [np.zeros(0)], [1]))
    within, between = values
    return {"srmr": within + between, "srmr_within": within, "srmr_between": between}
