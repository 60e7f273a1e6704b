"""How sure are the effects on a cost with zeros? Both parts fitted again to other draws of units, scores and all."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from microresearch.errors import DataError, MicroresearchError, Problem, SpecError
from microresearch.linking.bootstrap import BootstrapEffects, drawn_scores, gather, refuse_to_draw, studentised
from microresearch.linking.cells import Cells
from microresearch.linking.design import Array, Design, build
from microresearch.linking.ledger import COST
from microresearch.linking.two_part import expected_cost
from microresearch.numeric.glm import Family, GlmFit, fit_glm
from microresearch.numeric.moments import GroupMoments
from microresearch.units.score_table import UnitScores

PARTS = ("any use", "cost if used", "total", "total in money")
"""Log odds ratio of costing anything; log ratio of the cost of stays that cost something; log ratio and difference, in
currency, of the expected cost of a stay."""


def bootstrap_two_part(
    ratings: pd.DataFrame,
    scores: UnitScores,
    cells: Cells,
    outcome: str = COST,
    n_boot: int = 499,
    seed: int = 1,
    characteristics: Sequence[str] | None = None,
    confidence: float = 0.95,
    workers: int | None = None,
) -> BootstrapEffects:
    """The two-part model of `link_two_part` with bootstrap-t intervals, for each part and both together.

    Every draw takes units within hospitals (rescaled, Rao & Wu 1988), re-estimates the ratings' variance components and
    the empirical-Bayes scores, fits both parts to the drawn units' cells and predicts anew. Errors within a draw, by
    which it is studentised, are plain cluster-robust ones, of the whole data too.

    Parameters
    ----------
    ratings, scores, cells, n_boot, seed, characteristics, confidence, workers
        As `bootstrap_effects`.
    outcome : str
        An outcome of kind cost; the cells say how many stays cost nothing.

    Returns
    -------
    BootstrapEffects
        Its outcomes are "any use", "cost if used", "total" (logs) and "total in money" (per stay), per true SD.

    Raises
    ------
    SpecError
        As `bootstrap_effects`; the outcome is no cost.
    DataError
        Ratings that are not those of the scores; no stay costs nothing, or none costs something.

    References
    ----------
    Belotti, Deb, Manning & Norton (2015), Stata Journal 15, 3-20; Hall (1988), Ann Stat 16, 927-953 (bootstrap-t);
    Rao & Wu (1988), J Am Stat Assoc 83, 231-241.
    """
    if cells.outcome(outcome).kind != "cost":
        raise SpecError(Problem("this outcome is no cost", column=outcome, mend='declare its kind as "cost"'))
    refuse_to_draw(n_boot, scores)
    if not cells.table[f"{outcome}_zeros"].sum():
        raise DataError(Problem("every stay costs something", column=outcome, mend="use bootstrap_effects"))
    names = tuple(scores.characteristics if characteristics is None else characteristics)
    units = scores.design.units
    design = build(cells, outcome, list(units), scores.design, scores.design.by_hospital)
    known = gather(ratings, scores, cells, (), names)
    strata = np.asarray(known.strata, np.intp)
    at = np.asarray(units.get_indexer(pd.Index(design.units)), np.intp)
    under = TwoPartDraws(known.ratings, known.covariates, strata, at, design)
    estimate, se, draws, t = studentised(under, strata, n_boot, seed, workers)
    return BootstrapEffects(PARTS, names, estimate, se, draws, t, confidence, seed, len(strata))


@dataclass(frozen=True, slots=True, eq=False)
class TwoPartDraws:
    """All that a draw needs; called with weights of units, it fits both parts under each of them."""

    ratings: tuple[GroupMoments, ...]
    covariates: Array
    strata: NDArray[np.intp]
    at: NDArray[np.intp]  # the place of each of the design's units among those of the ratings
    design: Design

    def __call__(self, weights: Array) -> tuple[Array, Array]:
        """Effects per SD and their errors under every weighting, shapes (parts, characteristics, draws)."""
        estimate = np.full((len(PARTS), len(self.ratings), len(weights)), np.nan)
        se = estimate.copy()
        for j, rated in enumerate(self.ratings):
            eb, tau = drawn_scores(rated, self.covariates, self.strata, weights)
            for b in np.flatnonzero(~np.isnan(tau)):
                score = np.where(rated.n > 0, eb[b], np.nan)
                found = _both(self.design, weights[b][self.at], score[self.at], float(tau[b]))
                if found is not None:
                    estimate[:, j, b], se[:, j, b] = found
        return estimate, se


def _both(design: Design, weight: Array, score: Array, step: float) -> tuple[Array, Array] | None:
    """Estimates and errors of `PARTS` with units weighted, scores given; None where a part has no finite estimate."""
    own = weight[design.unit]
    kept = np.flatnonzero((own > 0) & np.isfinite(score[design.unit]))
    assert design.zeros is not None
    x = np.column_stack([design.x[kept], score[design.unit[kept]]])
    x = x[:, np.any(x != 0, axis=0)]  # hospitals of which no unit was drawn
    n, unit, own = design.n[kept], design.unit[kept], own[kept]
    used = n - design.zeros[kept]
    some = used > 0
    if np.linalg.matrix_rank(x[some]) < x.shape[1]:
        return None
    try:
        first = _part(x, n, used, own, unit, len(weight), "binomial")
        second = _part(x[some], used[some], design.total[kept][some], own[some], unit[some], len(weight), "gamma")
    except MicroresearchError:
        return None
    stays = own * n
    together = expected_cost(first[0], second[0], stays / stays.sum(), x, step)
    last = np.zeros(x.shape[1])
    last[-1] = step
    pairs = ((last, 0 * last), (0 * last, last), together.ratio_gradient, together.difference_gradient)
    shares = np.stack([one @ first[1] + two @ second[1] for one, two in pairs])
    estimates = [step * first[0].beta[-1], step * second[0].beta[-1], together.ratio, together.difference]
    return np.array(estimates), np.sqrt((shares**2) @ weight)


def _part(
    x: Array, n: Array, total: Array, own: Array, unit: NDArray[np.intp], units: int, family: Family
) -> tuple[GlmFit, Array]:
    """One part fitted to weighted units, and what one copy of each unit moves its coefficients by (p, units)."""
    fit = fit_glm(x, own * n, own * total, family)
    scores = np.zeros((units, x.shape[1]))
    np.add.at(scores, unit, x * (fit.slope / fit.variance * (total - n * fit.mu))[:, None])
    return fit, np.asarray(np.linalg.solve(fit.information, scores.T), float)
