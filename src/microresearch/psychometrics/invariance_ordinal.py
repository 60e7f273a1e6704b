"""Do ordered items mean the same in every group? The ladder of thresholds, loadings, intercepts, residuals."""

from collections.abc import Collection, Sequence

import pandas as pd

from microresearch.errors import DataError, Problem, SpecError
from microresearch.numeric.sem_wls_robust import difference_moments
from microresearch.psychometrics.cfa.design import check_known
from microresearch.psychometrics.cfa.ordinal import check_ordinal, fit_table
from microresearch.psychometrics.cfa.ordinal_sample import ordinal_sample
from microresearch.psychometrics.cfa.result import Cfa
from microresearch.psychometrics.cfa.sample import draw_sample
from microresearch.psychometrics.cfa.wlsmv import all_slopes
from microresearch.psychometrics.invariance_result import Invariance, climb
from microresearch.psychometrics.invariance_rules import RuleName, Step
from microresearch.psychometrics.invariance_steps import LADDER, Items, sort_items, step_table
from microresearch.psychometrics.nested import Difference, satorra_2000
from microresearch.psychometrics.partable import TableOptions, parameter_table
from microresearch.psychometrics.syntax import parse_model
from microresearch.results import NotAvailable

METHOD = (
    "thresholds, then loadings, intercepts and unique variances equal over groups (Wu & Estabrook 2016), theta "
    "parameterization with factor variances 1 in the first group; WLSMV, scaled CFI, TLI and RMSEA, scaled and shifted "
    "difference tests of Satorra (2000)"
)


def ordinal_invariance(
    model: str,
    data: pd.DataFrame,
    group: "str | pd.Series",
    ordered: "Sequence[str] | bool",
    free: Collection[str],
    cluster: "str | pd.Series | None",
    missing: str,
    rule: RuleName,
) -> Invariance:
    """Fit the ladder configural, thresholds, loadings, intercepts, residuals; arguments as in `invariance`.

    Each step keeps what was equal before. Items of two categories restrict nothing before intercepts are equal, those
    of three nothing while thresholds alone are: `restrictions` says so, and the next step tests both together. Loadings
    and intercepts of higher-order factors are left alone: they say how factors go together, not what items mean.

    References
    ----------
    Wu & Estabrook (2016), Psychometrika 81, 1014-1045. doi:10.1007/s11336-016-9506-0
    """
    parsed = parse_model(model)
    observed = parsed.observed()
    check_known(data, observed)
    check_ordinal(parsed, observed, ordered, missing, "theta")
    sample = draw_sample(data, observed, group, cluster, missing)
    if len(sample.labels) < 2:
        raise SpecError(Problem("invariance needs two or more groups", mend="say which (group=)"))
    seen = ordinal_sample(sample)
    options = TableOptions(len(sample.labels), True, False, True, seen.n_thresholds, "theta", (), free)
    base = parameter_table(parsed, options)
    items = sort_items(seen.n_thresholds, free)
    if not items.scaled | items.joint:
        raise DataError("every threshold of every item is left free: nothing can be compared over groups.")
    fits: dict[Step, Cfa] = {}
    for step in LADDER:
        table = step_table(base, step, items, free)
        last = next(reversed(fits.values()), None)
        fits[step] = fit_table(_started(table, last), model, sample, seen, missing, "theta")
    return climb(fits, _difference, rule, ".scaled", METHOD + _said(items))


def _said(items: Items) -> str:
    """What the table cannot say of single items."""
    out = ""
    if items.joint:
        names = ", ".join(sorted(items.joint))
        out += f"; with one threshold to compare, {names}: threshold, loading and intercept are tested together"
    if items.apart:
        out += f"; with no threshold to compare, {', '.join(sorted(items.apart))}: left free in every step"
    return out


def _started(table: pd.DataFrame, last: Cfa | None) -> pd.DataFrame:
    """The table with the last step's estimates (the first group's, where groups share them) as start values."""
    if last is None:
        return table
    start = last.parameters["est"].to_numpy(copy=True)
    first: dict[int, float] = {}
    for i, free in enumerate(table["free"]):
        start[i] = first.setdefault(int(free), start[i]) if free else start[i]
    return table.assign(start=start)


def _difference(fit: Cfa, old: Cfa, restrictions: int) -> Difference | NotAvailable:
    """The test of Satorra (2000) of a step against the one before."""
    new, base = fit.estimate, old.estimate
    if base.bread is None or new.bread is None:
        return NotAvailable("a model of this step has no standard errors; see its warnings")
    free = all_slopes(old.design.structures, base.theta)
    restricted = all_slopes(fit.design.structures, new.theta)
    mean, square = difference_moments(free, restricted, base.bread, len(new.theta))
    return satorra_2000(new.test, base.test, mean, square)
