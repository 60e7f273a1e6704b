"""Which parameters make the answers most likely? ML and its robust form, with complete data or with holes."""

import numpy as np

from microresearch.errors import Problem, SpecError
from microresearch.numeric.sem_ml import (
    Array,
    Moments,
    deviance,
    fit_ml,
    gradient_and_information,
    hessian,
)
from microresearch.numeric.sem_patterns import answered_constant, patterns_of, saturated_deviance
from microresearch.numeric.sem_robust import (
    People,
    independence_structure,
    sandwich,
    trace_saturated,
)
from microresearch.psychometrics.cfa.design import Design, weakest
from microresearch.psychometrics.cfa.estimate import Estimate
from microresearch.psychometrics.cfa.sample import Sample
from microresearch.psychometrics.fit import ChiSquare


def estimate_ml(design: Design, sample: Sample, observed: tuple[Moments, ...]) -> Estimate:
    """Maximum likelihood with normal-theory errors: expected information, observed where answers are missing.

    References
    ----------
    Joreskog (1969), Psychometrika 34, 183-202. doi:10.1007/BF02289343
    """
    return _estimate(design, sample, observed, robust=False)


def estimate_mlr(design: Design, sample: Sample, observed: tuple[Moments, ...]) -> Estimate:
    """Maximum likelihood with errors and a scaled test that stay right when answers are not normal or are clustered.

    References
    ----------
    Yuan & Bentler (2000), Sociological Methodology 30, 165-200. doi:10.1111/0081-1750.00078
    Asparouhov & Muthen (2005), Multivariate statistical modeling with survey data (the form of the scaling).
    """
    if design.exogenous:
        names = ", ".join(design.exogenous)
        what = f"the scaled test is not available with the moments of observed predictors ({names}) fixed"
        raise SpecError(Problem(what, mend="let the model estimate them: write x ~~ x for each"))
    return _estimate(design, sample, observed, robust=True)


def _estimate(design: Design, sample: Sample, observed: tuple[Moments, ...], robust: bool) -> Estimate:
    groups = _people(sample)
    moments = [[pattern.moments for pattern in group.patterns] for group in groups]
    holes = any(len(one) > 1 or len(one[0].seen) < len(sample.observed) for one in moments)
    if holes and design.exogenous:
        what = f"answers are missing and the moments of {', '.join(design.exogenous)} are fixed"
        raise SpecError(Problem(what, mend="let the model estimate them: write x ~~ x for each"))
    structures = design.structures
    best = fit_ml(structures, moments, design.start)
    theta, n = best.x, sample.n
    information = gradient_and_information(structures, moments, theta)[1] * n / 2
    bread = hessian(structures, moments, theta) * n / 2 if holes or robust else information
    warnings, vcov, trace = _covariance(design, groups, observed, theta, bread, robust)
    full = sum(saturated_deviance(one, seen) for one, seen in zip(moments, observed, strict=True))
    none, base_df = _independence(design, groups, observed)
    test = ChiSquare(max(deviance(structures, moments, theta) * n - full, 0.0), design.df)
    baseline = ChiSquare(none - full, base_df)
    scaled, base_scaled = None, None
    if robust and not warnings:
        scaled, base_scaled = _scaled(groups, observed, trace, test, baseline, design.means)
        warnings = _robust_warnings(sample, len(theta), scaled is None and test.df > 0)
    constant = sum(answered_constant(one) for one in moments)
    fixed = sum(_exogenous_deviance(design, sample, m) for m in observed)
    return Estimate(
        theta=theta, vcov=vcov, information=information,
        converged=best.converged, reason=best.reason, steps=best.steps, test=test, baseline=baseline,
        test_scaled=scaled, baseline_scaled=base_scaled,
        loglik=-(test.value + full + constant - fixed) / 2, loglik_saturated=-(full + constant - fixed) / 2,
        observed=observed, patterns=tuple(map(tuple, moments)), warnings=warnings,
    )  # fmt: skip


