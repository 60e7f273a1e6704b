"""What does it change to leave out patients whose case mix is missing? Complete cases beside all, imputed."""

from dataclasses import dataclass
from typing import cast

import pandas as pd

from microresearch.errors import ConvergenceError, DataError
from microresearch.linking.cells import Cells
from microresearch.linking.estimates import Effect, LinkedEstimate, LinkedEstimates
from microresearch.linking.imputed_cells import CellImputations, impute_cells, incomplete_of
from microresearch.linking.imputed_effects import ImputedEffect, ImputedEffects, link_imputed
from microresearch.linking.slope import Model
from microresearch.results import NotAvailable, tidy
from microresearch.units.score_table import UnitScores


@dataclass(frozen=True, slots=True)
class ImputedBeside:
    """Effects on one outcome from complete cases, and over completed data sets.

    Attributes
    ----------
    complete : LinkedEstimates
    imputed : ImputedEffects
    n_complete, n_lost, n_imputed : int
        Stays with the outcome: those that lack no case mix, those that complete cases lose, and those of the lost that
        were completed (no complete stay has what is known of the others, or their unit is in no model).
    method : str
        How case mix was drawn.
    """

    complete: LinkedEstimates
    imputed: ImputedEffects
    n_complete: int
    n_lost: int
    n_imputed: int
    method: str

    def to_frame(self) -> pd.DataFrame:
        """A row a characteristic: the pooled effect as `ImputedEffects.to_frame`, and that of complete cases.

        Of complete cases it is the same estimand: estimate_complete, se_complete, df_complete, ci_low_complete,
        ci_high_complete, p_complete; their reason joins `note`.
        """
        rows = {row.characteristic: row for row in self.complete.rows}
        pooled = self.imputed.to_frame().set_index("term", drop=False)
        found = []
        for row in self.imputed.rows:
            said = {str(k): v for k, v in pooled.loc[row.characteristic].dropna().items()}
            found.append(said | _complete(rows.get(row.characteristic), row, str(said.get("note", ""))))
        extra = ("fmi", "estimand", "estimate_complete", "se_complete", "df_complete", "ci_low_complete",
                 "ci_high_complete", "p_complete", "note")  # fmt: skip
        return tidy(found, extra=extra)


def _complete(row: LinkedEstimate | None, beside: ImputedEffect, note: str) -> dict[str, object]:
    """The effect of complete cases that stands beside a pooled one."""
    if row is None:
        return {"note": note}
    effect = row.corrected if beside.estimand == "corrected" else row.naive
    if not isinstance(effect, Effect):
        return {"note": "; ".join(part for part in (note, f"complete cases: {effect.reason}") if part)}
    found: dict[str, object] = {"estimate_complete": effect.estimate, "note": note}
    if effect.interval is not None:
        found |= {"se_complete": effect.se, "df_complete": effect.df, "p_complete": effect.p,
                  "ci_low_complete": effect.interval.low, "ci_high_complete": effect.interval.high}  # fmt: skip
    return found


def imputed_beside(
    scores: UnitScores,
    cells: Cells,
    complete: LinkedEstimates,
    m: int = 20,
    iterations: int = 20,
    *,
    seed: int,
    workers: int | None = None,
) -> ImputedBeside | NotAvailable:
    """The declared analysis again, with missing case mix imputed within units and effects pooled by Rubin's rules.

    Parameters
    ----------
    scores : UnitScores
    cells : Cells
        Read with their incomplete stays (`read_encounters(..., keep_incomplete=True)`).
    complete : LinkedEstimates
        What `link_outcome` or `link_cost` found for these scores and cells: its outcome, model and confidence count.
    m, iterations, seed, workers
        As `impute_cells`.

    Returns
    -------
    ImputedBeside or NotAvailable
        There is none where no stay with the outcome lacks case mix, where costs of zero have two parts, and where
        chains or a model did not settle; each with the reason.

    Raises
    ------
    SpecError
        As `impute_cells`.
    DataError
        Cells that were read without their incomplete stays.
    """
    name = complete.outcome
    rest = incomplete_of(cells)
    lost = int(rest.loc[rest[name].notna(), "n"].sum())
    if not lost:
        return NotAvailable("no stay with this outcome lacks case mix, so complete cases are all cases")
    within = "within" if complete.within_hospitals else None
    try:
        made = impute_cells(cells, name, m, seed=seed, iterations=iterations, workers=workers)
        found = link_imputed([scores], made, name, cast("Model", complete.model), within, complete.confidence)
    except (ConvergenceError, DataError) as error:
        return NotAvailable(str(error))
    n = int(cells.table[f"{name}_n"].sum())
    return ImputedBeside(complete, found, n, lost, _completed(cells, made), made.method)


def _completed(cells: Cells, made: CellImputations) -> int:
    """Stays with the outcome that the completed data sets hold and the complete cases do not."""
    seen = f"{made.outcome}_n"
    return int(made.cells[0].table[seen].sum()) - int(cells.table[seen].sum())
