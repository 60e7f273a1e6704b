"""Which units and patients enter a model, and with which columns? Cells and unit scores brought together, once."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from microresearch.errors import DataError, Problem
from microresearch.linking.casemix import dummies
from microresearch.linking.cells import Cells
from microresearch.units.covariates import UnitDesign

Array = NDArray[np.float64]

_ALIASED = 1e-7


@dataclass(frozen=True, slots=True, eq=False)
class Design:
    """The cells of one outcome with every design column but the score.

    Attributes
    ----------
    x : array, shape (n_cells, p)
        Intercept, hospitals, unit covariates, case mix; of full column rank.
    names : tuple of str, length p
    n, total, squares : arrays, shape (n_cells,)
        Stays, sum and sum of squares of the outcome.
    unit : int array, shape (n_cells,)
        Place of each cell's unit in `units`.
    units : tuple of str, length n_units
    hospitals : tuple of str
        Hospital of each unit; empty without hospitals.
    n_between : int
        Columns that are constant within units (intercept, hospitals, unit covariates).
    aliased : tuple of str
        Columns left out because earlier ones already say the same.
    zeros : array, shape (n_cells,), optional
        Stays whose outcome is zero.
    logs : array, shape (n_cells,), optional
        Sum of the logarithms of the outcome.
    exposed : bool
        Whether `n` is an exposure (patient-days) and each cell one count.
    """

    x: Array
    names: tuple[str, ...]
    n: Array
    total: Array
    squares: Array
    unit: NDArray[np.intp]
    units: tuple[str, ...]
    hospitals: tuple[str, ...]
    n_between: int
    aliased: tuple[str, ...]
    zeros: Array | None = None
    logs: Array | None = None
    exposed: bool = False

    @property
    def alone(self) -> int:
        """Units that are the only one of their hospital: they say nothing about contrasts within hospitals."""
        counts = pd.Series(self.hospitals, dtype="str").value_counts()
        return int((counts == 1).sum())

    @property
    def largest_share(self) -> float:
        """Share of the stays that the largest unit holds."""
        per_unit = np.bincount(self.unit, weights=self.n)
        return float(per_unit.max() / per_unit.sum())

    def with_score(self, score: Array) -> Array | None:
        """The design with a score per unit (shape (n_units,)) as its last column; None when it is aliased."""
        column = score[self.unit]
        root = np.sqrt(self.n)
        made = np.column_stack([self.x, column])
        spread = np.linalg.norm((column - np.average(column, weights=self.n)) * root)
        left = np.linalg.qr(made * root[:, None]).R[-1, -1]
        return None if spread == 0 or abs(left) <= _ALIASED * spread else made


def build(cells: Cells, outcome: str, scored: Collection[str], unit_design: UnitDesign, fixed: bool) -> Design:
    """The design of one outcome over the units that have both a score and patients.

    Parameters
    ----------
    scored : collection of str
        Units with a score.
    unit_design : UnitDesign
        Hospitals and coded unit covariates, the same as behind the scores.
    fixed : bool
        Whether hospitals enter as fixed effects.

    Raises
    ------
    DataError
        No unit with both a score and patients that have the outcome.
    """
    table = cells.table
    table = table[table["unit"].isin(list(scored)) & (table[f"{outcome}_n"] > 0)].reset_index(drop=True)
    if table.empty:
        raise DataError(Problem("no unit has both a score and patients with this outcome", column=outcome))
    present = tuple(sorted(table["unit"].unique()))
    unit = np.asarray(pd.Categorical(table["unit"], categories=present).codes, dtype=np.intp)
    hospitals = tuple(unit_design.hospital.loc[list(present)]) if fixed else ()
    names, columns = ["intercept"], [np.ones(len(table))]
    for hospital in sorted(set(hospitals))[1:]:
        names.append(f"hospital: {hospital}")
        columns.append((np.array(hospitals) == hospital).astype(float)[unit])
    coded = unit_design.columns.loc[list(present)]
    for name in coded.columns:
        names.append(str(name))
        columns.append(coded[name].to_numpy(float)[unit])
    mix_names, mix = dummies(table, [s for s in cells.strata if s.column != cells.outcome(outcome).column])
    n, total, squares = (table[f"{outcome}_{part}"].to_numpy(float) for part in ("n", "sum", "sumsq"))
    whole = Design(
        np.column_stack([*columns, mix]),
        (*names, *mix_names),
        n,
        total,
        squares,
        unit,
        present,
        hospitals,
        len(names),
        (),
        table[f"{outcome}_zeros"].to_numpy(float),
        table[f"{outcome}_sumlog"].to_numpy(float) if f"{outcome}_sumlog" in table else None,
        cells.outcome(outcome).kind == "rate",
    )
    return _full_rank(whole)


def _full_rank(design: Design) -> Design:
    """Leave out columns that depend on earlier ones."""
    weighted = design.x * np.sqrt(design.n)[:, None]
    keep = list(range(weighted.shape[1]))
    while True:
        r = np.abs(np.diag(np.linalg.qr(weighted[:, keep]).R))
        norms = np.linalg.norm(weighted[:, keep], axis=0)
        short = np.flatnonzero(np.concatenate([r, np.zeros(len(keep) - len(r))]) <= _ALIASED * norms)
        if not len(short):
            break
        keep.pop(int(short[0]))
    names = tuple(design.names[j] for j in keep)
    gone = tuple(name for j, name in enumerate(design.names) if j not in keep)
    between = sum(j < design.n_between for j in keep)
    return replace(design, x=design.x[:, keep], names=names, aliased=gone, n_between=between)


def left_out(cells: Cells, outcome: str, scored: Sequence[str], known: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Units that cannot enter, each with its reason.

    Parameters
    ----------
    scored, known : sequence of str
        Units with a score, and all units of the scores' table.
    """
    has = cells.table.loc[cells.table[f"{outcome}_n"] > 0, "unit"]
    patients, anyone = set(has.unique()), set(cells.table["unit"].unique())
    reasons = []
    for name in sorted(anyone | set(known)):
        if name in scored and name in patients:
            continue
        if name not in anyone:
            reasons.append((name, "no patients"))
        elif name not in patients:
            reasons.append((name, f"no patient with {outcome}"))
        elif name not in known:
            reasons.append((name, "no staff"))
        else:
            reasons.append((name, "no score"))
    return tuple(reasons)
