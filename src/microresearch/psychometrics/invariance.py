"""Does the model mean the same in every group? The ladder of invariance: configural, metric, scalar, strict."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import get_args

import numpy as np
import pandas as pd

from microresearch.errors import Problem, SpecError
from microresearch.numeric.sem_ml import Moments, fit_ml
from microresearch.numeric.sem_structure import implied
from microresearch.psychometrics.cfa.design import rank
from microresearch.psychometrics.cfa.fit_model import cfa
from microresearch.psychometrics.cfa.ml import scaling_at
from microresearch.psychometrics.cfa.result import Cfa
from microresearch.psychometrics.cfa.sample import Sample, draw_sample
from microresearch.psychometrics.invariance_rules import RuleName, Step, Verdict, judge
from microresearch.psychometrics.nested import (
    Difference,
    plain_difference,
    satorra_bentler_2001,
    satorra_bentler_2010,
)
from microresearch.results import NotAvailable

STEPS: dict[Step, tuple[str, ...]] = {
    "configural": (),
    "metric": ("loadings",),
    "scalar": ("loadings", "intercepts"),
    "strict": ("loadings", "intercepts", "residuals"),
}
DIFFERENCES = ("satorra.bentler.2001", "satorra.bentler.2010")


@dataclass(frozen=True, slots=True, eq=False)
class Invariance:
    """A ladder of models, each with more held equal over the groups.

    Attributes
    ----------
    table : DataFrame
        A row a step: step, chisq, df, pvalue (scaled with MLR), cfi, tli, rmsea, srmr (robust CFI, TLI and RMSEA with
        MLR and complete answers, scaled ones with holes), aic, bic; then against the step before: restrictions
        (independent ones, by rank), diff_chisq, diff_df, diff_p, diff_method, delta_cfi, delta_rmsea, delta_srmr, held.
    fits : dict of Cfa
        The models by step.
    verdicts : dict of Verdict
        For each step after the first: held or not, by which rule, and why.
    differences : dict
        The difference test of each step, or why there is none.
    highest : str
        The last step up to which all held.
    labels : tuple of str
    n_used, n_dropped : int
    converged : bool
        Whether every model converged.
    warnings : tuple of str
        Of all steps, each with its step.
    """

    table: pd.DataFrame
    fits: dict[Step, Cfa]
    verdicts: dict[Step, Verdict]
    differences: dict[Step, Difference | NotAvailable]
    highest: str
    labels: tuple[str, ...]
    n_used: int
    n_dropped: int
    converged: bool
    warnings: tuple[str, ...]

    def to_frame(self) -> pd.DataFrame:
        """The table."""
        return self.table


def invariance(
    model: str,
    data: pd.DataFrame,
    group: "str | pd.Series",
    ordered: Sequence[str] | None = None,
    free: Collection[str] = (),
    estimator: str = "MLR",
    cluster: "str | pd.Series | None" = None,
    missing: str = "listwise",
    rule: RuleName = "cheung2002",
    difference: str = "satorra.bentler.2001",
) -> Invariance:
    """Fit the ladder configural, metric, scalar, strict, and compare each step with the one before.

    Parameters
    ----------
    model : str
        In lavaan's syntax.
    data : DataFrame, persons x columns
    group : column name or Series
    ordered : sequence of str, optional
        Items whose answers are ordered categories.
    free : collection of str
        Parameters left free in every step (partial invariance), such as `"visual=~x2"` or `"x3~1"`.
    estimator : {"MLR", "ML"}
        With "MLR" fit is robust and difference tests are scaled.
    cluster, missing
        As in `cfa`.
    rule : {"cheung2002", "chen2007"}
        By which change of fit a step counts as held.
    difference : {"satorra.bentler.2001", "satorra.bentler.2010"}
        Scaled difference test; where the first has no positive scaling the second is taken, and named. The second
        depends on how the freer model is scaled (here: means of factors at 0), as its information is not at a maximum.

    Raises
    ------
    SpecError, DataError
        As `cfa`; unknown `difference` or `rule`.

    References
    ----------
    Meredith (1993), Psychometrika 58, 525-543 (the ladder). doi:10.1007/BF02294825
    Satorra & Bentler (2001, 2010); Cheung & Rensvold (2002); Chen (2007).

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> f = rng.normal(size=(600, 1))
    >>> items = pd.DataFrame(0.7 * f + 0.6 * rng.normal(size=(600, 4)), columns=["a", "b", "c", "d"])
    >>> ladder = invariance("f =~ a + b + c + d", items, group=pd.Series(["nurse", "physician"] * 300))
    >>> ladder.highest, ladder.table["df"].tolist(), ladder.table["restrictions"].tolist()[1:]
    ('strict', [4.0, 7.0, 10.0, 14.0], [3.0, 3.0, 4.0])
    """
    _check(difference, rule)
    fits: dict[Step, Cfa] = {
        step: cfa(model, data, estimator, ordered, group, equal, free, cluster, missing)
        for step, equal in STEPS.items()
    }
    first = fits["configural"]
    sample = draw_sample(data, first.design.layouts[0].observed, group, cluster, missing)
    verdicts: dict[Step, Verdict] = {}
    differences: dict[Step, Difference | NotAvailable] = {}
    rows: list[dict[str, object]] = [{"step": "configural", **_indices(first)}]
    for before, step in pairwise(fits):
        fit, old = fits[step], fits[before]
        here, there = _indices(fit), _indices(old)
        change = {name: here[name] - there[name] for name in ("cfi", "rmsea", "srmr")}
        differences[step] = _difference(fit, old, difference, sample)
        verdicts[step] = _verdict(rule, step, fit, old, change)
        rows.append({"step": step, **here} | _compared(fit, old, differences[step], change, verdicts[step]))
    return Invariance(
        table=pd.DataFrame(rows), fits=fits, verdicts=verdicts, differences=differences, highest=_highest(verdicts),
        labels=first.labels, n_used=first.n_used, n_dropped=first.n_dropped,
        converged=all(fit.converged for fit in fits.values()),
        warnings=tuple(f"{step}: {said}" for step, fit in fits.items() for said in fit.warnings),
    )  # fmt: skip


def _check(difference: str, rule: str) -> None:
    for said, value, allowed in (("difference", difference, DIFFERENCES), ("rule", rule, get_args(RuleName))):
        if value not in allowed:
            raise SpecError(Problem(f"unknown {said}", value=str(value), allowed=", ".join(allowed)))


def _indices(fit: Cfa) -> dict[str, float]:
    """Chi-square and fit of a step: the best version that its estimator has."""
    f = fit.fit
    kind = next((k for k in (".robust", ".scaled") if f"cfi{k}" in f), "")
    test = ".scaled" if "chisq.scaled" in f else ""
    out = {"chisq": f[f"chisq{test}"], "df": f["df"], "pvalue": f[f"pvalue{test}"]}
    out |= {name: f[f"{name}{kind}"] for name in ("cfi", "tli", "rmsea")} | {"srmr": f["srmr"]}
    return out | {name: f[name] for name in ("aic", "bic") if name in f}


def restrictions(restricted: Cfa, free: Cfa) -> int:
    """How many independent restrictions a step adds: what the rank of the moments' derivatives falls by."""
    return rank(free.estimate.information) - rank(restricted.estimate.information)


