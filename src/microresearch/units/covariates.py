"""How do unit-level covariates enter a model? Coded once, alike for the unit scores and for the outcomes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from microresearch.errors import DataError, Problem
from microresearch.numeric.moments import Floats

TOLERANCE = 1e-9
"""A column counts as a combination of others when less than this share of its length is its own."""


@dataclass(frozen=True, slots=True, eq=False)
class UnitDesign:
    """Unit-level covariates as numbers, beside the hospitals.

    Attributes
    ----------
    columns : DataFrame, units x coded columns
        Index: unit. Numbers centred on their mean over the units; a category as 0/1 for each level but its reference.
    hospital : Series
        Hospital of each unit; "" for all where no hospital was named, which leaves one common intercept.
    covariates : tuple of str
        As asked for.
    reference : mapping
        Reference level of each category.
    notes : tuple of str
        What was dropped, and why.
    """

    columns: pd.DataFrame
    hospital: pd.Series
    covariates: tuple[str, ...]
    reference: Mapping[str, str]
    notes: tuple[str, ...]

    @property
    def units(self) -> pd.Index:
        """The units, in order."""
        return self.columns.index

    @property
    def by_hospital(self) -> bool:
        """Whether hospitals were named."""
        return bool((self.hospital != "").any())

    def matrix(self, units: pd.Index | None = None, covariates: bool = True) -> Floats:
        """One column a hospital, then the covariates that those units can tell apart; full column rank.

        Parameters
        ----------
        units : Index, optional
            Some of the units, in the order wanted; all if left out.
        covariates : bool, default True
            False leaves the hospitals alone.
        """
        units = self.units if units is None else units
        hospital = self.hospital.loc[units].to_numpy()
        dummies = (hospital[:, None] == np.unique(hospital)[None, :]).astype(np.float64)
        if not covariates:
            return dummies
        coded = self.columns.loc[units].to_numpy(np.float64)
        return np.column_stack([dummies, coded[:, _independent(dummies, coded)]])


def code_covariates(
    units: pd.DataFrame,
    covariates: Sequence[str] | Mapping[str, str | None] = (),
    hospital: str | pd.Series | None = None,
) -> UnitDesign:
    """Code the unit-level covariates of a study.

    Parameters
    ----------
    units : DataFrame
        A row a unit, with the column `unit` (id) or units as index.
    covariates : sequence of str, or mapping of name to reference level
        Columns of `units`. Numbers stay numbers, centred; text, yes/no and booleans become categories. The reference
        level is the one declared, else the most frequent over the units (the first in the alphabet among equals); the
        other levels follow by frequency.
    hospital : str or Series, optional
        Column of `units`, or hospitals indexed by unit.

    Returns
    -------
    UnitDesign
        Columns that are constant, or constant within hospitals, or a combination of earlier columns, are dropped with a
        note: hospital effects leave nothing of them to estimate.

    Raises
    ------
    DataError
        A column is missing or has holes, a unit stands twice, or the declared reference level does not occur.

    Examples
    --------
    >>> units = pd.DataFrame({"unit": ["A", "B", "C", "D"], "hospital": ["H1", "H1", "H2", "H2"],
    ...                       "type": ["medical", "surgical", "medical", "medical"], "beds": [10, 20, 30, 20]})
    >>> design = code_covariates(units, ["type", "beds"], "hospital")
    >>> design.columns.columns.tolist(), dict(design.reference), design.columns.loc["A"].tolist()
    (['type: surgical', 'beds'], {'type': 'medical'}, [0.0, -10.0])
    """
    table = _indexed(units)
    wanted = dict(covariates) if isinstance(covariates, Mapping) else dict.fromkeys(covariates)
    where = _hospitals(table, hospital)
    _check(table, list(wanted))
    coded: dict[str, pd.Series] = {}
    reference: dict[str, str] = {}
    for name, declared in wanted.items():
        column = table[name]
        if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
            coded[name] = column.astype(np.float64) - column.mean()
        else:
            levels = _levels(column.astype(str), name, declared)
            reference[name] = levels[0]
            coded |= {f"{name}: {level}": (column.astype(str) == level).astype(np.float64) for level in levels[1:]}
    frame = pd.DataFrame(coded, index=table.index)
    dummies = pd.get_dummies(where).to_numpy(np.float64)
    kept = _independent(dummies, frame.to_numpy(np.float64))
    constant = "constant within hospitals" if (where != "").any() else "constant"
    notes = tuple(
        f"{name}: dropped, as it is {constant} or a combination of the covariates before it"
        for name, keep in zip(frame.columns, kept, strict=True)
        if not keep
    )
    return UnitDesign(frame.loc[:, kept], where, tuple(wanted), reference, notes)


def _indexed(units: pd.DataFrame) -> pd.DataFrame:
    table = units.set_index("unit") if "unit" in units.columns else units
    table = table.set_axis(table.index.astype(str).rename("unit"), axis=0)
    if table.index.has_duplicates:
        raise DataError(Problem("a unit stands twice in the table of units", column="unit", mend="keep one row a unit"))
    return table


def _hospitals(table: pd.DataFrame, hospital: str | pd.Series | None) -> pd.Series:
    if hospital is None:
        return pd.Series("", index=table.index, name="hospital", dtype="str")
    if isinstance(hospital, str):
        _check(table, [hospital])
        return table[hospital].astype(str).rename("hospital")
    found = hospital.set_axis(hospital.index.astype(str)).reindex(table.index)
    if found.isna().any():
        raise DataError(Problem(f"{int(found.isna().sum())} units have no hospital", column="hospital"))
    return found.astype(str).rename("hospital")


def _check(table: pd.DataFrame, names: list[str]) -> None:
    problems = [
        Problem("the table of units has no such column", column=name, allowed=", ".join(map(str, table.columns)))
        for name in names
        if name not in table.columns
    ]
    problems += [
        Problem(f"{int(table[name].isna().sum())} of {len(table)} units have no value", column=name,
                mend="fill it in, or leave the covariate out")
        for name in names
        if name in table.columns and table[name].isna().any()
    ]  # fmt: skip
    if problems:
        raise DataError(problems)


def _levels(column: pd.Series, name: str, declared: str | None) -> list[str]:
    """Levels, the reference first, then by frequency and alphabet."""
    counts = column.value_counts()
    levels = sorted(counts.index, key=lambda level: (-counts[level], level))
    if declared is None:
        return levels
    if declared not in levels:
        problem = Problem("the reference level does not occur", column=name, value=declared, allowed=", ".join(levels))
        raise DataError(problem)
    return [declared, *(level for level in levels if level != declared)]


def _independent(base: Floats, columns: Floats) -> np.ndarray:
    """Which columns add a direction to `base` and to the kept columns before them."""
    kept = np.zeros(columns.shape[1], dtype=bool)
    basis, _ = np.linalg.qr(base)
    for j in range(columns.shape[1]):
        x = columns[:, j] - columns[:, j].mean()
        rest = x - basis @ (basis.T @ x)
        rest -= basis @ (basis.T @ rest)
        length = np.linalg.norm(rest)
        if length > TOLERANCE * max(float(np.linalg.norm(x)), 1e-300) and len(x) > basis.shape[1]:
            kept[j] = True
            basis = np.column_stack([basis, rest / length])
    return kept
