"""Do hospitals whose units score higher have better outcomes? A contrast of few hospitals, shown apart from units'."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from microresearch.errors import DataError, Problem, SpecError
from microresearch.linking.cells import Cells
from microresearch.linking.design import build
from microresearch.linking.permutation import FAMILIES
from microresearch.linking.two_stage import first_stage
from microresearch.results import tidy
from microresearch.units.score_table import UnitScores

FEWEST = 5
"""Below this number of hospitals with a score and an outcome a line through them says nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class BetweenHospitals:
    """Slopes of hospital means of an outcome on hospital means of scores: ecological, a point a hospital.

    Attributes
    ----------
    outcome, scale : str
    rows : tuple of (characteristic, slope per SD, se, p)
        Per true SD between units within hospitals, so that it stands beside the contrast within.
    n_hospitals : int
    confidence : float
    """

    outcome: str
    scale: str
    rows: tuple[tuple[str, float, float, float], ...]
    n_hospitals: int
    confidence: float

    def to_frame(self) -> pd.DataFrame:
        """Columns term, group (outcome), estimate, se, ci_low, ci_high, df, p, n (hospitals), note."""
        df = self.n_hospitals - 2
        half = float(stats.t.ppf(0.5 + self.confidence / 2, df))
        note = "between hospitals, raw means: not adjusted for what else differs between hospitals"
        return tidy(
            [{"term": name, "group": self.outcome, "estimate": slope, "se": se, "ci_low": slope - half * se,
              "ci_high": slope + half * se, "df": df, "p": p, "n": self.n_hospitals, "note": note}
             for name, slope, se, p in self.rows],
            extra=("note",),
        )  # fmt: skip


def between_hospitals(scores: UnitScores, cells: Cells, outcome: str, confidence: float = 0.95) -> BetweenHospitals:
    """Regress hospital means of case-mix adjusted unit effects on hospital means of raw unit means, equal weights.

    Parameters
    ----------
    scores, cells : UnitScores, Cells
        Scores with hospitals.
    outcome : str
        With a declared kind.

    Raises
    ------
    SpecError
        Scores without hospitals, or an outcome without a kind that has unit effects.
    DataError
        Fewer than five hospitals.

    References
    ----------
    Raudenbush & Bryk (2002), Hierarchical Linear Models, pp. 137-141: the slopes within and between are two questions.
    """
    kind = cells.outcome(outcome).kind
    if not scores.design.by_hospital or kind not in FAMILIES:
        raise SpecError(
            Problem("a contrast between hospitals needs scores with hospitals, and unit effects", column=outcome)
        )
    rows: list[tuple[str, float, float, float]] = []
    n = 0
    taus = scores.components["tau"].to_numpy(float).tolist()
    for name, tau in zip(scores.components["characteristic"], taus, strict=True):
        table = scores.table[(scores.table["characteristic"] == name) & scores.table["mean"].notna()]
        table = table.set_index("unit")
        design = build(cells, outcome, list(table.index), scores.design, True)
        means = pd.DataFrame({"y": first_stage(design, FAMILIES[kind]).effect,
                              "x": table.loc[list(design.units), "mean"].to_numpy(float)})  # fmt: skip
        means = means.groupby(np.array(design.hospitals)).mean()
        n = len(means)
        if n < FEWEST:
            raise DataError(Problem(f"{n} hospitals are too few for a line through them", allowed=f"{FEWEST} or more"))
        line = stats.linregress(means["x"], means["y"])
        rows.append((str(name), float(line.slope) * tau, float(line.stderr) * tau, float(line.pvalue)))
    scale = {"continuous": "points per SD", "binary": "log odds ratio per SD"}.get(kind, "log ratio per SD")
    return BetweenHospitals(outcome, scale, tuple(rows), n, confidence)