def _verdict(rule: RuleName, step: Step, fit: Cfa, old: Cfa, change: dict[str, float]) -> Verdict:
    if not (fit.converged and old.converged):
        return Verdict(False, "none", "a model of this step did not converge, so that nothing can be said")
    if not restrictions(fit, old):
        return Verdict(True, "none", "this step restricts nothing, so that it tests nothing")
    return judge(rule, step, fit.n_used, change["cfi"], change["rmsea"], change["srmr"])


def _compared(
    fit: Cfa, old: Cfa, test: Difference | NotAvailable, change: dict[str, float], verdict: Verdict
) -> dict[str, object]:
    row: dict[str, object] = {"restrictions": float(restrictions(fit, old))}
    if isinstance(test, Difference):
        row |= {"diff_chisq": test.value, "diff_df": test.df, "diff_p": test.p, "diff_method": test.method}
    else:
        row["diff_method"] = f"not available: {test.reason}"
    return row | {f"delta_{name}": value for name, value in change.items()} | {"held": verdict.held}


def _difference(fit: Cfa, old: Cfa, method: str, sample: Sample) -> Difference | NotAvailable:
    """The difference test, refused where the df do not fall by the number of independent restrictions."""
    new, base = fit.estimate, old.estimate
    lost = fit.fit["df"] - old.fit["df"]
    if not (fit.converged and old.converged) or lost != restrictions(fit, old):
        what = f"df change by {lost:.0f}, but {restrictions(fit, old)} restrictions are independent"
        return NotAvailable(what if fit.converged and old.converged else "a model did not converge")
    if new.test_scaled is None and base.test_scaled is None and fit.estimator == "ML":
        return plain_difference(new.test, base.test)
    if new.test_scaled is None or (base.test_scaled is None and base.test.df):
        return NotAvailable("a model of this step has no scaled test; see its warnings")
    c0, c1 = new.test_scaled.scaling, 1.0 if base.test_scaled is None else base.test_scaled.scaling
    if method == "satorra.bentler.2001":
        found = satorra_bentler_2001(new.test, base.test, c0, c1)
        if isinstance(found, Difference) or not lost:
            return found
    if not base.test.df:
        return satorra_bentler_2010(new.test, base.test, c0, 1.0)
    return satorra_bentler_2010(new.test, base.test, c0, scaling_at_restricted(old, fit, sample))


def scaling_at_restricted(free: Cfa, restricted: Cfa, sample: Sample) -> float:
    """Scaling of the free model at the restricted model's solution.

    The free model's parameters that imply the same moments are found by fitting it to these moments; where it fixes
    what the other frees (means of factors) no copying of estimates would do.
    """
    moments = []
    for layout, seen in zip(restricted.design.layouts, restricted.estimate.observed, strict=True):
        at = implied(layout.structure, restricted.estimate.theta)
        moments.append([Moments(seen.n, at.mu, at.sigma, np.arange(len(at.mu)))])
    best = fit_ml(free.design.structures, moments, free.estimate.theta)
    return scaling_at(free.design, sample, free.estimate.observed, best.x)


def _highest(verdicts: dict[Step, Verdict]) -> str:
    last: str = "configural"
    for step, verdict in verdicts.items():
        if not verdict.held:
            break
        last = step
    return last