def scaling_at(design: Design, sample: Sample, observed: tuple[Moments, ...], theta: Array) -> float:
    """Scaling of the test of a model at given parameters, which need not be its estimates."""
    groups = _people(sample)
    trace = sandwich(design.structures, groups, observed, theta)[1]
    return (trace_saturated(groups, observed, design.means) - trace) / design.df


def _people(sample: Sample) -> list[People]:
    clusters = sample.clusters or (None,) * len(sample.values)
    return [People(v, patterns_of(v), c) for v, c in zip(sample.values, clusters, strict=True)]


def _covariance(
    design: Design, groups: list[People], observed: tuple[Moments, ...], theta: Array, bread: Array, robust: bool
) -> tuple[tuple[str, ...], Array, float]:
    """Covariance of the estimates (NaN, with the reason, where the information is singular); trace for the test."""
    if weak := weakest(bread):
        names = ", ".join(design.name(k) for k in weak)
        reason = f"no standard errors: at the solution the data do not determine {names}"
        return (reason,), np.full_like(bread, np.nan), np.nan
    if not robust:
        return (), np.asarray(np.linalg.inv(bread), dtype=np.float64), np.nan
    return (), *sandwich(design.structures, groups, observed, theta)


def _independence(design: Design, groups: list[People], observed: tuple[Moments, ...]) -> tuple[float, int]:
    """Deviance (whole sample) and degrees of freedom of the model in which nothing but predictors covaries."""
    total = 0.0
    p, x = len(design.layouts[0].observed), len(design.exogenous)
    for group, seen in zip(groups, observed, strict=True):
        at = [design.layouts[0].observed.index(name) for name in design.exogenous]
        rest = [j for j in range(p) if j not in at]
        answers = group.values[:, rest]
        count = (~np.isnan(answers)).sum(axis=0)
        total += float((count * (np.log(np.nanvar(answers, axis=0)) + 1)).sum())
        if at:
            total += len(group.values) * (np.linalg.slogdet(seen.cov[np.ix_(at, at)])[1] + x)
    return total, len(groups) * (p * (p - 1) - x * (x - 1)) // 2


def _exogenous_deviance(design: Design, sample: Sample, seen: Moments) -> float:
    """What observed predictors contribute to -2 log likelihood; left out of it, as their moments are not modelled."""
    at = [sample.observed.index(name) for name in design.exogenous]
    if not at:
        return 0.0
    return float(seen.n * (len(at) * (np.log(2 * np.pi) + 1) + np.linalg.slogdet(seen.cov[np.ix_(at, at)])[1]))


def _robust_warnings(sample: Sample, n_free: int, unscaled: bool) -> tuple[str, ...]:
    out = []
    if sample.clusters is not None and (count := len(np.unique(np.concatenate(sample.clusters)))) < n_free:
        what = f"{count} clusters are fewer than the {n_free} free parameters"
        out.append(f"{what}: robust errors and the scaled test are not to be trusted")
    if unscaled:
        out.append("no scaled test: its scaling is not positive, which happens with few people or clusters")
    return tuple(out)


def _scaled(
    groups: list[People],
    observed: tuple[Moments, ...],
    trace: float,
    test: ChiSquare,
    baseline: ChiSquare,
    means: bool,
) -> tuple[ChiSquare | None, ChiSquare]:
    """Model and baseline divided by their scaling: the trace of the saturated model less the model's, per df."""
    full = trace_saturated(groups, observed, means)
    structures = [independence_structure(len(m.mean), g, means) for g, m in enumerate(observed)]
    theta: list[Array] = []
    for group in groups:
        theta += [np.nanvar(group.values, axis=0), *([np.nanmean(group.values, axis=0)] if means else [])]
    base = (full - sandwich(structures, groups, observed, np.concatenate(theta))[1]) / baseline.df
    scaled_base = ChiSquare(baseline.value / base, baseline.df, base)
    if not test.df:
        return None, scaled_base
    factor = (full - trace) / test.df
    if factor <= 0 or base <= 0:
        return None, scaled_base
    return ChiSquare(test.value / factor, test.df, factor), scaled_base
