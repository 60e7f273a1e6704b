"""What is a unit's score, as a value: the table that flows from the units to the outcomes."""

from dataclasses import dataclass, field

import pandas as pd

from microresearch.results import tidy
from microresearch.units.covariates import UnitDesign


@dataclass(frozen=True, slots=True, eq=False)
class UnitScores:
    """Scores of units on characteristics; private where a unit has few raters.

    Attributes
    ----------
    table : DataFrame
        A row per unit and characteristic: `unit`, `characteristic`, `mean` (of the raters' scores), `eb` (empirical
        Bayes: expected true score given the raters, the hospital and the covariates), `eb_se` (its prediction error),
        `reliability` (of the mean, within hospitals), `shrinkage` (weight of the mean in `eb`), `n_raters`, `hospital`;
        with a roster `n_roster` and `response_rate` (RR2). Units given without raters have `mean` alone.
    components : DataFrame
        A row per characteristic: `tau` (true SD between units within hospitals, covariates not held constant) with
        `tau_low` and `tau_high`, `tau2_residual` (variance left given the covariates), `sigma2` (between raters of a
        unit), `icc1`, `icc1_low`, `icc1_high` (within hospitals), `icc2` (reliability of a mean of the average number
        of raters), `reliability` and `shrinkage` (means over units), `n_units`, `n_hospitals`, `n_staff`, `converged`,
        `correctable` (whether a slope on `eb` may be reported), `note`.
    design : UnitDesign
        Hospitals and coded covariates that the empirical-Bayes scores rest on: a second stage must hold the same.
    estimand, population : str
        What a person's score is; whose mean the true score is.
    confidence : float
        Level of the intervals.
    method, notes : str, tuple of str
    factors : DataFrame
        A row per characteristic that can be corrected, and a column per equally likely value of its variance ratio:
        what a corrected effect per true SD would be multiplied by (see `scale_factors`). Intervals are mixed over them.
    """

    table: pd.DataFrame
    components: pd.DataFrame
    design: UnitDesign
    estimand: str
    population: str
    confidence: float
    method: str
    notes: tuple[str, ...] = ()
    factors: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def covariates(self) -> tuple[str, ...]:
        """Names of the unit-level covariates behind the empirical-Bayes scores."""
        return self.design.covariates

    @property
    def characteristics(self) -> list[str]:
        """Codes, in order."""
        return self.components["characteristic"].tolist()

    def wide(self, value: str = "eb") -> pd.DataFrame:
        """One column of the table as units x characteristics."""
        return self.table.pivot(index="unit", columns="characteristic", values=value)[self.characteristics]

    def to_frame(self) -> pd.DataFrame:
        """Tidy: term characteristic, group unit, estimate EB score (the mean where units came without raters)."""
        shrunk = "eb" in self.table
        rows = [
            {"term": row["characteristic"], "group": row["unit"], "estimate": row["eb" if shrunk else "mean"]}
            | ({"se": row["eb_se"], "n": row["n_raters"]} if shrunk else {})
            for row in self.table.to_dict("records")
        ]
        return tidy(rows)
