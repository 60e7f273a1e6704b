"""Who could have answered, and where? The roster of staff and the table of units, checked before they are used."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from microresearch import io
from microresearch.errors import DataError, Problem
from microresearch.survey.problems import listed, nearest, refuse
from microresearch.survey.units import crosswalk


def read_units(path: str | Path, yes_no: Sequence[str] = ("academic",)) -> pd.DataFrame:
    """The table of units, a row a unit.

    Parameters
    ----------
    path : str or Path
        CSV with the column `unit` (id, once each) and, as the study needs them: `name`, `variants` (other names,
        separated by "|"), `hospital`, `type`, `beds` and yes/no columns.
    yes_no : sequence of str
        Columns that hold yes or no, where they stand in the file.

    Returns
    -------
    DataFrame
        All columns; text except `beds` (float). `name` is the id and `variants` empty where the file has none.

    Raises
    ------
    DataError
        All that is wrong at once: missing column, empty or repeated unit, beds that are no number, a yes/no column
        with something else, a name that stands for two units.
    """
    file = io.shown(path)
    units = io.read_csv(path)
    problems = _required(units, ("unit",), file)
    refuse(problems)
    units = _stripped(units)
    problems += _keys(units, "unit", file, show=True)
    for column in (one for one in yes_no if one in units):
        units[column] = units[column].str.casefold()
        problems += _closed(units, column, ("yes", "no"), file)
    if "hospital" in units:
        problems += _filled(units, "hospital", file)
    if "beds" in units:
        beds = pd.to_numeric(units["beds"], errors="coerce")
        wrong = units.index[(beds.isna() & (units["beds"] != "")) | (beds < 0)]
        problems += [
            Problem("beds must be a number, 0 or more", file, int(row), "beds", str(units.at[row, "beds"]))
            for row in wrong
        ]
        units["beds"] = beds.astype("float64")
    if "name" not in units:
        units["name"] = units["unit"]
    if "variants" not in units:
        units["variants"] = ""
    problems += _ambiguous(units, file)
    refuse(problems)
    return units


def read_roster(
    path: str | Path, units: Collection[str] | None = None, roles: Collection[str] | None = None
) -> pd.DataFrame:
    """The roster of staff who were asked, a row a person.

    Parameters
    ----------
    path : str or Path
        CSV with `staff_id` (once each), `unit` (id as in the units file) and `role`.
    units, roles : collection of str, optional
        What may stand in those columns.

    Returns
    -------
    DataFrame
        `staff_id`, `unit`, `role` and what else the file has, as text; the index holds the file's rows.

    Raises
    ------
    DataError
        All that is wrong at once, with rows; staff ids are never shown.
    """
    file = io.shown(path)
    roster = io.read_csv(path)
    refuse(_required(roster, ("staff_id", "unit", "role"), file))
    roster = _stripped(roster)
    problems = _keys(roster, "staff_id", file, show=False)
    problems += _filled(roster, "unit", file) if units is None else _closed(roster, "unit", tuple(units), file)
    problems += _filled(roster, "role", file) if roles is None else _closed(roster, "role", tuple(roles), file)
    refuse(problems)
    return roster


def _stripped(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({name: frame[name].str.strip() for name in frame.columns}, index=frame.index)


def _required(frame: pd.DataFrame, columns: Sequence[str], file: str) -> list[Problem]:
    problems = []
    for column in columns:
        if column not in frame:
            near = nearest(column, frame.columns)
            mend = f"nearest column: {', '.join(near)}" if near else "add it"
            problems.append(Problem("this column is missing", file, 1, column, mend=mend))
    if not len(frame):
        problems.append(Problem("a header but no rows", file))
    return problems


def _filled(frame: pd.DataFrame, column: str, file: str) -> list[Problem]:
    empty = frame.index[frame[column] == ""]
    return [Problem(f"this cell is empty in {listed(empty)}", file, int(empty[0]), column)] if len(empty) else []


def _keys(frame: pd.DataFrame, column: str, file: str, show: bool) -> list[Problem]:
    problems = _filled(frame, column, file)
    filled = frame[column][frame[column] != ""]
    for value, rows in filled[filled.duplicated(keep=False)].groupby(filled).groups.items():
        what = f"the same {column} stands in {listed(rows)}"
        problems.append(
            Problem(what, file, int(rows[0]), column, str(value) if show else None, mend="keep one of them")
        )
    return problems


def _closed(frame: pd.DataFrame, column: str, allowed: Sequence[str], file: str) -> list[Problem]:
    problems = []
    strange = frame[column][~frame[column].isin(allowed)]
    for value, rows in strange.groupby(strange).groups.items():
        near = nearest(str(value), allowed)
        few = ", ".join(allowed) if len(allowed) <= 12 else f"{len(allowed)} names in the units file"
        mend = f"nearest: {', '.join(near)}" if near else ""
        what = f"not one of the allowed, in {listed(rows)}"
        problems.append(Problem(what, file, int(rows[0]), column, str(value), few, mend))
    return problems


def _ambiguous(units: pd.DataFrame, file: str) -> list[Problem]:
    """Names that stand for two units, with the file's name in front."""
    try:
        crosswalk(units[units["unit"] != ""].drop_duplicates("unit"))
    except DataError as error:
        return [replace(one, file=file) for one in error.problems]
    return []
