"""What came of the stays? Mean outcomes and costs, in all and by third of a unit score, from cells alone."""

import numpy as np
import pandas as pd

from microresearch.errors import DataError, Problem
from microresearch.linking.cells import Cells, Linkage
from microresearch.report.dominance import Amounts
from microresearch.report.sample import THIRDS
from microresearch.report.tables import ALL, Table


def outcome_table(cells: Cells, name: str, third: pd.Series, label: str = "", scale: str = "") -> Table:
    """Stays with an outcome, its mean and SD (ddof 1) over stays, in all and by third of the units.

    Parameters
    ----------
    cells : Cells
    name : str
        Of the outcome; a cost also has its total, in the currency and price year of the cells.
    third : Series
        Unit -> third of its score (`sample.thirds`); stays of units without one are in "All" alone.
    label, scale : str
        The outcome in words, and its unit.

    Returns
    -------
    Table
        Crude: not adjusted for case mix. Counts are exact until the guard has seen the table.

    Raises
    ------
    DataError
        No stay has the outcome.
    """
    cells.outcome(name)
    part = cells.table[["unit", f"{name}_n", f"{name}_sum", f"{name}_sumsq"]].rename(
        columns={f"{name}_n": "n", f"{name}_sum": "sum", f"{name}_sumsq": "square"}
    )
    if not part["n"].sum():
        raise DataError(Problem("no stay has this outcome", column=name))
    group = part["unit"].map(third)
    rows = [_row(ALL, part)] + [_row(one, part[group == one]) for one in THIRDS if (group == one).any()]
    known = {f"has {name}": "yes"}
    money = cells.outcome(name).kind == "cost"
    binary = cells.outcome(name).kind == "binary"
    frame = pd.DataFrame(rows).drop(columns=[] if money else ["total"])
    if binary:
        frame = frame.assign(percent=100 * frame["mean"]).drop(columns=["mean", "sd"])
    unit = f"{cells.currency} {cells.price_year}" if money else scale
    labels = {"group": "Units", "n": "Stays", "mean": f"Mean{f', {unit}' if unit else ''}", "sd": "SD"}
    if binary:
        labels = {"group": "Units", "n": "Stays", "percent": "% with it"}
    notes = ["Thirds of units by their score; crude, not adjusted for case mix."]
    if money:
        labels["total"] = f"Total, {unit}"
        notes.append(f"Costs: {cells.cost_basis}, prices of {cells.price_year}.")
    return Table(
        frame, f"{label or name} by third of the score", tuple(notes), counts=("n",), labels=labels,
        decimals=dict.fromkeys(("mean", "sd", "total"), 0) if money else {"percent": 1} if binary else {},
        shares={"percent": ("", "n")} if binary else {}, of="stays", by=("group",),
        where={"n": known, **({"percent": {**known, name: "yes"}} if binary else {})},
    )  # fmt: skip


def linkage_table(linkage: Linkage, title: str) -> Table:
    """Stays of the extract, those joined to units, and what the others lack."""
    frame, used = linkage.to_frame(), {"analysed": "yes"}
    whom: dict[str, dict[str, str]] = {"stays in the admissions extract": {}, "stays analysed": used}
    whom |= {f"stays without {name}": {f"has {name}": "no"} for name, _ in linkage.missing}
    whom |= {f"excluded: {reason}": {"analysed": reason} for reason, _ in linkage.excluded}
    return Table(
        frame, title, counts=("n",), labels={"term": "Encounters", "n": "Number"}, of="stays",
        whom={"n": tuple(whom.get(str(term)) for term in frame["term"])},
    )  # fmt: skip


def amounts_behind(cells: Cells, name: str, third: pd.Series) -> Amounts:
    """What each unit adds to the totals of `outcome_table`, for the dominance rule."""
    sums = cells.table.groupby("unit")[f"{name}_sum"].sum().clip(lower=0)
    group = sums.index.to_series().map(third)
    amounts = pd.concat([sums, sums[group.notna()]], ignore_index=True)
    groups = pd.concat([pd.Series(ALL, index=sums.index), group.dropna()], ignore_index=True)
    return Amounts("total", "group", amounts, groups)


def _row(group: str, part: pd.DataFrame) -> dict[str, object]:
    n, total, square = int(part["n"].sum()), float(part["sum"].sum()), float(part["square"].sum())
    spread = np.sqrt(max(square - total**2 / n, 0.0) / (n - 1)) if n > 1 else np.nan
    return {"group": group, "n": n, "mean": total / n if n else np.nan, "sd": spread, "total": total}
