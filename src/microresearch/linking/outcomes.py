"""Do units that score higher have better outcomes? One characteristic at a time, within hospitals, adjusted."""

from collections.abc import Sequence
from typing import Literal

from microresearch.errors import Problem, SpecError
from microresearch.linking.cells import Cells, Outcome
from microresearch.linking.design import left_out
from microresearch.linking.estimates import LinkedEstimates, adjust_family
from microresearch.linking.identifiers import check_units
from microresearch.linking.link import Linker
from microresearch.linking.slope import Model
from microresearch.linking.variance_power import check_power
from microresearch.numeric.clusters import Errors
from microresearch.units.score_table import UnitScores

MODELS: dict[str, Model] = {
    "continuous": "mixed", "count": "poisson", "binary": "binomial", "cost": "gamma", "rate": "poisson"
}  # fmt: skip
"""What "auto" takes. Binary: under true nulls with 40 unbalanced units in 8 hospitals CR2 rejected 5 % of 1,000 runs,
the two-stage model 8 % and adaptive quadrature 11 %, so the model that holds its level is the default
(benchmarks/calibrate/linked.csv)."""
SCALES: dict[Model, str] = {
    "mixed": "points per SD", "poisson": "log ratio per SD", "binomial": "log odds ratio per SD",
    "gamma": "log ratio per SD", "two-stage": "log odds ratio per SD", "quadrature": "log odds ratio per SD",
    "any use": "log odds ratio per SD", "cost if used": "log ratio per SD", "two-part": "log ratio per SD",
    "ols": "points per SD", "tweedie": "log ratio per SD", "gamma mixed": "log ratio per SD",
    "negative binomial": "log ratio per SD",
}  # fmt: skip


