"""What does a ladder of invariance say? Models with more and more held equal, each against the one before."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import pandas as pd

from microresearch.psychometrics.cfa.design import rank
from microresearch.psychometrics.cfa.result import Cfa
from microresearch.psychometrics.invariance_rules import RuleName, Step, Verdict, judge
from microresearch.psychometrics.nested import Difference
from microresearch.results import NotAvailable


@dataclass(frozen=True, slots=True, eq=False)
class Invariance:
    """A ladder of models, each with more held equal over the groups.

    Attributes
    ----------
    table : DataFrame
        A row a step: step, chisq, df, pvalue (scaled with MLR and WLSMV), cfi, tli, rmsea, srmr (robust CFI, TLI and
        RMSEA with MLR and complete answers, scaled ones with holes or ordered items), aic, bic; then against the step
        before: restrictions (independent ones, by rank), diff_chisq, diff_df, diff_p, diff_method, delta_cfi,
        delta_rmsea, delta_srmr, held.
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
        Of all steps, each once, with the first step that gave it.
    method : str
        How the models are identified, and which test and indices the table holds.
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
    method: str = ""

    def to_frame(self) -> pd.DataFrame:
        """The table."""
        return self.table


DifferenceTest = Callable[[Cfa, Cfa, int], Difference | NotAvailable]
"""Test of a restricted model against a free one, given how many independent restrictions lie between them."""


def climb(fits: dict[Step, Cfa], test: DifferenceTest, rule: RuleName, kind: str | None, method: str) -> Invariance:
    """Compare each step with the one before.

    Parameters
    ----------
    fits : dict of Cfa
        The models by step, in order.
    test : callable
    rule : str
    kind : str or None
        Which version of CFI, TLI and RMSEA is compared: ".scaled", ".robust", ""; None takes the best there is.
    method : str
    """
    first = next(iter(fits.values()))
    ranks = {step: rank(fit.estimate.information) for step, fit in fits.items()}
    verdicts: dict[Step, Verdict] = {}
    differences: dict[Step, Difference | NotAvailable] = {}
    rows: list[dict[str, object]] = [{"step": next(iter(fits)), **best_indices(first, kind)}]
    idle: list[str] = []  # steps that restricted nothing since the last one that did
    for before, step in pairwise(fits):
        fit, old = fits[step], fits[before]
        here, there = best_indices(fit, kind), best_indices(old, kind)
        change = {name: here[name] - there[name] for name in ("cfi", "rmsea", "srmr")}
        restrictions = ranks[before] - ranks[step]
        differences[step] = _difference(fit, old, restrictions, test)
        verdicts[step] = _verdict(rule, step, fit, old, change, restrictions, idle)
        idle = [] if restrictions else [*idle, step]
        row = _compared(restrictions, differences[step], change, verdicts[step])
        rows.append({"step": step, **here} | row)
    return Invariance(
        table=pd.DataFrame(rows), fits=fits, verdicts=verdicts, differences=differences, highest=_highest(verdicts),
        labels=first.labels, n_used=first.n_used, n_dropped=first.n_dropped,
        converged=all(fit.converged for fit in fits.values()),
        warnings=_warnings(fits), method=method,
    )  # fmt: skip


def _warnings(fits: dict[Step, Cfa]) -> tuple[str, ...]:
    """What any step warns of, with the first step that does."""
    first: dict[str, Step] = {}
    for step, fit in fits.items():
        for said in fit.warnings:
            first.setdefault(said, step)
    return tuple(f"{step}: {said}" for said, step in first.items())


def best_indices(fit: Cfa, kind: str | None) -> dict[str, float]:
    """Chi-square and fit of a step: the best version that its estimator has, unless one is named."""
    f = fit.fit
    if kind is None:
        kind = next((k for k in (".robust", ".scaled") if f"cfi{k}" in f), "")
    test = ".scaled" if "chisq.scaled" in f else ""
    kind = kind if f"cfi{kind}" in f else ""
    out = {"chisq": f[f"chisq{test}"], "df": f["df"], "pvalue": f[f"pvalue{test}"]}
    out |= {name: f[f"{name}{kind}"] for name in ("cfi", "tli", "rmsea")} | {"srmr": f["srmr"]}
    return out | {name: f[name] for name in ("aic", "bic") if name in f}


def _verdict(
    rule: RuleName, step: Step, fit: Cfa, old: Cfa, change: dict[str, float], restrictions: int, idle: list[str]
) -> Verdict:
    if not (fit.converged and old.converged):
        return Verdict(False, "none", "a model of this step did not converge, so that nothing can be said")
    if not restrictions:
        return Verdict(True, "none", "this step restricts nothing, so that it tests nothing")
    found = judge(rule, step, fit.n_used, change["cfi"], change["rmsea"], change["srmr"])
    if not idle:
        return found
    said = f"{' and '.join(idle)} alone restricted nothing, so that they are tested here, together with {step}; "
    return Verdict(found.held, found.rule, said + found.why)


def _compared(
    restrictions: int, test: Difference | NotAvailable, change: dict[str, float], verdict: Verdict
) -> dict[str, object]:
    row: dict[str, object] = {"restrictions": float(restrictions)}
    if isinstance(test, Difference):
        row |= {"diff_chisq": test.value, "diff_df": test.df, "diff_p": test.p, "diff_method": test.method}
    else:
        row["diff_method"] = f"not available: {test.reason}"
    return row | {f"delta_{name}": value for name, value in change.items()} | {"held": verdict.held}


def _difference(fit: Cfa, old: Cfa, restrictions: int, test: DifferenceTest) -> Difference | NotAvailable:
    """The difference test, refused where the df do not fall by the number of independent restrictions."""
    lost = fit.fit["df"] - old.fit["df"]
    if not (fit.converged and old.converged):
        return NotAvailable("a model did not converge")
    if lost != restrictions:
        return NotAvailable(f"df change by {lost:.0f}, but {restrictions} restrictions are independent")
    if not restrictions:
        return NotAvailable("the step restricts nothing")
    return test(fit, old, restrictions)


def _highest(verdicts: dict[Step, Verdict]) -> str:
    last: str = "configural"
    for step, verdict in verdicts.items():
        if not verdict.held:
            break
        last = step
    return last
