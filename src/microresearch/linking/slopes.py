"""How does the outcome move with a unit's score? One slope, its uncertainty, its meaning on the outcome's scale."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from microresearch.errors import ConvergenceError
from microresearch.linking.design import Design
from microresearch.numeric.clusters import cr2_glm
from microresearch.numeric.glm import Family, Separation, fit_glm
from microresearch.numeric.mixed import fit_mixed, group_moments

Array = NDArray[np.float64]
Model = Literal["mixed", "poisson", "binomial", "gamma"]


@dataclass(frozen=True, slots=True)
class Slope:
    """A score's coefficient with its standard error and degrees of freedom, per `step` of the score.

    Attributes
    ----------
    estimate, se, df : float
        On the model's scale: outcome units, log ratio or log odds ratio.
    absolute, absolute_se, absolute_df : float or None
        Mean over the stays of the difference in expected outcome when their unit's score rises by `step`
        (recycled predictions), by the delta method; None where it is the estimate itself.
    icc : float or None
        Share of the adjusted variance between units, where the model has one.
    note : str
    """

    estimate: float
    se: float
    df: float
    absolute: float | None = None
    absolute_se: float | None = None
    absolute_df: float | None = None
    icc: float | None = None
    note: str = ""


def slope(design: Design, x: Array, model: Model, step: float) -> Slope:
    """The slope of the last column of `x` (from `Design.with_score`), per `step` score points.

    Raises
    ------
    DataError, ConvergenceError
        As `fit_mixed` and `fit_glm`; a separation names the columns.

    References
    ----------
    Average marginal effects and their delta-method variance: Basu & Rathouz (2005), Biostatistics 6, 93-109, section 3.
    """
    return _mixed(design, x, step) if model == "mixed" else _glm(design, x, model, step)


def _mixed(design: Design, x: Array, step: float) -> Slope:
    fit = fit_mixed(group_moments(x, design.n, design.total, design.squares, design.unit))
    contrast = np.zeros(x.shape[1])
    contrast[-1] = step
    df, note = fit.satterthwaite(contrast), ""
    if fit.boundary:
        df = min(df, float(len(design.units) - design.n_between - 1))
        note = "the variance between units was estimated as zero; df are units less unit-level coefficients"
    return Slope(float(contrast @ fit.beta), float(np.sqrt(contrast @ fit.cov @ contrast)), df, icc=fit.icc, note=note)


def _glm(design: Design, x: Array, family: Family, step: float) -> Slope:
    try:
        fit = fit_glm(x, design.n, design.total, family, design.squares)
    except Separation as error:
        named = ", ".join((*design.names, "the score")[j] for j in error.columns)
        raise ConvergenceError(f"separation: no finite estimate for {named}; merge levels without events.") from None
    robust = cr2_glm(x, design.n, design.total, fit, design.unit)
    contrast = np.zeros(x.shape[1])
    contrast[-1] = step
    eta, more = x @ fit.beta, float(contrast @ fit.beta)
    shifted = x.copy()
    shifted[:, -1] += step
    low, high = _inverse_link(family, eta), _inverse_link(family, eta + more)
    weight = design.n / design.n.sum()
    absolute = float(weight @ (high[0] - low[0]))
    gradient = (weight * high[1]) @ shifted - (weight * low[1]) @ x
    return Slope(
        more, float(np.sqrt(contrast @ robust.cov @ contrast)), robust.df(contrast),
        absolute, float(np.sqrt(gradient @ robust.cov @ gradient)), robust.df(gradient),
    )  # fmt: skip


def _inverse_link(family: Family, eta: Array) -> tuple[Array, Array]:
    """Mean and its derivative."""
    if family == "binomial":
        mu = expit(eta)
        return mu, mu * (1 - mu)
    mu = np.exp(eta)
    return mu, mu
