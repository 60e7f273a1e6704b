"""Does the model hold for ordered answers? The way from model and data to a fit of thresholds and polychorics."""

from collections.abc import Sequence
from typing import get_args

import pandas as pd

from microresearch.errors import Problem, SpecError
from microresearch.numeric.sem_structure import Parameterization
from microresearch.psychometrics.cfa.checks import solution_warnings
from microresearch.psychometrics.cfa.measures import fit_measures
from microresearch.psychometrics.cfa.ordinal_sample import OrdinalSample, ordinal_sample
from microresearch.psychometrics.cfa.parameters import parameter_frame
from microresearch.psychometrics.cfa.result import Cfa
from microresearch.psychometrics.cfa.sample import Sample, draw_sample
from microresearch.psychometrics.cfa.wlsmv import estimate_wlsmv, ordinal_design
from microresearch.psychometrics.partable import TableOptions, parameter_table
from microresearch.psychometrics.syntax import Model

METHOD = (
    "Confirmatory factor analysis of ordered answers, diagonally weighted least squares on thresholds and polychoric "
    "correlations with robust errors and a scaled and shifted test (WLSMV), {parameterization} parameterization, "
)
CLUSTERED = "; errors and test from influences summed over units (J / (J - 1)), weights as if people were independent"


def fit_ordinal(
    parsed: Model,
    written: str,
    data: pd.DataFrame,
    ordered: "Sequence[str] | bool | None",
    group: "str | pd.Series | None",
    cluster: "str | pd.Series | None",
    missing: str,
    options: TableOptions,
) -> Cfa:
    """Fit a model to ordered answers by WLSMV; arguments as in `cfa`."""
    observed = parsed.observed()
    check_ordinal(parsed, observed, ordered, missing, options.parameterization)
    sample = draw_sample(data, observed, group, cluster, missing)
    seen = ordinal_sample(sample)
    options = TableOptions(
        len(sample.labels), options.std_lv, options.orthogonal, True, seen.n_thresholds, options.parameterization,
        options.equal, options.free,
    )  # fmt: skip
    _check_thresholds(parsed, seen.n_thresholds)
    return fit_table(parameter_table(parsed, options), written, sample, seen, missing, options.parameterization)


def fit_table(
    table: pd.DataFrame, written: str, sample: Sample, seen: OrdinalSample, missing: str, kind: Parameterization
) -> Cfa:
    """Fit a parameter table to thresholds and polychorics that are known already."""
    design = ordinal_design(table, sample, seen, kind)
    found = estimate_wlsmv(design, seen)
    parameters = parameter_frame(design, found, sample.labels)
    said = METHOD.format(parameterization=kind) + ("pairwise answers" if missing == "pairwise" else "complete answers")
    return Cfa(
        fit=fit_measures(design, found, sample.n), parameters=parameters, labels=sample.labels, model=written,
        estimator="WLSMV", method=said + (CLUSTERED if sample.clusters is not None else ""), n_used=sample.n,
        n_dropped=sum(sample.dropped.values()), dropped=dict(sample.dropped), converged=found.converged,
        warnings=solution_warnings(design, found, parameters, sample.labels, sample.n), design=design, estimate=found,
    )  # fmt: skip


def check_ordinal(
    parsed: Model, observed: Sequence[str], ordered: "Sequence[str] | bool | None", missing: str, kind: str
) -> None:
    """Refuse settings that WLSMV does not have."""
    if kind not in get_args(Parameterization):
        raise SpecError(Problem("unknown parameterization", value=str(kind), allowed="delta, theta"))
    if missing not in ("listwise", "pairwise"):
        what = "WLSMV has no such rule for missing answers"
        raise SpecError(Problem(what, value=str(missing), allowed="listwise, pairwise"))
    if parsed.n_levels > 1:
        raise SpecError("a model of two levels is estimated by ML, from answers as numbers.")
    if not ordered:
        raise SpecError(Problem("WLSMV is for ordered answers", mend="say ordered=True, or name the items"))
    if ordered is not True:
        numbers = [name for name in observed if name not in ordered]
        what = "WLSMV takes models whose items are all ordered"
        if numbers:
            raise SpecError(
                [Problem(what, column=name, mend="name it in ordered, or leave it out") for name in numbers]
            )


def _check_thresholds(parsed: Model, n_thresholds: dict[str, int]) -> None:
    problems = []
    for term in parsed.terms:
        if term.op == "|" and term.rhs not in (allowed := [f"t{k + 1}" for k in range(n_thresholds[term.lhs])]):
            problems.append(Problem(f"{term.lhs} | {term.rhs}: no such threshold", allowed=", ".join(allowed)))
    if problems:
        raise SpecError(problems)
