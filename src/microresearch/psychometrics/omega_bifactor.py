"""How much of a scale score is due to one general factor, when it is known which items belong together? From a CFA."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from microresearch.errors import ConvergenceError, Problem, SpecError
from microresearch.numeric.moments import Floats
from microresearch.psychometrics.cfa import Cfa, cfa
from microresearch.psychometrics.omega_estimate import Estimate
from microresearch.psychometrics.scores import pick_items
from microresearch.results import Interval, tidy

METHOD = "listwise; confirmatory bifactor model by maximum likelihood on covariances, all factors orthogonal"


@dataclass(frozen=True, slots=True, eq=False)
class OmegaBifactor:
    """Omega hierarchical and total of one scale from a confirmatory bifactor model.

    Attributes
    ----------
    hierarchical, total : float
        Share of the variance of the sum due to the general factor; due to all factors.
    hierarchical_se, total_se : float
    hierarchical_interval, total_interval : Interval
    loadings : DataFrame, items x (general, groups)
        In the items' units; 0 where the model has none.
    uniquenesses : Series, items
    fit : dict
        Fit measures of the model, by lavaan's names.
    n_used, n_dropped : int
    method : str
    notes : tuple of str
    """

    hierarchical: float
    total: float
    hierarchical_se: float
    total_se: float
    hierarchical_interval: Interval
    total_interval: Interval
    loadings: pd.DataFrame
    uniquenesses: pd.Series
    fit: dict[str, float]
    n_used: int
    n_dropped: int
    method: str
    notes: tuple[str, ...]
    converged: bool = True

    def to_frame(self) -> pd.DataFrame:
        """Two rows, hierarchical and total."""
        rows = [
            {"term": f"omega, {name}", "estimate": value, "se": se, "ci_low": interval.low, "ci_high": interval.high,
             "n": self.n_used, "method": f"{self.method}; {interval.method}"}
            for name, value, se, interval in (
                ("hierarchical", self.hierarchical, self.hierarchical_se, self.hierarchical_interval),
                ("total", self.total, self.total_se, self.total_interval),
            )
        ]  # fmt: skip
        return tidy(rows, extra=("method",))


def omega_bifactor(
    items: pd.DataFrame,
    groups: Mapping[str, Sequence[str]],
    confidence: float = 0.95,
    interval: Literal["robust", "normal"] = "robust",
) -> OmegaBifactor:
    """Omega hierarchical and total from a bifactor model whose groups of items are given.

    Parameters
    ----------
    items : DataFrame, persons x items, keyed
    groups : mapping of group name to its items
        Three items or more in each; an item that stands in no group loads on the general factor alone.
    confidence : float, default 0.95
    interval : {"robust", "normal"}
        Delta method on the logit, with errors robust to non-normal answers (Huber-White) or not.

    Returns
    -------
    OmegaBifactor

    Raises
    ------
    SpecError
        An item in two groups or in none of the columns, a group of fewer than three items.
    ConvergenceError
        The model has no solution, or an improper one: no omega rests on a negative variance.

    References
    ----------
    Zinbarg, Revelle, Yovel & Li (2005), Psychometrika 70, 123-133, eqs. 7 and 8. doi:10.1007/s11336-003-0974-7

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> general, own = rng.normal(size=(500, 1)), np.repeat(rng.normal(size=(500, 3)), 3, axis=1)
    >>> items = pd.DataFrame(general + 0.6 * own + rng.normal(size=(500, 9)), columns=list("abcdefghi"))
    >>> found = omega_bifactor(items, {"first": list("abc"), "second": list("def"), "third": list("ghi")})
    >>> round(found.hierarchical, 2), round(found.total, 2)
    (0.8, 0.91)
    """
    if interval not in ("robust", "normal"):
        raise SpecError(Problem("no such interval", value=str(interval), allowed="robust, normal"))
    frame = pick_items(items, None)
    names = [str(name) for name in frame.columns]
    places = _places(names, groups)
    short = frame.set_axis([f"y{i}" for i in range(len(names))], axis=1)
    lines = ["g =~ " + " + ".join(short.columns)]
    lines += [f"s{j} =~ " + " + ".join(f"y{i}" for i in place) for j, place in enumerate(places.values())]
    estimator = "MLR" if interval == "robust" else "ML"
    fitted = cfa("\n".join(lines), short, estimator=estimator, std_lv=True, orthogonal=True)
    if not fitted.converged:
        raise ConvergenceError("the bifactor model did not converge.")
    loadings, psi, slots = _matrices(fitted, len(names), len(places))
    if (psi <= 0).any():
        below = ", ".join(np.array(names)[psi <= 0])
        raise ConvergenceError(f"the bifactor model is improper: no variance of its own is left to {below}; "
                               "use fewer groups, or omega(kind='hierarchical').")  # fmt: skip
    parts = [_share(loadings, psi, slots, fitted.estimate.vcov, [0]),
             _share(loadings, psi, slots, fitted.estimate.vcov, list(range(loadings.shape[1])))]  # fmt: skip
    bounds = [Estimate(v, se, loadings[:, 0], psi, METHOD).interval(confidence, interval) for v, se in parts]
    table = pd.DataFrame(loadings, index=names, columns=["general", *places])
    against = table.index[(table["general"] < 0)]
    notes = tuple(fitted.warnings) + (
        (f"negative general loadings: {', '.join(against)}; nothing was turned",) if len(against) else ()
    )
    return OmegaBifactor(
        parts[0][0], parts[1][0], parts[0][1], parts[1][1], bounds[0], bounds[1], table, pd.Series(psi, names),
        dict(fitted.fit), fitted.n_used, fitted.n_dropped, METHOD, notes,
    )  # fmt: skip


def _places(names: list[str], groups: Mapping[str, Sequence[str]]) -> dict[str, list[int]]:
    problems: list[Problem] = []
    seen: set[str] = set()
    for group, members in groups.items():
        if len(members) < 3:
            problems.append(Problem(f"group {group!r} has {len(members)} items; its factor needs three or more"))
        for item in members:
            if str(item) not in names:
                problems.append(Problem("no such item", column=str(item)))
            elif item in seen:
                problems.append(Problem("an item stands in two groups", column=str(item)))
            seen.add(item)
    if len(groups) < 2:
        problems.append(Problem("a bifactor model needs two groups or more"))
    if problems:
        raise SpecError(problems)
    return {str(group): [names.index(str(item)) for item in members] for group, members in groups.items()}


def _matrices(fitted: Cfa, k: int, n_groups: int) -> tuple[Floats, Floats, dict[tuple[str, int, int], int]]:
    """Loadings, unique variances, and where each free one stands among the parameters."""
    loadings, psi = np.zeros((k, 1 + n_groups)), np.zeros(k)
    slots: dict[tuple[str, int, int], int] = {}
    for row in fitted.design.table.to_dict("records"):
        lhs, rhs, at = str(row["lhs"]), str(row["rhs"]), int(row["free"]) - 1
        if at < 0:
            continue
        if row["op"] == "=~":
            place = int(rhs[1:]), 0 if lhs == "g" else 1 + int(lhs[1:])
            loadings[place] = fitted.estimate.theta[at]
            slots[("loading", *place)] = at
        elif row["op"] == "~~" and lhs == rhs:
            psi[int(lhs[1:])] = fitted.estimate.theta[at]
            slots[("psi", int(lhs[1:]), 0)] = at
    return loadings, psi, slots


def _share(
    loadings: Floats, psi: Floats, slots: Mapping[tuple[str, int, int], int], covariance: Floats, factors: list[int]
) -> tuple[float, float]:
    """Share of the variance of the sum due to some factors, and its delta-method error."""
    sums = loadings.sum(axis=0)
    variance = float((sums**2).sum() + psi.sum())
    value = float((sums[factors] ** 2).sum() / variance)
    slope = np.zeros(len(covariance))
    for (kind, _, factor), at in slots.items():
        if kind == "psi":
            slope[at] = -value / variance
        else:
            slope[at] = 2 * sums[factor] * ((factor in factors) - value) / variance
    return value, float(np.sqrt(slope @ covariance @ slope))
