"""Which patients does a unit treat? Columns known at admission, cut as declared, so that like patients share a cell."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from microresearch.errors import Problem, SpecError

DEFAULT_BANDS: Mapping[str, tuple[float, ...]] = {"age": (18, 45, 65, 75, 85), "comorbidity": (0, 1, 3, 5)}
"""Lower bounds for columns of these names that are named without bands or levels."""

AFTER_ADMISSION = frozenset(
    ("los", "los_days", "length_of_stay", "icu_days", "icu_los", "ventilator_days", "discharged", "discharge_date",
     "died", "discharge_disposition", "death", "mortality", "readmitted", "readmitted_30d", "complications",
     "drg_weight", "drg", "charges", "charge", "cost", "costs", "total_cost")
)  # fmt: skip
"""Names of variables that arise after admission: adjusting for one would remove part of the effect."""

MOST_LEVELS = 60


@dataclass(frozen=True, slots=True)
class Stratum:
    """One case-mix variable and how it is cut.

    Attributes
    ----------
    name, column : str
        Its name in tables and the column of the extract.
    bands : tuple of float, optional
        Rising lower bounds: (18, 45, 65) makes "under 18", "18 to <45", "45 to <65" and "65 and over".
    levels : tuple of str, optional
        The closed list of its values, the first one the reference; without bands or levels every value is a level.
    """

    name: str
    column: str
    bands: tuple[float, ...] | None = None
    levels: tuple[str, ...] | None = None

    def labels(self) -> tuple[str, ...] | None:
        """Its levels in order, where they are declared."""
        if self.bands is None:
            return self.levels
        said = [f"{bound:g}" for bound in self.bands]
        middle = [f"{low} to <{high}" for low, high in pairwise(said)]
        return (f"under {said[0]}", *middle, f"{said[-1]} and over")


def strata(
    case_mix: Iterable[object], outcomes: Sequence[str] = (), mediators: Sequence[str] = ()
) -> tuple[Stratum, ...]:
    """Declared case mix as strata: names, mappings or settings with `name`, `column`, `bands` or `levels`.

    Parameters
    ----------
    case_mix : iterable
        "sex", or {"column": "age", "bands": [18, 45, 65]}, or {"column": "sex", "levels": ["F", "M"]}.
    outcomes : sequence of str
        Columns that are outcomes of this study, which no covariate may be.
    mediators : sequence of str
        Columns that arise after admission and are declared mediators: allowed all the same.

    Raises
    ------
    SpecError
        A variable that arises after admission, one named twice, bands that do not rise; all at once.

    Examples
    --------
    >>> [s.labels() for s in strata([{"column": "age", "bands": [18, 65]}, "sex"])]
    [('under 18', '18 to <65', '65 and over'), None]
    >>> strata(["los_days"])
    Traceback (most recent call last):
    microresearch.errors.SpecError: column los_days: this variable arises after admission, so ...
    """
    found: list[Stratum] = []
    problems: list[Problem] = []
    for entry in case_mix:
        made = _stratum(entry)
        found.append(made)
        late = {name.lower() for name in outcomes} | AFTER_ADMISSION
        if made.column.lower() in late and made.column not in mediators:
            what = "this variable arises after admission, so adjusting for it would remove part of the effect"
            problems.append(Problem(what, column=made.column, mend="leave it out, or declare it in mediators"))
        if made.bands is not None and (not made.bands or list(made.bands) != sorted(set(made.bands))):
            problems.append(Problem("bands must be lower bounds that rise", column=made.column))
    names = [made.name for made in found]
    problems += [
        Problem("this case-mix variable is named twice", column=n) for n in {n for n in names if names.count(n) > 1}
    ]
    if problems:
        raise SpecError(problems)
    return tuple(found)


def _stratum(entry: object) -> Stratum:
    if isinstance(entry, Stratum):
        return entry
    if isinstance(entry, str):
        return Stratum(entry, entry)
    keys = ("name", "column", "bands", "levels")
    if isinstance(entry, Mapping):
        if strange := sorted(set(entry) - set(keys)):
            raise SpecError(Problem(f"case mix has no setting {strange[0]!r}", allowed=", ".join(keys)))
        given = dict(entry)
    else:
        given = {key: getattr(entry, key, None) for key in keys}
    column = given.get("column") or given.get("name")
    if not isinstance(column, str):
        raise SpecError(Problem("a case-mix variable needs the name of its column", allowed=", ".join(keys)))
    bands, levels = given.get("bands"), given.get("levels")
    if bands is not None and levels is not None:
        raise SpecError(Problem("give bands or levels, not both", column=column))
    return Stratum(
        str(given.get("name") or column), column,
        None if bands is None else tuple(float(b) for b in bands), None if levels is None else tuple(map(str, levels)),
    )  # fmt: skip


def with_defaults(stratum: Stratum, numeric: bool) -> Stratum:
    """The stratum with the default bands of its column's name, when nothing was declared and the column is numeric."""
    if stratum.bands is None and stratum.levels is None and numeric:
        bands = DEFAULT_BANDS.get(stratum.column.lower())
        return Stratum(stratum.name, stratum.column, bands)
    return stratum


def dummies(table: pd.DataFrame, variables: Sequence[Stratum]) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """0/1 columns for the case mix of each cell; the reference is the first level (declared order, else sorted).

    Returns
    -------
    names : tuple of str
        "<variable>: <level>".
    columns : array, shape (n_cells, n_dummies)
    """
    names: list[str] = []
    columns: list[NDArray[np.float64]] = []
    for variable in variables:
        values = table[variable.name].astype(str).to_numpy(dtype=object)
        seen = set(values)
        order = [level for level in variable.labels() or sorted(seen) if level in seen]
        for level in order[1:]:
            names.append(f"{variable.name}: {level}")
            columns.append(np.asarray(values == level, dtype=np.float64))
    return tuple(names), np.column_stack(columns) if columns else np.empty((len(table), 0))
