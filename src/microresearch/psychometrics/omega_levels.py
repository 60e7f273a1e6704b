"""How reliable is a scale among the staff of a unit, and how reliable among units? Omega within and between units."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from microresearch.errors import DataError, Problem, SpecError
from microresearch.numeric.moments import Floats
from microresearch.numeric.two_level import fit_two_level
from microresearch.psychometrics.item_matrix import check_variation
from microresearch.psychometrics.omega_estimate import Estimate
from microresearch.psychometrics.omega_total import omega_of, omega_slopes
from microresearch.psychometrics.scores import pick_items
from microresearch.responses import Responses
from microresearch.results import Interval, NotAvailable, tidy

IMPROPER = (
    "no item has a variance of its own at this level (every one is held at zero), as it may happen when there are few "
    "units or they hardly differ: there is no omega to report"
)
METHOD = "listwise; one factor within and one between units by maximum likelihood (Geldhof et al. 2014)"


@dataclass(frozen=True, slots=True)
class LevelOmega:
    """Omega at one level; `n` counts persons within, units between."""

    estimate: float
    se: float
    interval: Interval
    n: int


@dataclass(frozen=True, slots=True, eq=False)
class OmegaLevels:
    """Omega of one scale at two levels.

    Attributes
    ----------
    within, between : LevelOmega or NotAvailable
        Of differences between staff of one unit; of differences between units' true means (as if a unit had very many
        raters: what rater error does to a unit's mean is another question, answered by ICC(2) and `unit_scores`). Not
        available where every unique variance of the level is held at zero.
    loadings, uniquenesses : DataFrame, items x (within, between)
    n_used, n_dropped, n_units, n_items : int
    method : str
    notes : tuple of str
    """

    scale: str
    within: LevelOmega | NotAvailable
    between: LevelOmega | NotAvailable
    loadings: pd.DataFrame
    uniquenesses: pd.DataFrame
    n_used: int
    n_dropped: int
    n_units: int
    n_items: int
    method: str
    notes: tuple[str, ...]
    converged: bool = True

    def to_frame(self) -> pd.DataFrame:
        """Two rows, within and between."""
        rows: list[dict[str, object]] = []
        for level, found in (("within", self.within), ("between", self.between)):
            row: dict[str, object] = {"term": f"omega, {level} units", "group": self.scale}
            if isinstance(found, NotAvailable):
                rows.append(row | {"note": found.reason})
                continue
            row |= {"estimate": found.estimate, "se": found.se, "ci_low": found.interval.low,
                    "ci_high": found.interval.high, "n": found.n,
                    "method": f"{self.method}; {found.interval.method}"}  # fmt: skip
            rows.append(row)
        return tidy(rows, extra=("method", "note"))


def omega_levels(
    items: pd.DataFrame | Responses,
    unit: str | pd.Series = "unit",
    columns: str | Sequence[str] | None = None,
    confidence: float = 0.95,
    interval: Literal["robust", "normal"] = "robust",
) -> OmegaLevels:
    """Omega within and between units, from a two-level one-factor model of persons who answered every item.

    Parameters
    ----------
    items : DataFrame (persons x items, keyed) or Responses
    unit : str or Series
        For a frame: its column with the unit, or units in the same index. `Responses` know theirs.
    columns : str or sequence of str, optional
        Items in a larger frame; with `Responses` the code of a characteristic.
    confidence : float, default 0.95
    interval : {"robust", "normal"}
        Delta method on the logit, with errors robust to non-normal answers (units being independent) or not.

    Returns
    -------
    OmegaLevels

    Raises
    ------
    DataError
        Fewer than three items, too few units, an item that does not vary.
    ConvergenceError
        The model has no solution, as when units hardly differ.

    References
    ----------
    Geldhof, Preacher & Zyphur (2014), Psychological Methods 19, 72-91, eqs. 8 and 9. doi:10.1037/a0032138

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> unit = np.repeat(np.arange(60), 10)
    >>> common = rng.normal(size=60)[unit, None] * 0.6 + rng.normal(size=(600, 1))
    >>> items = pd.DataFrame(common + rng.normal(size=(60, 4))[unit] * 0.2 + rng.normal(size=(600, 4)) * 0.8)
    >>> found = omega_levels(items, pd.Series(unit))
    >>> round(found.within.estimate, 2), round(found.between.estimate, 2)
    (0.86, 0.98)
    """
    if interval not in ("robust", "normal"):
        raise SpecError(Problem("no such interval", value=str(interval), allowed="robust, normal"))
    frame, where = _frame(items, unit, columns)
    usable = frame.notna().all(axis=1) & (where != "")
    x = frame[usable].to_numpy(np.float64)
    check_variation([str(name) for name in frame.columns], x)
    codes, found = pd.factorize(where[usable], sort=True)
    fit = fit_two_level(x, codes.astype(np.int64))
    covariance = fit.robust if interval == "robust" else fit.covariance
    k = frame.shape[1]
    parts = [
        _level(values, covariance[at : at + 2 * k, at : at + 2 * k], (confidence, interval), n)
        for values, at, n in ((fit.within, 0, len(x)), (fit.between, 2 * k, len(found)))
    ]
    names = frame.columns.astype(str)
    loadings = pd.DataFrame({"within": fit.within[0], "between": fit.between[0]}, index=names)
    uniquenesses = pd.DataFrame({"within": fit.within[1], "between": fit.between[1]}, index=names)
    return OmegaLevels(
        columns if isinstance(columns, str) else "", parts[0], parts[1], loadings, uniquenesses, len(x),
        len(frame) - len(x), len(found), k, METHOD, _notes(names, fit.held),
    )  # fmt: skip


def _level(values: Floats, covariance: Floats, how: tuple[float, str], n: int) -> LevelOmega | NotAvailable:
    loadings, psi = values
    if not psi.any():
        return NotAvailable(IMPROPER)
    value = float(omega_of(loadings, psi))
    slope = omega_slopes(loadings, psi)
    se = float(np.sqrt(slope @ covariance @ slope))
    return LevelOmega(value, se, Estimate(value, se, loadings, psi, METHOD).interval(*how), n)


def _frame(
    items: pd.DataFrame | Responses, unit: str | pd.Series, columns: str | Sequence[str] | None
) -> tuple[pd.DataFrame, pd.Series]:
    if isinstance(items, Responses):
        return pick_items(items, columns), items.people["unit"].fillna("").astype(str)
    if isinstance(unit, str):
        if unit not in items.columns:
            raise DataError(Problem("the data have no such column", column=unit))
        where, rest = items[unit], items.drop(columns=unit)
    else:
        where, rest = unit.reindex(items.index), items
    return pick_items(rest, columns), where.astype(object).where(where.notna(), "").astype(str)


def _notes(names: pd.Index, held: NDArray[np.bool_]) -> tuple[str, ...]:
    return tuple(
        f"unique variances {level} units held at zero, as they would be negative: {', '.join(names[row])}"
        for level, row in zip(("within", "between"), held, strict=True)
        if row.any()
    )
