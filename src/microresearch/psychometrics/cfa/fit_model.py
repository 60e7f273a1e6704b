"""Does the model hold? The way from model and data to a fitted confirmatory factor model."""

from collections.abc import Collection, Sequence

import pandas as pd

from microresearch.errors import Problem, SpecError
from microresearch.numeric.sem_ml import Moments
from microresearch.numeric.sem_patterns import patterns_of, saturated
from microresearch.numeric.sem_structure import Parameterization
from microresearch.psychometrics.cfa.checks import solution_warnings
from microresearch.psychometrics.cfa.design import check_known, make_design
from microresearch.psychometrics.cfa.estimate import Estimator
from microresearch.psychometrics.cfa.measures import fit_measures
from microresearch.psychometrics.cfa.ml import estimate_ml, estimate_mlr
from microresearch.psychometrics.cfa.ordinal import fit_ordinal
from microresearch.psychometrics.cfa.parameters import parameter_frame
from microresearch.psychometrics.cfa.result import Cfa
from microresearch.psychometrics.cfa.sample import Sample, draw_sample
from microresearch.psychometrics.cfa.two_level import fit_two_level
from microresearch.psychometrics.partable import TableOptions, parameter_table
from microresearch.psychometrics.syntax import Model, parse_model

ESTIMATORS: dict[str, tuple[Estimator, str]] = {
    "ML": (estimate_ml, "maximum likelihood"),
    "MLR": (estimate_mlr, "maximum likelihood with robust (Huber-White) errors and a scaled (Yuan-Bentler) test"),
}


def cfa(
    model: str,
    data: pd.DataFrame,
    estimator: str | None = None,
    ordered: "Sequence[str] | bool | None" = None,
    group: "str | pd.Series | None" = None,
    equal: Collection[str] = (),
    free: Collection[str] = (),
    cluster: "str | pd.Series | None" = None,
    missing: str = "listwise",
    std_lv: bool = False,
    orthogonal: bool = False,
    parameterization: Parameterization = "delta",
) -> Cfa:
    """Fit a confirmatory factor model, with the defaults of lavaan's `cfa()`.

    Parameters
    ----------
    model : str
        In lavaan's syntax, see `parse_model`.
    data : DataFrame, persons x columns
    estimator : {"ML", "MLR", "WLSMV"}
        By default WLSMV with ordered items, else ML.
    ordered : sequence of str or True, optional
        Items whose answers are ordered categories (True: all); every item of the model must be.
    group : column name or Series, optional
        Fit one model in each group (with means); groups stand in order of appearance.
    equal : collection of str
        What is equal over groups: loadings, intercepts, thresholds, residuals, residual.covariances, lv.variances,
        lv.covariances, means, regressions.
    free : collection of str
        Exceptions from `equal`, such as `"visual=~x2"` or `"x3~1"`.
    cluster : column name or Series, optional
        Who answered from within the same unit; with MLR and WLSMV, or with a model of two levels (blocks `level: 1` and
        `level: 2`) by ML.
    missing : {"listwise", "fiml", "pairwise"}
        People who miss an answer are left out, or analysed by what they answered: "fiml" (missing at random) with ML
        and MLR, "pairwise" (missing completely at random) with WLSMV.
    std_lv : bool
        Fix factor variances at 1 instead of first loadings.
    orthogonal : bool
        Factors do not covary unless the model says so.
    parameterization : {"delta", "theta"}
        Of ordered items: scales of the variables behind them are parameters and residual variances follow, or the other
        way round.

    Returns
    -------
    Cfa

    Raises
    ------
    SpecError
        A model that cannot be read or is not identified (the parameters are named), unknown settings.
    DataError
        Missing columns, items that do not vary, too few people.

    Notes
    -----
    Covariances have divisor n and chi-square is n F, as lavaan has it. Standard errors come from the expected
    information (ML), the observed one (`missing="fiml"`), or the sandwich (MLR, WLSMV). With WLSMV and clusters the
    influences of people on thresholds and polychorics are summed over clusters; lavaan 0.6 ignores clusters there.

    References
    ----------
    Joreskog (1969), Psychometrika 34, 183-202. doi:10.1007/BF02289343
    Rosseel (2012), Journal of Statistical Software 48(2). doi:10.18637/jss.v048.i02

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> f = rng.normal(size=(400, 1))
    >>> items = pd.DataFrame(0.7 * f + 0.6 * rng.normal(size=(400, 4)), columns=["a", "b", "c", "d"])
    >>> fitted = cfa("f =~ a + b + c + d", items)
    >>> fitted.converged, fitted.fit["df"], round(fitted.fit["cfi"], 2)
    (True, 2.0, 1.0)
    """
    estimator = ("WLSMV" if ordered else "ML") if estimator is None else estimator
    parsed = parse_model(model)
    if parsed.n_levels > 1:
        _check_levels(estimator, ordered, group, cluster, missing)
        assert cluster is not None
        options = TableOptions(1, std_lv, orthogonal, True, equal=equal, free=free, fixed_x=False)
        return fit_two_level(parsed, model, data, cluster, options)
    if estimator == "WLSMV":
        check_known(data, parsed.observed())
        options = TableOptions(1, std_lv, orthogonal, True, {}, parameterization, equal, free)
        return fit_ordinal(parsed, model, data, ordered, group, cluster, missing, options)
    estimate, method = _estimator(estimator, ordered, cluster, missing)
    observed = _observed(parsed)
    check_known(data, observed)
    sample = draw_sample(data, observed, group, cluster, missing)
    moments = saturated_moments(sample)
    means = cluster is not None or missing == "fiml" or len(sample.labels) > 1
    means = means or any(term.op == "~1" for term in parsed.terms)
    options = TableOptions(len(sample.labels), std_lv, orthogonal, means, equal=equal, free=free)
    design = make_design(parameter_table(parsed, options), sample, moments)
    found = estimate(design, sample, moments)
    parameters = parameter_frame(design, found, sample.labels)
    return Cfa(
        fit=fit_measures(design, found, sample.n), parameters=parameters, labels=sample.labels, model=model,
        estimator=estimator, method=_sentence(method, missing, cluster is not None), n_used=sample.n,
        n_dropped=sum(sample.dropped.values()), dropped=dict(sample.dropped), converged=found.converged,
        warnings=solution_warnings(design, found, parameters, sample.labels, sample.n), design=design, estimate=found,
    )  # fmt: skip


