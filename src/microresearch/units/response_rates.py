"""How many of those who were asked answered, overall and in each unit and role?"""

from dataclasses import dataclass

import pandas as pd

from microresearch.errors import DataError, Problem
from microresearch.responses import Responses
from microresearch.results import NotAvailable, tidy

RATES = ("n_roster", "n_complete", "n_partial", "rr1", "rr2")


@dataclass(frozen=True, slots=True, eq=False)
class ResponseRates:
    """AAPOR response rates of a survey whose every invited person is on the roster.

    Attributes
    ----------
    overall, units, roles, cells : DataFrame
        Columns n_roster, n_complete, n_partial, rr1, rr2 (shares, 0 to 1); index: nothing, unit, role, (unit, role) as
        they stand in the roster. Exact counts, so private.
    n_off_roster : int
        Responses of persons who are not on the roster: in no rate.
    complete_at : float
        Progress, per cent, from which an answer counts as complete.
    note : str
    """

    overall: pd.DataFrame
    units: pd.DataFrame
    roles: pd.DataFrame
    cells: pd.DataFrame
    n_off_roster: int
    complete_at: float
    note: str

    def to_frame(self) -> pd.DataFrame:
        """Tidy: terms RR1 and RR2, groups overall, each unit and each role; n is the roster's."""
        rows: list[dict[str, object]] = []
        for prefix, frame in (("", self.overall), ("unit: ", self.units), ("role: ", self.roles)):
            for name, row in frame.iterrows():
                group = f"{prefix}{name}" if prefix else "overall"
                n = int(row["n_roster"])
                for rate in ("rr1", "rr2"):
                    rows.append({"term": rate.upper(), "group": group, "estimate": float(row[rate]), "n": n})
        return tidy(rows)


def response_rates(
    roster: pd.DataFrame | None, people: pd.DataFrame | Responses, complete_at: float = 100.0, wave: int = 1
) -> ResponseRates | NotAvailable:
    """Response rates RR1 and RR2 of the roster, overall, by unit, by role and by both.

    Everyone on the roster is eligible and was asked, so both rates have the roster as denominator: RR1 counts complete
    answers, RR2 complete and partial ones (AAPOR 2023, with no case of unknown eligibility).

    Parameters
    ----------
    roster : DataFrame or None
        `staff_id`, `unit`, `role`, a row a person. None: no rate can be had, and the result says so.
    people : DataFrame or Responses
        Who answered: `person` (staff id), and `progress` (per cent) and `wave` where known. Responses that cleaning
        excluded are not in it and so are not counted as answers.
    complete_at : float, default 100
        Progress from which an answer is complete; without progress every answer counts as complete, and `note` says so.
    wave : int, default 1
        A second wave is a retest, not a second chance.

    Raises
    ------
    DataError
        A column is missing, or a person stands twice on the roster or in the wave.

    References
    ----------
    AAPOR (2023), Standard Definitions, 10th edition.

    Examples
    --------
    >>> roster = pd.DataFrame({"staff_id": ["a", "b", "c", "d"], "unit": "U1", "role": ["nurse"] * 3 + ["physician"]})
    >>> people = pd.DataFrame({"person": ["a", "b"], "progress": [100, 60]})
    >>> response_rates(roster, people).overall[["rr1", "rr2"]].iloc[0].tolist()
    [0.25, 0.5]
    """
    if roster is None:
        return NotAvailable("no roster was given: nobody knows how many were asked, so there is no response rate")
    answered = people.people if isinstance(people, Responses) else people
    _check(roster, ("staff_id", "unit", "role"), "roster")
    _check(answered, ("person",), "table of people")
    if "wave" in answered:
        answered = answered[answered["wave"] == wave]
    if roster["staff_id"].duplicated().any() or answered["person"].duplicated().any():
        raise DataError("a person stands twice on the roster or among the answers of this wave; keep one row a person.")
    known = "progress" in answered and answered["progress"].notna().all()
    full = answered["progress"] >= complete_at if "progress" in answered else pd.Series(True, index=answered.index)
    if "progress" in answered:
        full |= answered["progress"].isna()
    on = roster.assign(
        complete=roster["staff_id"].isin(answered.loc[full, "person"]),
        partial=roster["staff_id"].isin(answered.loc[~full, "person"]),
    )
    note = "" if known else "progress is not known for all: answers without it count as complete"
    return ResponseRates(
        _rates(on, None), _rates(on, "unit"), _rates(on, "role"), _rates(on, ["unit", "role"]),
        int((~answered["person"].isin(roster["staff_id"])).sum()), complete_at, note,
    )  # fmt: skip


def _check(frame: pd.DataFrame, columns: tuple[str, ...], what: str) -> None:
    missing = [Problem(f"the {what} has no such column", column=name) for name in columns if name not in frame]
    if missing:
        raise DataError(missing)


def _rates(on: pd.DataFrame, by: str | list[str] | None) -> pd.DataFrame:
    grouped = on.groupby([0] * len(on) if by is None else by, sort=True)
    table = grouped.agg(n_roster=("staff_id", "size"), n_complete=("complete", "sum"), n_partial=("partial", "sum"))
    table["rr1"] = table["n_complete"] / table["n_roster"]
    table["rr2"] = (table["n_complete"] + table["n_partial"]) / table["n_roster"]
    return table[list(RATES)]
