"""Would the effects be the same had nothing been missing? Effects of completed data sets, pooled by Rubin's rules."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy import stats

from microresearch.errors import ConvergenceError, DataError, SpecError
from microresearch.linking.cells import Cells
from microresearch.linking.design import build
from microresearch.linking.estimates import Effect, LinkedEstimates
from microresearch.linking.imputed_cells import LEAST, CellImputations
from microresearch.linking.outcomes import link_outcome
from microresearch.linking.slope import Model
from microresearch.numeric.pivots import scaled_interval
from microresearch.results import Interval, NotAvailable, tidy
from microresearch.survey.pooling import Pooled, pool
from microresearch.units.score_table import UnitScores


@dataclass(frozen=True, slots=True)
class ImputedEffect:
    """One characteristic: its effect over all completed data sets, or why there is none.

    Attributes
    ----------
    pooled : Pooled or NotAvailable
    interval : Interval or None
        With what the raters leave open of reliability and tau, for a corrected effect.
    p : float or None
    estimand : str
        "corrected", or "naive" where a data set refuses the correction.
    """

    characteristic: str
    pooled: Pooled | NotAvailable
    interval: Interval | None = None
    p: float | None = None
    estimand: str = "corrected"


@dataclass(frozen=True, slots=True, eq=False)
class ImputedEffects:
    """Effects of every characteristic on one outcome over m completed data sets.

    Attributes
    ----------
    outcome, model, scale : str
    rows : tuple of ImputedEffect
    m : int
    most_df : int
        Cap of the df: units less unit-level coefficients.
    method : str
    """

    outcome: str
    model: str
    scale: str
    rows: tuple[ImputedEffect, ...]
    m: int
    most_df: int
    method: str

    def to_frame(self) -> pd.DataFrame:
        """A row a characteristic: term, group (outcome), estimate, se, ci_low, ci_high, df, p, fmi, estimand, note."""
        rows: list[dict[str, object]] = []
        for row in self.rows:
            said: dict[str, object] = {"term": row.characteristic, "group": self.outcome, "estimand": row.estimand}
            if isinstance(row.pooled, NotAvailable):
                rows.append(said | {"note": row.pooled.reason})
                continue
            said |= {"estimate": row.pooled.estimate, "se": row.pooled.se, "df": row.pooled.df, "p": row.p,
                     "fmi": row.pooled.fmi, "note": ""}  # fmt: skip
            if row.interval is not None:
                said |= {"ci_low": row.interval.low, "ci_high": row.interval.high}
            rows.append(said)
        return tidy(rows, extra=("fmi", "estimand", "note"))


def link_imputed(
    scores: Sequence[UnitScores],
    cells: Cells | CellImputations,
    outcome: str,
    model: Literal["auto"] | Model = "auto",
    hospital: Literal["within"] | None = "within",
    confidence: float = 0.95,
) -> ImputedEffects:
    """The effects of `link_outcome` in every completed data set, pooled by Rubin's rules.

    Parameters
    ----------
    scores : sequence of UnitScores
        One a data set, made from completed answers (`Imputations.completed`); or a single one where the scores lack
        nothing.
    cells : Cells or CellImputations
        Data set i of the cells goes with data set i of the scores.
    outcome, model, hospital, confidence
        As in `link_outcome`.

    Returns
    -------
    ImputedEffects
        Barnard and Rubin's df, which in complete data would be the model's own, at most units less unit-level
        coefficients. A corrected effect is pooled where every data set allows the correction; else the naive one.

    Raises
    ------
    SpecError
        Fewer than 20 data sets, or different numbers of them; imputations of another outcome.
    ConvergenceError
        The chains did not settle.
    DataError
        As `link_outcome`.
    """
    several = cells if isinstance(cells, CellImputations) else None
    m = max(len(scores), len(several.cells) if several else 1)
    if m < LEAST or len(scores) not in (1, m) or (several is not None and len(several.cells) not in (1, m)):
        raise SpecError(f"link_imputed takes {LEAST} or more data sets, of scores and cells the same number, or one.")
    if several is not None and several.outcome != outcome:
        raise SpecError(f"these cells were completed for the analysis of {several.outcome}.")
    if several is not None and not several.converged:
        why = f"R-hat up to {several.largest_r_hat:.2f}"
        raise ConvergenceError(f"the chains did not settle ({why}): take more rounds.")
    made = list(cells.cells) if isinstance(cells, CellImputations) else [cells]
    made = made * (m // len(made))
    sets = [scores[i % len(scores)] for i in range(m)]
    pairs = list(zip(sets, made, strict=True))
    found = [link_outcome(s, c, outcome, model, hospital, None, None, confidence) for s, c in pairs]
    most = min(_spare(s, c, outcome, found[0].within_hospitals) for s, c in pairs)
    rows = tuple(_pooled(j, found, sets, most, confidence) for j in range(len(found[0].rows)))
    method = f"Rubin's rules over {m} data sets, Barnard and Rubin's df from at most {most} complete-data df"
    return ImputedEffects(outcome, found[0].model, found[0].scale, rows, m, most, method)


def _spare(scores: UnitScores, cells: Cells, outcome: str, within: bool) -> int:
    """Units less unit-level coefficients."""
    rated = scores.table.loc[scores.table["mean"].notna(), "unit"].astype(str)
    design = build(cells, outcome, sorted(set(rated)), scores.design, within)
    return len(design.units) - design.n_between - 1


def _pooled(
    j: int, found: Sequence[LinkedEstimates], sets: Sequence[UnitScores], most: int, confidence: float
) -> ImputedEffect:
    name = found[0].rows[j].characteristic
    rows = [one.rows[j] for one in found]
    corrected = all(isinstance(row.corrected, Effect) for row in rows)
    effects = [row.corrected if corrected else row.naive for row in rows]
    estimand = "corrected" if corrected else "naive"
    tested = [e for e in effects if isinstance(e, Effect) and e.se is not None and e.df is not None]
    if len(tested) < len(effects):
        lost = len(effects) - len(tested)
        said = {e.reason if isinstance(e, NotAvailable) else e.note for e in effects if e not in tested}
        why = f"{lost} of {len(effects)} data sets have no test: {'; '.join(sorted(said))}"
        return ImputedEffect(name, NotAvailable(why), estimand=estimand)
    df = min(float(np.mean([e.df for e in tested if e.df is not None])), float(most))
    try:
        pooled = pool([e.estimate for e in tested], [e.se**2 for e in tested if e.se is not None], df, confidence)
    except DataError as error:
        return ImputedEffect(name, NotAvailable(str(error)), estimand=estimand)
    interval = pooled.interval
    if corrected and len(factors := _factors(sets, name)) > 1:
        low, high = scaled_interval(pooled.estimate, pooled.se, pooled.df, factors, confidence)
        interval = Interval(low, high, confidence, f"{interval.method}, mixed over the scores' variance ratio")
    p = float(2 * stats.t.sf(abs(pooled.estimate) / pooled.se, pooled.df))
    return ImputedEffect(name, pooled, interval, p, estimand)


def _factors(sets: Sequence[UnitScores], name: str) -> np.ndarray:
    """The scale factors of a characteristic over all data sets, each of them equally likely."""
    distinct = {id(s): s for s in sets}.values()
    tables = [s.factors[s.factors["characteristic"] == name].drop(columns="characteristic") for s in distinct]
    return np.concatenate([table.to_numpy(np.float64).ravel() for table in tables])