def link_outcome(
    scores: UnitScores,
    cells: Cells,
    outcome: str,
    model: Literal["auto"] | Model = "auto",
    hospital: Literal["within"] | None = "within",
    covariates: Sequence[str] | None = None,
    characteristics: Sequence[str] | None = None,
    confidence: float = 0.95,
    plan_hash: str = "",
    role: str = "",
    errors: Errors = "CR2",
    power: float | None = None,
) -> LinkedEstimates:
    """The slope of an outcome on each characteristic of the unit, per true SD within hospitals, naive and corrected.

    Adjusted for the unit covariates of `scores` (its shrinkage conditions on the same) and the case mix of `cells`.
    The corrected slope regresses on empirical-Bayes scores and estimates the marginal slope on the true score; the
    naive one regresses on raw unit means, which shrinks it by about their reliability. Intervals of corrected effects
    hold what the raters leave open of reliability and tau (`scaled_interval`); tests, df and naive intervals take
    them as known: correction changes the size of an effect, hardly its test.

    Parameters
    ----------
    scores : UnitScores
    cells : Cells
    outcome : str
        Name of an outcome of `cells`.
    model : "auto", "mixed", "ols", "poisson", "negative binomial", "binomial", "gamma", "gamma mixed", "tweedie", \
"two-stage" or "quadrature"
        "mixed": random unit intercept by REML, Satterthwaite df. "poisson" (quasi-likelihood, log link), "binomial"
        (logit) and "gamma" (log link): regression with CR2 and Satterthwaite df, units as clusters. "two-stage": case
        mix within units, then Knapp-Hartung regression of the units' log odds. "quadrature": logistic mixed model by
        adaptive quadrature, t with units less unit-level coefficients. Beside them: "ols" (least squares), "tweedie"
        (log link, variance mu^power, takes zeros), both with CR2; "gamma mixed" and "negative binomial" (random
        intercepts by Laplace, t with units less unit-level coefficients). For costs with zeros see `link_two_part`;
        for counts with an exposure `read_unit_months`. "auto" goes by the declared kind: continuous mixed, count and
        rate Poisson, cost gamma, binary binomial (the one of the three that holds its level with few units).
    hospital : "within" or None
        Fixed effects of the scores' hospitals, where the scores have them. None: the contrast is between all units;
        scores that were made within hospitals then give the naive effect alone.
    covariates : sequence of str, optional
        To say them again: they must be those of `scores`, or the correction would not be one.
    characteristics : sequence of str, optional
        Which ones, by default all; they are the family of Holm's adjustment (see `adjust_family` for a wider one).
    plan_hash, role : str
        Stand with every estimate.
    errors : "CR2" or "CR3"
        Of the models with clusters; CR3 (the jackknife) as a check, it errs on the wide side.
    power : float, optional
        Variance power of the "tweedie" model, above 1 and below 2. By default estimated (see `tweedie_power`), without
        a score so that it is the same for every characteristic; an estimate at the bounds gives no effect but the
        reason. `to_frame` says which power was used (variance_power) and how it was had (note).

    Returns
    -------
    LinkedEstimates

    Raises
    ------
    DataError
        No unit in both, unit ids that differ only in case or padding, an outcome that the model does not allow.
    SpecError
        An unknown outcome or characteristic, "auto" for an outcome without a kind, hospitals that scores do not have,
        a power that no Tweedie model has or that another model would not use.
    ConvergenceError
        A model without an estimate (separation, a gradient that is not zero).

    Notes
    -----
    With fewer than 20 units there is an estimate without standard error, interval or p. The correction is refused,
    with the reason, where the scores say so: a mean reliability below .5 with fewer than 40 units, an interval of the
    variance between units that reaches zero, no raters. Of studies with ICC(1) .05, 40 units and covariates that
    explain half the score's variance, half are refused so, and in the others reliability is overestimated by chance:
    their corrected effects are a tenth too small, within their intervals (benchmarks/calibrate/linked_rated.csv).

    References
    ----------
    Regression calibration: Carroll, Ruppert, Stefanski & Crainiceanu (2006), Measurement Error in Nonlinear Models,
    2nd ed., chapter 4. Small samples: Kuznetsova et al. (2017); Pustejovsky & Tipton (2018).
    """
    declared = cells.outcome(outcome)
    chosen = _model(declared, model)
    check_power(chosen, power)
    wanted = _characteristics(scores, characteristics)
    if covariates is not None and set(covariates) != set(scores.covariates):
        mend = "make the scores with them: unit_scores(..., covariates=...)"
        raise SpecError(Problem("covariates differ from those of the scores", "", column="covariates", mend=mend))
    check_units(cells.units, scores.design.units, "the extract", "unit", closed=False)
    within = hospital is not None and scores.design.by_hospital
    rows = Linker(scores, cells, declared.name, chosen, within, confidence, errors, power).rows(wanted)
    rated = scores.table["mean"].notna() & scores.table["characteristic"].isin(wanted)
    scored = sorted(set(scores.table.loc[rated, "unit"].astype(str)))
    cost = declared.kind == "cost"
    scale = f"{cells.currency or 'money'} per SD" if cost and chosen == "ols" else SCALES[chosen]
    made = LinkedEstimates(
        outcome, chosen, scale, rows, left_out(cells, outcome, scored, list(scores.design.units)), confidence,
        within, cells.currency, cells.price_year, plan_hash, role, cost,
    )  # fmt: skip
    return adjust_family([made])[0]


def _characteristics(scores: UnitScores, wanted: Sequence[str] | None) -> list[str]:
    known = scores.characteristics
    if strange := [c for c in wanted or () if c not in known]:
        allowed = ", ".join(known)
        raise SpecError([Problem("the scores have no such characteristic", column=c, allowed=allowed) for c in strange])
    return known if wanted is None else list(wanted)


def _model(outcome: Outcome, model: str) -> Model:
    if model == "auto":
        if not outcome.kind:
            raise SpecError(
                Problem("this outcome has no declared kind", column=outcome.name, allowed=", ".join(MODELS))
            )
        return MODELS[outcome.kind]
    for known in SCALES:
        if model == known:
            return known
    raise SpecError(
        Problem("there is no such model", column="model", value=model, allowed=", ".join(("auto", *SCALES)))
    )
