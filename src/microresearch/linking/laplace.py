"""Does the score shift costs or counts when units have a spread of their own? Mixed models with a dispersion."""

import numpy as np

from microresearch.errors import DataError
from microresearch.linking.design import Array, Design
from microresearch.linking.slope import Slope
from microresearch.numeric.laplace_mixed import fit_laplace_mixed


def laplace(design: Design, x: Array, model: str, step: float) -> Slope:
    """Log ratio per `step` of the score given the unit, with t on units less unit-level coefficients.

    Gamma from sums and sums of logarithms; negative binomial from cells whose stays (or unit-months) all have the same
    count. The absolute effect averages over the stays and the units' intercepts, at the estimated intercepts' SD.

    Raises
    ------
    DataError
        Cells that mix different counts, or costs of zero.
    ConvergenceError
        As `fit_laplace_mixed`.
    """
    if model == "gamma mixed":
        fit = fit_laplace_mixed("gamma", x, design.n, design.total, design.unit, design.logs)
        exposure = np.ones(len(x))
    else:
        n, exposure = _counts(design)
        fit = fit_laplace_mixed("negative binomial", x, n, design.total, design.unit, offset=np.log(exposure))
    df = float(len(design.units) - design.n_between - 1)
    estimate, se = step * float(fit.beta[-1]), step * float(np.sqrt(fit.cov[x.shape[1] - 1, x.shape[1] - 1]))
    mean = float((design.n / design.n.sum()) @ np.exp(x @ fit.beta + fit.sigma**2 / 2))
    note = "the variance between units was estimated as zero" if fit.boundary else ""
    return Slope(
        estimate, se, df, mean * float(np.expm1(estimate)), mean * float(np.exp(estimate)) * se, df, None, note
    )


def _counts(design: Design) -> tuple[Array, Array]:
    """Rows of each cell and the exposure of each: a month of `n` patient-days, or `n` stays with the same count."""
    if design.exposed:
        return np.ones(len(design.n)), design.n
    spread = design.squares - design.total**2 / design.n
    if (spread > 1e-9 * np.maximum(design.squares, 1.0)).any():
        raise DataError(
            "a negative-binomial model needs cells whose stays have the same count; read the encounters with the "
            "outcome's own column among case_mix and mediators."
        )
    return design.n, np.ones(len(design.n))
