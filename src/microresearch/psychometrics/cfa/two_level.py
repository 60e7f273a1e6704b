"""What do the items measure in people, and what in their units? A factor model at each level, by maximum likelihood."""

import numpy as np
import pandas as pd

from microresearch.errors import DataError, Problem, SpecError
from microresearch.numeric.sem_ml import Array, Moments
from microresearch.numeric.sem_two_level import (
    Clustered,
    Levels,
    clustered,
    constant,
    deviance,
    fit_levels,
    frame_slopes,
    gradient_and_information,
    hessian,
)
from microresearch.numeric.sem_two_level_saturated import independence_levels, saturated_levels
from microresearch.psychometrics.cfa.checks import solution_warnings
from microresearch.psychometrics.cfa.design import Design, check_identified, check_known, weakest
from microresearch.psychometrics.cfa.estimate import Estimate
from microresearch.psychometrics.cfa.measures import fit_measures
from microresearch.psychometrics.cfa.parameters import parameter_frame
from microresearch.psychometrics.cfa.result import Cfa
from microresearch.psychometrics.cfa.sample import Sample, draw_sample
from microresearch.psychometrics.fit import ChiSquare
from microresearch.psychometrics.matrices import lay_out, start_values
from microresearch.psychometrics.partable import TableOptions, parameter_table
from microresearch.psychometrics.syntax import Model

LEVELS = ("within", "between")
METHOD = "Two-level confirmatory factor analysis, maximum likelihood, complete answers"


def fit_two_level(
    parsed: Model, model: str, data: pd.DataFrame, cluster: "str | pd.Series", options: TableOptions
) -> Cfa:
    """Fit the blocks `level: 1` (people within clusters) and `level: 2` (clusters) of a model.

    A variable of both blocks is split into its deviation from the cluster and the cluster's part; one of the first
    block alone has no part between clusters; one of the second alone is the same for everybody in a cluster. Clusters
    may be of any size: one person alone tells of the sum of both levels only, and is kept.

    Raises
    ------
    SpecError
        A model that is not identified.
    DataError
        Too few people within clusters or too few clusters, a variable of level 2 alone that varies within clusters.

    References
    ----------
    McDonald & Goldstein (1989), British Journal of Mathematical and Statistical Psychology 42, 215-232.
    Muthen (1994), Sociological Methods & Research 22, 376-398.
    """
    names = (parsed.observed(1), parsed.observed(2))
    observed = tuple(dict.fromkeys([*names[0], *names[1]]))
    check_known(data, observed)
    sample = draw_sample(data, observed, None, cluster, "listwise")
    found = _clusters(sample, names)
    within, between, mu = saturated_levels(found)
    seen = _level_moments(found, within, between, mu)
    design = _design(parameter_table(parsed, options), names, seen, found)
    estimate = _estimate(design, found, seen, frame_slopes(within, between, mu, found))
    parameters = parameter_frame(design, estimate, LEVELS)
    warnings = solution_warnings(design, estimate, parameters, LEVELS, sample.n)
    return Cfa(
        fit=fit_measures(design, estimate, sample.n), parameters=parameters, labels=LEVELS, model=model,
        estimator="ML", method=METHOD, n_used=sample.n, n_dropped=sum(sample.dropped.values()),
        dropped=dict(sample.dropped), converged=estimate.converged, design=design, estimate=estimate,
        warnings=warnings + _cluster_warnings(found, seen, len(estimate.theta)),
    )  # fmt: skip


def _clusters(sample: Sample, names: tuple[tuple[str, ...], tuple[str, ...]]) -> Clustered:
    """Sufficient statistics, once there are enough people and clusters."""
    assert sample.clusters is not None
    values, numbers = sample.values[0], sample.clusters[0]
    inside, outside = (np.sort([sample.observed.index(name) for name in level]).astype(np.intp) for level in names)
    problems = []
    for j in np.setdiff1d(outside, inside):
        if any(np.ptp(values[numbers == k, j]) > 0 for k in np.unique(numbers)):
            what = "a variable of level 2 alone must be the same for everybody in a cluster"
            problems.append(Problem(what, column=sample.observed[j], mend="name it in level 1 too"))
    found = clustered(values, numbers, (inside, outside))
    if found.within.n <= len(inside):
        what = f"{found.n} people in {found.n_clusters} clusters are too few for {len(inside)} variables within"
        problems.append(Problem(what, mend="people beyond the first of each cluster must outnumber these variables"))
    if found.n_clusters <= len(outside):
        what = f"{found.n_clusters} clusters are too few for the covariances of {len(outside)} variables between"
        problems.append(Problem(what, mend="more clusters than variables of level 2 are needed"))
    if problems:
        raise DataError(problems)
    if (flat := np.flatnonzero(np.diag(found.within.cov) <= 0)).size:
        named = [sample.observed[inside[j]] for j in flat]
        what = "a variable of level 1 must vary within clusters"
        raise DataError([Problem(what, column=name, mend="leave it out of level 1") for name in named])
    return found


