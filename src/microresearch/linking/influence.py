"""Does the answer hang on one unit or one hospital? The models again, each of them left out in turn."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from microresearch.errors import ConvergenceError, DataError, SpecError
from microresearch.linking.cells import Cells
from microresearch.linking.estimates import Effect, LinkedEstimate, LinkedEstimates
from microresearch.linking.link import Linker
from microresearch.linking.outcomes import SCALES
from microresearch.numeric.glm import POWER, fit_glm
from microresearch.numeric.left_out import glm_without, mixed_without
from microresearch.numeric.mixed import group_moments
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
    groups = scores.design.hospital if by == "hospital" else pd.Series(scores.design.units, index=scores.design.units)
    outside = {name for name, _ in linked.left_out}
    groups = groups[~groups.index.isin(outside)]
    whole = Linker(scores, cells, linked.outcome, model, linked.within_hospitals, linked.confidence)
    together = {row.characteristic: _all_at_once(whole, row, groups) for row in linked.rows}
    rows: list[dict[str, object]] = []
    for group in sorted(set(groups)):
        table = cells.table[~cells.table["unit"].isin(groups.index[groups == group])]
        linker = replace(whole, cells=replace(cells, table=table), _designs={})
        for row in linked.rows:
            estimate = together[row.characteristic].get(group, np.nan)
            moved = (
                _without(linker, row.characteristic, row.primary)
                if np.isnan(estimate)
                else {"estimate": estimate, "change": _change(estimate, row.primary), "note": ""}
            )
            rows.append({"characteristic": row.characteristic, "group": group} | moved)
    return Influence(linked.outcome, by, pd.DataFrame(rows))


def _all_at_once(linker: Linker, row: LinkedEstimate, groups: pd.Series) -> dict[object, float]:
    """Effects without each group, of models whose fits go together; NaN or absent where one must be fitted alone."""
    if linker.model not in ("mixed", "binomial", "poisson", "gamma", "tweedie") or not isinstance(row.primary, Effect):
        return {}
    design, table = linker.scored(row.characteristic)
    known = table["eb" if isinstance(row.corrected, Effect) else "mean"].to_numpy(float)
    x = design.with_score(known)
    if x is None or row.tau is None:
        return {}
    place, names = pd.factorize(groups.loc[list(design.units)], sort=True)
    of_unit = np.asarray(place, np.intp)
    if linker.model == "mixed":
        moments = group_moments(x, design.n, design.total, design.squares, design.unit)
        slopes = mixed_without(moments, of_unit)[:, -1]
    else:
        fit = fit_glm(x, design.n, design.total, linker.model, power=row.primary.power or POWER)
        slopes = glm_without(x, design.n, design.total, fit, of_unit[design.unit])[:, -1]
    left = len(design.units) - np.bincount(of_unit)
    slopes[left - design.n_between - 1 < 1] = np.nan
    return dict(zip(names, (row.tau * slopes).tolist(), strict=True))


def _without(linker: Linker, characteristic: str, whole: Effect | NotAvailable) -> dict[str, object]:
    power = whole.power if isinstance(whole, Effect) else None  # the whole's: leaving out changes the regression alone
    try:
        found = replace(linker, power=power, _powers={}).rows([characteristic])[0].primary
    except (DataError, ConvergenceError) as error:
        return {"estimate": np.nan, "change": np.nan, "note": str(error)}
    if isinstance(found, NotAvailable):
        return {"estimate": np.nan, "change": np.nan, "note": found.reason}
    return {"estimate": found.estimate, "change": _change(found.estimate, whole), "note": ""}


def _change(estimate: float, whole: Effect | NotAvailable) -> float:
    """In standard errors of the whole estimate."""
    return (estimate - whole.estimate) / whole.se if isinstance(whole, Effect) and whole.se else np.nan


def with_influence(linked: LinkedEstimates, influence: Influence) -> LinkedEstimates:
    """The estimates with `max_unit_influence`: the largest change in standard errors when one unit is left out."""
    largest = influence.largest().set_index("characteristic")["change"].abs()
    rows = tuple(
        replace(row, max_unit_influence=float(largest[row.characteristic])) if row.characteristic in largest else row
        for row in linked.rows
    )
    return replace(linked, rows=rows)
