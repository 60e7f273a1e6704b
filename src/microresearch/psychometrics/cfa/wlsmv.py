"""Which parameters come nearest to ordered answers? WLSMV: weighted least squares with robust errors and test."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from microresearch.errors import Problem, SpecError
from microresearch.numeric.sem_catml import Likelihood, likelihood_fit
from microresearch.numeric.sem_structure import Array, Parameterization, Structure, implied
from microresearch.numeric.sem_wls import Slopes, Statistics, fit_wls, statistic_slopes, weighted_square
from microresearch.numeric.sem_wls_robust import Bread, sandwich, scaled_shifted
from microresearch.psychometrics.cfa.design import Design, weakest
from microresearch.psychometrics.cfa.estimate import Estimate
from microresearch.psychometrics.cfa.ordinal_sample import OrdinalSample
from microresearch.psychometrics.cfa.sample import Sample
from microresearch.psychometrics.fit import ChiSquare
from microresearch.psychometrics.matrices import Layout, lay_out, start_values


def ordinal_design(
    table: pd.DataFrame, sample: Sample, seen: OrdinalSample, parameterization: Parameterization
) -> Design:
    """Lay the table out and check that thresholds and correlations determine every free parameter.

    Raises
    ------
    SpecError
        An observed variable in a regression, more parameters than statistics, or a parameter that the statistics do
        not determine (named).
    """
    groups = range(1, len(sample.labels) + 1)
    layouts = tuple(lay_out(table, sample.observed, group, scaling=parameterization) for group in groups)
    if promoted := [name for name in layouts[0].eta if name in sample.observed]:
        what = "an ordered item cannot be regressed or be a predictor, or covary with a factor, here"
        raise SpecError([Problem(what, column=name, mend="let it measure a factor") for name in promoted])
    start = start_values(table, layouts, [m.cov for m in seen.moments], [m.mean for m in seen.moments])
    start = _threshold_starts(table, layouts, seen.observed, start)
    statistics = sum(len(one.values) for one in seen.observed)
    design = Design(table, layouts, start, statistics - len(start), ())
    if design.df < 0:
        what = f"{len(start)} free parameters but {statistics} thresholds and correlations: the model is not identified"
        raise SpecError(Problem(what, mend="fix or equate parameters"))
    _check_identified(design, seen.observed)
    return design


def _threshold_starts(
    table: pd.DataFrame, layouts: Sequence[Layout], observed: Sequence[Statistics], start: Array
) -> Array:
    """Thresholds start at those of the sample (the first group's, where groups share them)."""
    out = start.copy()
    for layout, seen in reversed(list(zip(layouts, observed, strict=True))):
        for cell in layout.structure.cells:
            if cell.matrix == "tau" and cell.free >= 0:
                out[cell.free] = seen.values[cell.row]
    given = table[(table["free"] > 0) & table["start"].notna()]
    out[given["free"].to_numpy() - 1] = given["start"].to_numpy()
    return out


def _check_identified(design: Design, observed: Sequence[Statistics]) -> None:
    """Whether the statistics' derivatives by the parameters are independent, at a point without special zeros."""
    q = len(design.start)
    if q == 0:
        raise SpecError("the model has no free parameter.")
    rng = np.random.default_rng(0)
    theta = design.start * rng.uniform(0.9, 1.1, q)
    for structure in design.structures:
        for matrix, _, _, free, _ in structure.cells:
            if free >= 0 and design.start[free] == 0 and matrix != "tau":
                theta[free] = rng.uniform(0.02, 0.1)
    if weak := weakest(_curvature(design.structures, observed, theta)):
        names = ", ".join(design.name(k) for k in weak)
        what = f"the model is not identified: fit stays when these parameters change together: {names}"
        raise SpecError(Problem(what, mend="fix one of them, or equate it with another"))


def _curvature(structures: Sequence[Structure], observed: Sequence[Statistics], theta: Array) -> Array:
    out = np.zeros((len(theta), len(theta)))
    for structure, slopes, seen in zip(structures, all_slopes(structures, theta), observed, strict=True):
        out[np.ix_(slopes.ids, slopes.ids)] += weighted_square(slopes.matrix, seen.weight, structure)
    return out


def all_slopes(structures: Sequence[Structure], theta: Array) -> list[Slopes]:
    """Slopes of every group's statistics at given parameters."""
    return [statistic_slopes(structure, implied(structure, theta)) for structure in structures]


def estimate_wlsmv(design: Design, seen: OrdinalSample) -> Estimate:
    """Diagonally weighted least squares with robust errors and the scaled and shifted test.

    References
    ----------
    Muthen, du Toit & Spisic (1997), Robust inference using weighted least squares and quadratic estimating equations.
    Asparouhov & Muthen (2010), Simple second order chi-square correction.
    """
    best = fit_wls(design.structures, seen.observed, design.start)
    theta = best.x
    q, curvature = len(theta), _curvature(design.structures, seen.observed, theta)
    test = ChiSquare(best.value, design.df)
    warnings, bread, likelihood = list(seen.warnings), None, None
    if weak := weakest(curvature):
        names = ", ".join(design.name(k) for k in weak)
        warnings.append(f"no standard errors: at the solution the data do not determine {names}")
    else:
        slopes = all_slopes(design.structures, theta)
        bread = sandwich(slopes, seen.spreads, q)
        likelihood = _likelihood(design, seen, theta, slopes, bread)
    rows = sum(len(one.root) for one in seen.spreads)
    if len(seen.spreads[0].root) < seen.observed[0].n and rows < q:
        what = f"{rows} clusters are fewer than the {q} free parameters"
        warnings.append(f"{what}: robust errors and the scaled test are not to be trusted")
    return Estimate(
        theta=theta, vcov=np.full((q, q), np.nan) if bread is None else bread.vcov, information=curvature,
        converged=best.converged, reason=best.reason, steps=best.steps, test=test, baseline=seen.baseline,
        test_scaled=_scaled(test, bread), baseline_scaled=seen.baseline_scaled, loglik=None, loglik_saturated=None,
        observed=seen.moments, patterns=tuple((one,) for one in seen.moments), warnings=tuple(warnings), ordinal=seen,
        bread=bread, likelihood=likelihood,
    )  # fmt: skip


def _likelihood(
    design: Design, seen: OrdinalSample, theta: Array, slopes: Sequence[Slopes], bread: Bread
) -> Likelihood | None:
    """ML discrepancy at the solution, where the model leaves thresholds alone."""
    if design.df != sum(len(m.mean) * (len(m.mean) - 1) // 2 for m in seen.moments) - _structural(design):
        return None
    implied_r = []
    for structure in design.structures:
        at = implied(structure, theta)
        scale = at.parts["delta"][:, 0]
        implied_r.append(at.sigma * np.outer(scale, scale))
    return likelihood_fit([m.cov for m in seen.moments], implied_r, seen.observed, slopes, seen.spreads, bread)


def _structural(design: Design) -> int:
    """Free parameters that are no thresholds."""
    table = design.table
    return int(table.loc[(table["free"] > 0) & (table["op"] != "|"), "free"].nunique())


def _scaled(test: ChiSquare, bread: Bread | None) -> ChiSquare | None:
    if bread is None or test.df == 0:
        return None
    factor, shift = scaled_shifted(test.df, bread.mean, bread.square)
    return ChiSquare(factor * test.value + shift, test.df, 1 / factor, shift)