def _estimator(
    estimator: str, ordered: "Sequence[str] | bool | None", cluster: object, missing: str
) -> tuple[Estimator, str]:
    if estimator not in ESTIMATORS:
        raise SpecError(Problem("unknown estimator", value=str(estimator), allowed=", ".join((*ESTIMATORS, "WLSMV"))))
    if ordered:
        what = f"{estimator} takes answers as numbers, not as ordered categories"
        raise SpecError(Problem(what, mend='take estimator="WLSMV", or leave ordered out'))
    if missing == "pairwise":
        what = f"{estimator} has no such rule for missing answers"
        raise SpecError(Problem(what, value=missing, allowed="listwise, fiml"))
    if cluster is not None and estimator != "MLR":
        what = "people within clusters are not independent, and the errors of ML would be too small"
        raise SpecError(Problem(what, mend='take estimator="MLR"'))
    return ESTIMATORS[estimator]


def _check_levels(estimator: str, ordered: object, group: object, cluster: object, missing: str) -> None:
    """Refuse what a model of two levels cannot be combined with; all of it at once."""
    problems = []
    if cluster is None:
        problems.append(Problem("a model of two levels needs the clusters", mend="say who belongs where: cluster="))
    if estimator != "ML":
        problems.append(Problem("a model of two levels is estimated by ML", value=estimator, allowed="ML"))
    if ordered:
        problems.append(Problem("a model of two levels takes answers as numbers", mend="leave ordered out"))
    if group is not None:
        problems.append(Problem("groups and levels at once are not estimated", mend="fit each group on its own"))
    if missing != "listwise":
        problems.append(Problem("a model of two levels takes complete answers", value=missing, allowed="listwise"))
    if problems:
        raise SpecError(problems)


def _observed(model: Model) -> tuple[str, ...]:
    if strange := [t for t in model.terms if t.op in ("|", "~*~")]:
        raise SpecError(f"{strange[0].lhs} {strange[0].op} {strange[0].rhs}: thresholds and scales need ordered items.")
    if len(observed := model.observed()) < 2:
        raise SpecError(f"{', '.join(observed)}: a single item has no correlation that a model could explain.")
    return observed


def saturated_moments(sample: Sample) -> tuple[Moments, ...]:
    """Means and covariances (divisor n) of each group without any model."""
    p = len(sample.observed)
    return tuple(saturated([one.moments for one in patterns_of(values)], p) for values in sample.values)


def _sentence(method: str, missing: str, clustered: bool) -> str:
    said = f"Confirmatory factor analysis, {method}"
    said += ", full information from incomplete answers" if missing == "fiml" else ", complete answers"
    return said + (", people clustered within units" if clustered else "")
