"""Does the declared family fit the costs? The modified Park test and the link test, from cells."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from microresearch.errors import Problem, SpecError
from microresearch.linking.cells import Cells
from microresearch.linking.design import build
from microresearch.linking.ledger import COST
from microresearch.numeric.clusters import cr2_glm
from microresearch.numeric.glm import fit_glm
from microresearch.results import tidy
from microresearch.units.score_table import UnitScores


@dataclass(frozen=True, slots=True)
class CostChecks:
    """Two checks of a gamma model with log link; they describe, and the declared model stays.

    Attributes
    ----------
    park, link : tuple of (estimate, se, df)
        Power of the mean in the variance (2 is gamma's, 1 Poisson's, between them a Tweedie model's, 0 constant), and
        coefficient of the squared linear predictor (0 where the log link fits), with CR2 errors.
    n_units, n_patients : int
    confidence : float
    """

    park: tuple[float, float, float]
    link: tuple[float, float, float]
    n_units: int
    n_patients: int
    confidence: float = 0.95

    def to_frame(self) -> pd.DataFrame:
        """Rows term, estimate, se, ci_low, ci_high, df, p (Park: of 2; link: of 0), n."""
        rows = []
        for term, null, (estimate, se, df) in (
            ("modified Park: power of the mean in the variance (gamma: 2)", 2.0, self.park),
            ("link test: squared predictor (log link: 0)", 0.0, self.link),
        ):
            half = float(stats.t.ppf(0.5 + self.confidence / 2, df)) * se
            p = float(2 * stats.t.sf(abs(estimate - null) / se, df))
            rows.append({"term": term, "estimate": estimate, "se": se, "df": df, "ci_low": estimate - half,
                         "ci_high": estimate + half, "p": p, "n": self.n_patients})  # fmt: skip
        return tidy(rows)


def cost_checks(scores: UnitScores, cells: Cells, outcome: str = COST, confidence: float = 0.95) -> CostChecks:
    """Modified Park and link test of the gamma model of a cost on hospitals, unit covariates and case mix.

    Without a score, so that one pair of checks serves every characteristic and none is chosen by its effect. Of the
    stays that cost something, which is the second part of a two-part model.

    Parameters
    ----------
    scores : UnitScores
        Their units, hospitals and covariates.
    outcome : str
        Of kind cost.

    Raises
    ------
    SpecError
        The outcome is no cost.

    References
    ----------
    Manning & Mullahy (2001), J Health Econ 20, 461-494, section 4 (Park); Pregibon (1980), Appl Stat 29, 15-24 (link).
    """
    if cells.outcome(outcome).kind != "cost":
        raise SpecError(Problem("this outcome is no cost", column=outcome, mend='declare its kind as "cost"'))
    rated = scores.table.loc[scores.table["mean"].notna(), "unit"].unique()
    design = build(cells, outcome, list(rated), scores.design, scores.design.by_hospital)
    used = design.n - design.zeros if design.zeros is not None else design.n
    some = used > 0
    n, sums, mix = used[some], design.total[some], design.x[some]
    unit = np.unique(design.unit[some], return_inverse=True)[1]
    fit = fit_glm(mix, n, sums, "gamma")
    eta = mix @ fit.beta
    squared = design.squares[some] - 2 * fit.mu * sums + n * fit.mu**2
    found = []
    for total, columns in ((squared, (eta,)), (sums, (eta, eta**2))):
        x = np.column_stack([np.ones(len(eta)), *columns])
        again = fit_glm(x, n, total, "gamma")
        robust = cr2_glm(x, n, total, again, unit)
        last = np.eye(x.shape[1])[-1]
        found.append((float(again.beta[-1]), float(np.sqrt(robust.cov[-1, -1])), robust.df(last)))
    return CostChecks(found[0], found[1], int(unit.max()) + 1, int(n.sum()), confidence)
