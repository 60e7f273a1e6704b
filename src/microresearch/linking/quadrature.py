"""Does the score shift the odds when units have few events? The logistic mixed model, all patients at once."""

import numpy as np
from scipy.special import expit

from microresearch.errors import ConvergenceError
from microresearch.linking.design import Array, Design
from microresearch.linking.slope import Slope
from microresearch.numeric.glm import Separation
from microresearch.numeric.logistic_mixed import LogisticMixed, fit_logistic_mixed

POINTS = 9


def quadrature(design: Design, x: Array, step: float) -> Slope:
    """Log odds ratio of an event per `step` of the score given the unit, with t on units less unit-level coefficients.

    The risk difference averages over the stays and over the units' intercepts; its standard error is the delta method
    in all coefficients and the intercepts' SD.

    Raises
    ------
    DataError, ConvergenceError
        As `fit_logistic_mixed`; a separation names the columns.

    References
    ----------
    Li & Redden (2015), BMC Med Res Methodol 15, 38: t with between-cluster df for logistic mixed models.
    """
    try:
        fit = fit_logistic_mixed(x, design.n, design.total, design.unit, POINTS)
    except Separation as error:
        named = ", ".join((*design.names, "the score")[j] for j in error.columns)
        raise ConvergenceError(f"separation: no finite estimate for {named}; merge levels without events.") from None
    df = float(len(design.units) - design.n_between - 1)
    absolute, gradient = _risk_difference(design, x, fit, step)
    note = "the variance between units was estimated as zero" if fit.boundary else ""
    return Slope(
        step * float(fit.beta[-1]), step * float(np.sqrt(fit.cov[-2, -2])), df, absolute,
        float(np.sqrt(gradient @ fit.cov @ gradient)), df, fit.sigma**2 / (fit.sigma**2 + np.pi**2 / 3), note,
    )  # fmt: skip


def _risk_difference(design: Design, x: Array, fit: LogisticMixed, step: float) -> tuple[float, Array]:
    """Mean difference in risk when the score rises by `step`, and its gradient in (beta, sigma)."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(21)
    weights = weights / weights.sum()
    raised = x.copy()
    raised[:, -1] += step
    value, gradient, share = 0.0, np.zeros(x.shape[1] + 1), design.n / design.n.sum()
    for sign, columns in ((1.0, raised), (-1.0, x)):
        base = columns @ fit.beta
        for node, weight in zip(nodes, weights, strict=True):
            risk = expit(base + fit.sigma * node)
            rate = share * risk * (1 - risk) * weight * sign
            value += float(share @ risk) * weight * sign
            gradient += np.append(rate @ columns, rate.sum() * node)
    return value, gradient
