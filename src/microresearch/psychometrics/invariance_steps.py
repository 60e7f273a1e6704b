"""Which parameters of ordered items does each step of invariance hold equal, and what does it free in return?

Theta parameterization: the first group's intercepts are 0 and unique variances 1. Equal thresholds let intercepts and
unique variances of the other groups go, equal loadings their factor variances, equal intercepts their factor means.
"""

from collections.abc import Collection
from dataclasses import dataclass
from math import nan

import numpy as np
import pandas as pd

from microresearch.psychometrics.invariance_rules import Step

LADDER: tuple[Step, ...] = ("configural", "thresholds", "loadings", "intercepts", "residuals")
LOADINGS, INTERCEPTS, RESIDUALS = 2, 3, 4


@dataclass(frozen=True, slots=True)
class Items:
    """What can be asked of each item alone.

    Attributes
    ----------
    scaled : frozenset of str
        Two or more thresholds can be equal: these fix the item's scale, so that loadings and intercepts can be asked.
    joint : frozenset of str
        One threshold can be equal (two categories): threshold, loading and intercept can only be tested together.
    apart : frozenset of str
        No threshold may be equal: nothing of the item can be compared.
    """

    scaled: frozenset[str]
    joint: frozenset[str]
    apart: frozenset[str]


def sort_items(n_thresholds: dict[str, int], free: Collection[str]) -> Items:
    """Sort items by how many thresholds may be equal over groups.

    References
    ----------
    Wu & Estabrook (2016), Psychometrika 81, 1014-1045 (conditions for the scale of an item).

    Examples
    --------
    >>> sorted(sort_items({"a": 4, "b": 1, "c": 2}, ["c|t1"]).joint)
    ['b', 'c']
    """
    exempt = {name.replace(" ", "") for name in free}
    left = {item: sum(f"{item}|t{t + 1}" not in exempt for t in range(k)) for item, k in n_thresholds.items()}
    return Items(
        frozenset(item for item, k in left.items() if k >= 2),
        frozenset(item for item, k in left.items() if k == 1),
        frozenset(item for item, k in left.items() if k == 0),
    )


@dataclass(frozen=True, slots=True)
class _Rung:
    """One step: its place in the ladder, the items compared in it, what is exempt, loadings (factor, item) compared."""

    level: int
    compared: frozenset[str]
    scaled: frozenset[str]
    exempt: frozenset[str]
    loadings: frozenset[tuple[str, str]]

    def equal(self, lhs: str, op: str, rhs: str) -> bool:
        """Whether a free parameter is equal over groups."""
        if op == "|":
            return lhs in self.compared and f"{lhs}|{rhs}" not in self.exempt
        return op == "=~" and (lhs, rhs) in self.loadings

    def released(self, lhs: str, op: str, rhs: str) -> bool:
        """Whether a parameter that is fixed in the first group is free in the others."""
        if lhs in {factor for factor, _ in self.loadings}:
            return (op == "~~" and lhs == rhs) or (op == "~1" and self.level >= INTERCEPTS)
        exempt = f"{lhs}{op}{rhs}" in self.exempt
        if lhs not in self.compared:
            return False
        if op == "~1":
            return self.level < INTERCEPTS or exempt
        if op != "~~" or lhs != rhs or (self.level >= RESIDUALS and not exempt):
            return False
        return lhs in self.scaled or any(lhs == item for _, item in self.loadings)


def step_table(table: pd.DataFrame, step: Step, items: Items, free: Collection[str]) -> pd.DataFrame:
    """The configural parameter table (theta parameterization, factor variances 1) with a step's equalities.

    What the model itself fixes or labels stays as it is.

    References
    ----------
    Wu & Estabrook (2016), Psychometrika 81, 1014-1045. doi:10.1007/s11336-016-9506-0
    """
    rung = _rung(table, LADDER.index(step), items, frozenset(name.replace(" ", "") for name in free))
    fixed, label = table["fixed"].to_numpy(dtype=float, copy=True), table["label"].to_numpy(dtype=object, copy=True)
    columns = (table[name] for name in ("lhs", "op", "rhs", "group", "free"))
    for i, (lhs, op, rhs, group, is_free) in enumerate(zip(*columns, strict=True)):
        if is_free:
            if not label[i] and rung.equal(lhs, op, rhs):
                label[i] = f".{lhs}{op}{rhs}."
        elif group > 1 and rung.released(lhs, op, rhs):
            fixed[i] = nan
    return _numbered(table.assign(fixed=fixed, label=label))


def _rung(table: pd.DataFrame, level: int, items: Items, exempt: frozenset[str]) -> _Rung:
    compared = items.scaled | items.joint if level >= INTERCEPTS else items.scaled if level else frozenset[str]()
    rows = table[(table["op"] == "=~") & (table["free"] > 0) & (table["label"] == "")]
    pairs = [(str(f), str(item)) for f, item in zip(rows["lhs"], rows["rhs"], strict=True)]
    loadings = {(f, item) for f, item in pairs if item in compared and f"{f}=~{item}" not in exempt}
    return _Rung(level, compared, items.scaled, exempt, frozenset(loadings if level >= LOADINGS else ()))


def _numbered(table: pd.DataFrame) -> pd.DataFrame:
    """Number the free parameters anew; equal labels bear one number."""
    numbers: dict[str, int] = {}
    free = np.zeros(len(table), dtype=int)
    count = 0
    for i, (value, label) in enumerate(zip(table["fixed"], table["label"], strict=True)):
        if not np.isnan(value):
            continue
        if not label or label not in numbers:
            count += 1
            numbers[label or f".row{i}"] = count
        free[i] = numbers[label] if label else count
    return table.assign(free=free)
