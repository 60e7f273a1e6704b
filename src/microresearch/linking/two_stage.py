"""Does the score explain what case mix leaves of the units? Unit effects first, then their regression on the score."""

from functools import lru_cache

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit

from microresearch.errors import ConvergenceError
from microresearch.linking.design import Array, Design
from microresearch.linking.slope import Slope
from microresearch.numeric.glm import Separation
from microresearch.numeric.meta import meta_regression
from microresearch.numeric.unit_effects import UnitEffects, unit_effects

FAMILIES = {"continuous": "gaussian", "count": "poisson", "binary": "binomial", "cost": "gamma"}
"""The family of each kind of outcome whose units have effects."""


@lru_cache(maxsize=16)
def first_stage(design: Design, family: str) -> UnitEffects:
    """Unit effects of a design's outcome, case mix adjusted within units; the same for every score, so kept.

    Costs of which some are zero take Poisson quasi-likelihood in place of gamma: the same log link, and zeros.
    """
    if family == "gamma" and design.zeros is not None and design.zeros.any():
        family = "poisson"
    mix = design.x[:, design.n_between :]
    try:
        return unit_effects(family, mix, design.n, design.total, design.unit, design.squares)
    except Separation as error:
        named = ", ".join(design.names[design.n_between + j] for j in error.columns)
        raise ConvergenceError(f"separation: no finite slope for {named} within units; merge levels.") from None


def by_case_mix(design: Design, family: str) -> Array:
    """What case mix alone predicts of each cell, on the link scale: slopes from within units, one intercept for all.

    The intercept is solved so that expected outcomes sum to the observed ones. Like patients get the same number to
    the last digit, whatever their unit.
    """
    slopes = first_stage(design, family)
    patterns, which = np.unique(design.x[:, design.n_between :] - slopes.centre, axis=0, return_inverse=True)
    base = (patterns @ slopes.slopes)[which.ravel()]
    total = float(design.total.sum())
    if family == "gaussian":
        return base + (total - float(design.n @ base)) / float(design.n.sum())
    if family != "binomial":
        return base + np.log(total / float(design.n @ np.exp(base)))

    def surplus(intercept: float) -> float:
        return float(design.n @ expit(intercept + base)) - total

    return base + brentq(surplus, -60.0, 60.0, xtol=1e-13)


def unit_rows(design: Design, x: Array) -> Array:
    """The columns of `x` that are constant within units (the score last), one row a unit."""
    first = np.unique(design.unit, return_index=True)[1]
    return np.column_stack([x[first, : design.n_between], x[first, -1]])


def two_stage(design: Design, x: Array, step: float) -> Slope:
    """Log odds ratio of an event per `step` of the score, and the risk difference by recycled predictions.

    First a logistic model with a fixed effect a unit and case-mix slopes from within units (a unit without events, or
    with nothing else, by Firth's penalty), then the random-effects regression of these effects on hospitals, unit
    covariates and score, with the effects' whole sampling covariance, REML and Knapp & Hartung's t with units less
    unit-level coefficients df. The risk difference takes the patients and the units' risks as they are.

    Raises
    ------
    DataError, ConvergenceError
        As `unit_effects` and `meta_regression`.
    """
    effects = first_stage(design, "binomial")
    fit = meta_regression(effects.effect, effects.cov, unit_rows(design, x))
    estimate, se = step * float(fit.beta[-1]), step * float(np.sqrt(fit.cov[-1, -1]))
    eta = effects.effect[design.unit] + (design.x[:, design.n_between :] - effects.centre) @ effects.slopes
    weight = design.n / design.n.sum()
    risk, higher = 1 / (1 + np.exp(-eta)), 1 / (1 + np.exp(-eta - estimate))
    absolute, rate = float(weight @ (higher - risk)), float(weight @ (higher * (1 - higher)))
    notes = []
    if effects.firth.any():
        notes.append(f"{int(effects.firth.sum())} units have no events, or nothing else: Firth's penalty")
    if fit.boundary:
        notes.append("the variance between units beyond chance was estimated as zero")
    latent = fit.tau2 / (fit.tau2 + np.pi**2 / 3)
    return Slope(estimate, se, float(fit.df), absolute, rate * se, float(fit.df), latent, "; ".join(notes))