def _level_moments(data: Clustered, within: Array, between: Array, mu: Array) -> tuple[Moments, Moments]:
    """Saturated moments of each level's own variables; a mean stands between unless the variable is within alone."""
    inside, outside = data.seats
    own = np.where(np.isin(inside, outside), 0.0, mu[inside])
    first = Moments(data.n - data.n_clusters, own, within[np.ix_(inside, inside)], np.arange(len(inside)))
    second = Moments(data.n_clusters, mu[outside], between[np.ix_(outside, outside)], np.arange(len(outside)))
    return first, second


def _design(
    table: pd.DataFrame, names: tuple[tuple[str, ...], ...], seen: tuple[Moments, Moments], data: Clustered
) -> Design:
    """Both levels' matrices, starts and degrees of freedom, known identified.

    The table's `group` numbers the levels, as lavaan's `block` does, so that all that works by group works by level.
    """
    twice = table[(table["op"] == "~1") & (table["level"] == 1) & (table["free"] > 0) & table["lhs"].isin(names[1])]
    if len(twice):
        what = f"the model is not identified: {', '.join(twice['lhs'])} ~ 1 is free within, but the mean stands between"
        raise SpecError(Problem(what, mend="leave it out of level 1"))
    order = [tuple(sorted(level, key=[*names[0], *names[1]].index)) for level in names]
    layouts = tuple(lay_out(table, level, 1, k + 1) for k, level in enumerate(order))
    table = table.assign(group=table["level"])
    start = start_values(table, layouts, [_spread_out(one).cov for one in seen], [one.mean for one in seen])
    sizes = [len(one.mean) for one in seen]
    free_moments = sum(p * (p + 1) // 2 for p in sizes) + data.p
    design = Design(table, layouts, start, free_moments - len(start), (), "level")
    if design.df < 0:
        what = f"{len(start)} free parameters but {free_moments} moments: the model is not identified"
        raise SpecError(Problem(what, mend="fix or equate parameters"))
    check_identified(design, [_spread_out(one) for one in seen])
    return design


def _spread_out(seen: Moments) -> Moments:
    """The same moments with variances that can be divided by."""
    variance = np.diag(seen.cov)
    least = max(float(variance.mean()), 1e-300) * 1e-3
    return Moments(seen.n, seen.mean, seen.cov + np.diag(np.maximum(least - variance, 0.0)), seen.seen)


def _estimate(
    design: Design, data: Clustered, seen: tuple[Moments, Moments], full: tuple[float, Array, Array, Array] | None
) -> Estimate:
    assert full is not None, "the saturated model has moments of its own"
    levels: Levels = (design.structures[0], design.structures[1])
    best = fit_levels(levels, data, design.start)
    theta = best.x
    observed = hessian(levels, data, theta) * data.n / 2
    warnings, vcov = (), np.full_like(observed, np.nan)
    if weak := weakest(observed):
        names = ", ".join(design.name(k) for k in weak)
        warnings = (f"no standard errors: at the solution the data do not determine {names}",)
    else:
        vcov = np.asarray(np.linalg.inv(observed), dtype=np.float64)
    none, start = independence_levels(data)
    base = fit_levels(none, data, start)
    if not base.converged:
        warnings += (f"the baseline model did not converge ({base.reason}): CFI and TLI are not to be trusted",)
    moments = deviance(levels, data, theta) * data.n
    p, m = (len(seat) for seat in data.seats)
    return Estimate(
        theta=theta,
        vcov=vcov,
        information=gradient_and_information(levels, data, theta)[1] * data.n / 2,
        converged=best.converged,
        reason=best.reason,
        steps=best.steps,
        test=ChiSquare(max(moments - full[0], 0.0), design.df),
        baseline=ChiSquare(base.value * data.n - full[0], (p * (p - 1) + m * (m - 1)) // 2),
        test_scaled=None,
        baseline_scaled=None,
        loglik=-(moments + constant(data)) / 2,
        loglik_saturated=-(full[0] + constant(data)) / 2,
        observed=seen,
        patterns=((), ()),
        warnings=warnings,
        levels=data,
    )


def _cluster_warnings(data: Clustered, seen: tuple[Moments, Moments], n_free: int) -> tuple[str, ...]:
    """What few clusters and a covariance between them at its bound do to the numbers."""
    out = []
    if data.n_clusters < n_free:
        what = f"{data.n_clusters} clusters are fewer than the {n_free} free parameters"
        out.append(f"{what}: errors and chi-square are not to be trusted")
    cov = seen[1].cov
    scale = np.sqrt(np.maximum(np.diag(cov), 1e-300))
    if float(np.linalg.eigvalsh(cov / np.outer(scale, scale))[0]) < 1e-6 * len(scale):
        what = "without a model the covariance between clusters is at its bound (not positive definite)"
        out.append(f"{what}: some items hardly vary between clusters, and chi-square is only a rough guide")
    return tuple(out)
