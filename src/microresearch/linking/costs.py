"""Do units that score higher cost less? A gamma model with log link, and its answer in money."""

from collections.abc import Sequence
from typing import Literal

from microresearch.errors import DataError, Problem, SpecError
from microresearch.linking.cells import Cells
from microresearch.linking.estimates import LinkedEstimates
from microresearch.linking.ledger import COST
from microresearch.linking.outcomes import link_outcome
from microresearch.units.score_table import UnitScores


def link_cost(
    scores: UnitScores,
    cells: Cells,
    outcome: str = COST,
    model: Literal["auto", "gamma", "gamma mixed", "two-part", "tweedie", "poisson", "ols"] = "auto",
    hospital: Literal["within"] | None = "within",
    covariates: Sequence[str] | None = None,
    characteristics: Sequence[str] | None = None,
    confidence: float = 0.95,
    plan_hash: str = "",
    role: str = "",
    power: float | None = None,
) -> LinkedEstimates:
    """The slope of cost on each characteristic: log ratio per SD, and money per stay by recycled predictions.

    The effect in money (`effect_currency`) is the mean over the stays of the difference in expected cost when their
    unit's score rises by one true SD within hospitals, all else as observed; its interval follows by the delta method
    from the CR2 covariance, with the Satterthwaite df of that linear combination. Given the patients and tau.

    Parameters
    ----------
    outcome : str
        Name of an outcome of kind cost in `cells`; the summed cost lines are "cost".
    model : "auto", "gamma", "gamma mixed", "two-part", "tweedie", "poisson" or "ols"
        Declared, not chosen after seeing outcomes; "auto" is "gamma". "two-part", where stays cost nothing, is the
        total of `link_two_part`. The others stand beside it as checks; "tweedie", "poisson" (quasi-likelihood) and
        "ols" take stays that cost nothing.
    scores, cells, hospital, covariates, characteristics, confidence, plan_hash, role, power
        As in `link_outcome`.

    Raises
    ------
    DataError
        Stays that cost nothing: a gamma model has no place for them, and their share is part of the answer. No such
        stays: then two parts are one too many.
    SpecError
        The outcome is no cost, or as in `link_outcome`.

    References
    ----------
    Manning & Mullahy (2001), J Health Econ 20, 461-494; Basu & Rathouz (2005), Biostatistics 6, 93-109.
    """
    declared = cells.outcome(outcome)
    if declared.kind != "cost":
        raise SpecError(
            Problem("this outcome is no cost", column=outcome, mend='declare its kind as "cost", or use link_outcome')
        )
    zeros, n = int(cells.table[f"{outcome}_zeros"].sum()), int(cells.table[f"{outcome}_n"].sum())
    chosen = "gamma" if model == "auto" else model
    if zeros and chosen in ("gamma", "gamma mixed"):
        what = f"{zeros} of {n} stays cost nothing, which a {chosen} model cannot hold"
        raise DataError(Problem(what, column=outcome, mend='declare model = "two-part", or exclude them by a rule'))
    if not zeros and chosen == "two-part":
        raise DataError(Problem("every stay costs something", column=outcome, mend='declare model = "gamma"'))
    return link_outcome(
        scores, cells, outcome, chosen, hospital, covariates, characteristics, confidence, plan_hash, role, power=power
    )
