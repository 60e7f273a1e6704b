"""Does the answer hang on one unit or one hospital? The models again, each of them left out in turn."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from microresearch.errors import ConvergenceError, DataError, SpecError
from microresearch.linking.cells import Cells
from microresearch.linking.estimates import Effect, LinkedEstimates
from microresearch.linking.link import Linker
from microresearch.linking.outcomes import SCALES
from microresearch.results import NotAvailable
from microresearch.units.score_table import UnitScores


@dataclass(frozen=True, slots=True, eq=False)
class Influence:
    """Effects with one unit or hospital left out. Units are no people, but a reader may know them: publish maxima only.

    Attributes
    ----------
    outcome, by : str
        "unit" or "hospital".
    table : DataFrame
        A row per characteristic and group left out: characteristic, group, estimate, change (in standard errors of
        the whole estimate), note (why there is no estimate without it).
    """

    outcome: str
    by: str
    table: pd.DataFrame

    def largest(self) -> pd.DataFrame:
        """The group whose absence moves each effect most, and the range of the effects."""
        found = self.table.dropna(subset=["change"])
        if found.empty:
            return pd.DataFrame(columns=["characteristic", "group", "change", "lowest", "highest"])
        most = found.loc[found.groupby("characteristic", sort=False)["change"].apply(lambda c: c.abs().idxmax())]
        limits = found.groupby("characteristic")["estimate"].agg(lowest="min", highest="max")
        return most[["characteristic", "group", "change"]].join(limits, on="characteristic").reset_index(drop=True)


def refuse_to_leave_out(by: str, scores: UnitScores) -> None:
    """An error unless `by` is "unit", or "hospital" where scores have hospitals."""
    if by not in ("unit", "hospital") or (by == "hospital" and not scores.design.by_hospital):
        raise SpecError(f"cannot leave out by {by!r}: allowed are unit and, where scores have hospitals, hospital.")


def leave_one_out(linked: LinkedEstimates, scores: UnitScores, cells: Cells, by: str = "unit") -> Influence:
    """Refit every primary effect without each unit (or hospital).

    The scores stay as they are: leaving a unit out changes the regression, not the measurement of the other units.

    Parameters
    ----------
    linked : LinkedEstimates
        The whole estimates, from `link_outcome` or `link_cost` on the same `scores` and `cells`.
    by : "unit" or "hospital"

    Raises
    ------
    SpecError
        An unknown `by`, or hospitals where scores have none.
    """
    refuse_to_leave_out(by, scores)
    model = next(known for known in SCALES if known == linked.model)
    rows: list[dict[str, object]] = []
    groups = scores.design.hospital if by == "hospital" else pd.Series(scores.design.units, index=scores.design.units)
    outside = {name for name, _ in linked.left_out}
    for group in sorted(set(groups[~groups.index.isin(outside)])):
        gone = set(groups.index[groups == group])
        table = cells.table[~cells.table["unit"].isin(gone)]
        linker = Linker(
            scores, replace(cells, table=table), linked.outcome, model, linked.within_hospitals, linked.confidence
        )
        for row in linked.rows:
            rows.append(
                {"characteristic": row.characteristic, "group": group}
                | _without(linker, row.characteristic, row.primary)
            )
    return Influence(linked.outcome, by, pd.DataFrame(rows))


def _without(linker: Linker, characteristic: str, whole: Effect | NotAvailable) -> dict[str, object]:
    try:
        found = linker.rows([characteristic])[0].primary
    except (DataError, ConvergenceError) as error:
        return {"estimate": np.nan, "change": np.nan, "note": str(error)}
    if isinstance(found, NotAvailable):
        return {"estimate": np.nan, "change": np.nan, "note": found.reason}
    change = np.nan
    if isinstance(whole, Effect) and whole.se:
        change = (found.estimate - whole.estimate) / whole.se
    return {"estimate": found.estimate, "change": change, "note": ""}


def with_influence(linked: LinkedEstimates, influence: Influence) -> LinkedEstimates:
    """The estimates with `max_unit_influence`: the largest change in standard errors when one unit is left out."""
    largest = influence.largest().set_index("characteristic")["change"].abs()
    rows = tuple(
        replace(row, max_unit_influence=float(largest[row.characteristic])) if row.characteristic in largest else row
        for row in linked.rows
    )
    return replace(linked, rows=rows)
