"""How does the outcome move with a unit's score? One slope, its uncertainty, its meaning on the outcome's scale."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from microresearch.errors import ConvergenceError
from microresearch.linking.design import Design
from microresearch.linking.laplace import laplace
from microresearch.linking.quadrature import quadrature
from microresearch.linking.slope import Model, Slope
from microresearch.linking.two_part import two_part
from microresearch.linking.two_stage import two_stage
from microresearch.numeric.clusters import Errors, cr2, cr2_glm
from microresearch.numeric.glm import POWER, Family, Separation, fit_glm
from microresearch.numeric.mixed import fit_mixed, group_moments

Array = NDArray[np.float64]


def slope(
    design: Design, x: Array, model: Model, step: float, errors: Errors = "CR2", power: float | None = None
) -> Slope:
    """The slope of the last column of `x` (from `Design.with_score`), per `step` score points.

    `power` is that of a Tweedie model's variance.

    Raises
    ------
    DataError, ConvergenceError
        As `fit_mixed` and `fit_glm`; a separation names the columns.

    References
    ----------
    Average marginal effects and their delta-method variance: Basu & Rathouz (2005), Biostatistics 6, 93-109, section 3.
    """
    if model in (alone := {"mixed": _mixed, "two-stage": two_stage, "quadrature": quadrature}):
        return alone[model](design, x, step)
    if model in ("any use", "cost if used", "two-part"):
        return two_part(design, x, model, step)
    if model in ("gamma mixed", "negative binomial"):
        return laplace(design, x, model, step)
    return _ols(design, x, step, errors) if model == "ols" else _glm(design, x, model, step, errors, power)


def _mixed(design: Design, x: Array, step: float) -> Slope:
    fit = fit_mixed(group_moments(x, design.n, design.total, design.squares, design.unit))
    contrast = np.zeros(x.shape[1])
    contrast[-1] = step
    df, note = fit.satterthwaite(contrast), ""
    if fit.boundary:
        df = min(df, float(len(design.units) - design.n_between - 1))
        note = "the variance between units was estimated as zero; df are units less unit-level coefficients"
    return Slope(float(contrast @ fit.beta), float(np.sqrt(contrast @ fit.cov @ contrast)), df, icc=fit.icc, note=note)


def _ols(design: Design, x: Array, step: float, errors: Errors) -> Slope:
    """Least squares over the stays, units as clusters."""
    root = np.sqrt(design.n)
    beta = np.asarray(np.linalg.lstsq(x * root[:, None], design.total / root, rcond=None)[0], float)
    left = design.total - design.n * (x @ beta)
    robust = cr2(x, design.n, left, np.ones(len(x)), design.unit, errors)
    contrast = np.zeros(x.shape[1])
    contrast[-1] = step
    return Slope(float(contrast @ beta), float(np.sqrt(contrast @ robust.cov @ contrast)), robust.df(contrast))


def _glm(design: Design, x: Array, model: Model, step: float, errors: Errors, power: float | None) -> Slope:
    family: Family = model if model in ("poisson", "gamma", "tweedie") else "binomial"
    try:
        fit = fit_glm(x, design.n, design.total, family, design.squares, power=power or POWER)
    except Separation as error:
        named = ", ".join((*design.names, "the score")[j] for j in error.columns)
        raise ConvergenceError(f"separation: no finite estimate for {named}; merge levels without events.") from None
    robust = cr2_glm(x, design.n, design.total, fit, design.unit, errors)
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
        absolute, float(np.sqrt(gradient @ robust.cov @ gradient)), robust.df(gradient), power=power,
    )  # fmt: skip


def _inverse_link(family: Family, eta: Array) -> tuple[Array, Array]:
    """Mean and its derivative."""
    if family == "binomial":
        mu = expit(eta)
        return mu, mu * (1 - mu)
    mu = np.exp(eta)
    return mu, mu
