"""Who were the patients whose case mix is missing? Cells completed by multiple imputation within units."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from microresearch.errors import DataError, Problem, SpecError
from microresearch.linking.bootstrap import FAMILIES
from microresearch.linking.casemix import Stratum, dummies
from microresearch.linking.cells import Cells
from microresearch.linking.design import Array
from microresearch.numeric.chains import r_hat
from microresearch.numeric.pattern_chain import Drawn, PatternTask, draw_outcomes, run_pattern_chain
from microresearch.parallel import map_seeded

LEAST = 20
SETTLED = 1.2


@dataclass(frozen=True, slots=True, eq=False)
class CellImputations:
    """Completed cells of one outcome.

    Attributes
    ----------
    outcome : str
    cells : tuple of Cells, length m
        What was observed is the same in all of them; their strata are those of the analysis.
    n_imputed, n_outcomes : int
        Stays whose case mix was imputed, and whose outcome was.
    n_unlike : int
        Stays left out: no complete stay has what is known of them, or their unit has no outcome.
    largest_r_hat : float
        Of the shares of the imputed patterns' levels over chains (1 where nothing moves).
    converged : bool
    method : str
    """

    outcome: str
    cells: tuple[Cells, ...]
    n_imputed: int
    n_outcomes: int
    n_unlike: int
    largest_r_hat: float
    converged: bool
    method: str


@dataclass(frozen=True, slots=True, eq=False)
class _Laid:
    """Cells as arrays by unit and pattern, with the records that are not complete."""

    task: PatternTask
    units: tuple[str, ...]
    patterns: pd.DataFrame
    records: pd.DataFrame
    logs: Array
    zeros: Array
    unlike: int


def impute_cells(
    cells: Cells, outcome: str, m: int = 20, *, seed: int, iterations: int = 20, auxiliary: Sequence[str] = (),
    outcomes: bool = False, workers: int | None = None,
) -> CellImputations:  # fmt: skip
    """Multiple imputation of missing case mix for the analysis of one outcome, from cells.

    The missing variables of a stay are drawn jointly, given what is known of it: its unit, its other case mix and its
    outcome. Patients of a unit follow the unit's own mix, shrunk towards that of all; the outcome follows its
    regression on unit (fixed effects) and case mix, so that imputation and analysis agree. Only the stays that lack
    something are drawn one by one; the rest enter as sums.

    Parameters
    ----------
    cells : Cells
        From `read_encounters(..., keep_incomplete=True)`.
    outcome : str
    m, seed, iterations : int
        Data sets (20 or more), the seed, rounds of each chain.
    auxiliary : sequence of str
        Strata that serve the imputation and are no part of the analysis.
    outcomes : bool
        Whether missing outcomes are drawn too. Without auxiliary variables this adds noise and no information (von
        Hippel 2007), so stays without the outcome leave by default, as in the analysis of complete cases.
    workers : int, optional
        As `map_seeded`.

    Returns
    -------
    CellImputations

    Raises
    ------
    SpecError
        Fewer than 20 data sets, an unknown auxiliary stratum, an outcome without a kind or a rate.
    DataError
        Cells read without their incomplete stays, or costs of zero.
    ConvergenceError
        As `unit_effects`.

    References
    ----------
    von Hippel (2007), Sociological Methodology 37, 83-117. Others: `run_pattern_chain`.
    """
    kind = cells.outcome(outcome).kind
    if m < LEAST or iterations < 2 or kind not in FAMILIES:
        allowed = ", ".join(FAMILIES)
        raise SpecError(f"impute_cells takes m of {LEAST} or more, 2 or more iterations, outcomes of kind {allowed}.")
    if strange := sorted(set(auxiliary) - {s.name for s in cells.strata}):
        raise SpecError(Problem("the cells have no such stratum", column=strange[0]))
    laid = _lay(cells, outcome, FAMILIES[kind], iterations)
    chains = map_seeded(_Chain(laid, outcomes), [laid.task] * m, seed, workers)
    kept = tuple(s for s in cells.strata if s.name not in auxiliary)
    made = tuple(_assembled(cells, outcome, laid, *chain, kept) for chain in chains)
    rows = len(laid.records)
    trace = np.stack([drawn.trace for drawn, _ in chains])[:, iterations // 2 :]
    moved = [r_hat(trace[:, :, j]) for j in range(trace.shape[2])] if rows else []
    largest = max([1.0, *(value for value in moved if np.isfinite(value))])
    lacking = int((laid.task.n - laid.task.seen).sum() + np.isnan(laid.task.y).sum()) if outcomes else 0
    method = (
        f"data augmentation of case-mix patterns given unit and outcome, {iterations} rounds, m = {m}"
        + ("; missing outcomes given unit and case mix" if outcomes else "")
        + (f"; auxiliary: {', '.join(auxiliary)}" if auxiliary else "")
    )
    return CellImputations(outcome, made, rows, lacking, laid.unlike, largest, largest < SETTLED, method)


def incomplete_of(cells: Cells) -> pd.DataFrame:
    """The stays that lack case mix; DataError where the cells were read without them."""
    if cells.incomplete is None:
        mend = "read_encounters(..., keep_incomplete=True)"
        raise DataError(Problem("these cells were read without their incomplete stays", mend=mend))
    return cells.incomplete


def _lay(cells: Cells, outcome: str, family: str, rounds: int) -> _Laid:
    names = [s.name for s in cells.strata]
    table, extra = cells.table, incomplete_of(cells)
    if family == "gamma" and (table[f"{outcome}_zeros"].sum() or (extra[outcome] == 0).any()):
        raise DataError(Problem("costs of zero have two parts, which are not imputed here", column=outcome))
    units = tuple(sorted(set(table.loc[table[f"{outcome}_n"] > 0, "unit"])))
    table = table[table["unit"].isin(units)]
    patterns = table[names].drop_duplicates().sort_values(names, ignore_index=True) if names else pd.DataFrame([{}])
    at = (pd.Index(units).get_indexer(pd.Index(table["unit"])), _places(table[names], patterns))

    def laid(column: str) -> Array:
        out = np.zeros((len(units), len(patterns)))
        if column in table:
            np.add.at(out, at, table[column].to_numpy(np.float64))
        return out

    known = extra[names].drop_duplicates().reset_index(drop=True)
    allowed = np.ones((len(known), len(patterns)), bool)
    for name in names:
        given = known[name].to_numpy(object)[:, None]
        allowed &= pd.isna(given) | (given == patterns[name].to_numpy(object))
    kind = _places(extra[names], known)
    fits = np.asarray(allowed.any(axis=1))[kind] & extra["unit"].isin(units).to_numpy()
    records = extra[fits].assign(kind_=kind[fits])
    records = records.loc[records.index.repeat(records["n"])].reset_index(drop=True)
    task = PatternTask(
        family, dummies(patterns, cells.strata)[1], laid("n"), laid(f"{outcome}_n"), laid(f"{outcome}_sum"),
        laid(f"{outcome}_sumsq"), np.asarray(pd.Index(units).get_indexer(pd.Index(records["unit"])), np.intp), allowed,
        records["kind_"].to_numpy(np.intp), records[outcome].to_numpy(np.float64), rounds,
    )  # fmt: skip
    unlike = int(extra.loc[~fits, "n"].sum())
    return _Laid(task, units, patterns, records, laid(f"{outcome}_sumlog"), laid(f"{outcome}_zeros"), unlike)


def _places(rows: pd.DataFrame, known: pd.DataFrame) -> np.ndarray:
    """The place in `known` of every row; missing equals missing."""
    if not len(rows.columns):
        return np.zeros(len(rows), np.intp)
    keys = [pd.MultiIndex.from_frame(frame.astype(object).where(frame.notna(), "\0")) for frame in (known, rows)]
    return np.asarray(keys[0].get_indexer(keys[1]), np.intp)


@dataclass(frozen=True, slots=True, eq=False)
class _Chain:
    """A chain, and after it the missing outcomes where they are wanted: cell of each, and value."""

    laid: _Laid
    outcomes: bool

    def __call__(self, task: PatternTask, rng: np.random.Generator) -> tuple[Drawn, tuple[np.ndarray, Array]]:
        drawn = run_pattern_chain(task, rng)
        if not self.outcomes:
            return drawn, (np.empty(0, np.intp), np.empty(0))
        lost = np.isnan(task.y)
        flat = task.unit[lost] * task.n.shape[1] + drawn.pattern[lost]
        lacking = (task.n - task.seen).astype(np.int64).ravel()
        cell = np.concatenate([np.repeat(np.arange(len(lacking)), lacking), flat])
        return drawn, (cell, draw_outcomes(task.family, drawn.mean.ravel()[cell], drawn.dispersion, rng))


def _assembled(
    cells: Cells, outcome: str, laid: _Laid, drawn: Drawn, filled: tuple[np.ndarray, Array], kept: tuple[Stratum, ...]
) -> Cells:
    """The cells of one data set: complete stays, records in their drawn patterns, drawn outcomes."""
    task = laid.task
    units, patterns = task.n.shape
    seen = ~np.isnan(task.y)
    cell = task.unit * patterns + drawn.pattern
    where, y = np.concatenate([cell[seen], filled[0]]), np.concatenate([task.y[seen], filled[1]])

    def add(whole: Array, at: np.ndarray, weight: Array) -> Array:
        return whole.ravel() + np.bincount(at, weight, units * patterns)

    with np.errstate(divide="ignore"):
        logs = np.log(np.where(y > 0, y, 1.0))
    table = laid.patterns.loc[np.tile(np.arange(patterns), units)].reset_index(drop=True)
    table.insert(0, "unit", np.repeat(np.array(laid.units, object), patterns))
    table["n"] = add(task.n, cell, np.ones(len(cell)))
    parts = {"n": (task.seen, np.ones(len(y))), "sum": (task.total, y), "sumsq": (task.squares, y**2),
             "sumlog": (laid.logs, logs), "zeros": (laid.zeros, (y == 0) * 1.0)}  # fmt: skip
    for part, (whole, weight) in parts.items():
        table[f"{outcome}_{part}"] = add(whole, where, weight)
    keys = ["unit", *(s.name for s in kept)]
    table = table[table["n"] > 0].drop(columns=[c for c in laid.patterns if c not in keys])
    table = table.groupby(keys, sort=True, as_index=False).sum()
    return replace(cells, table=table, strata=kept, outcomes=(cells.outcome(outcome),), incomplete=None)
