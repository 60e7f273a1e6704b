"""How does a cost that may be zero move with the score? The slope of any use, of cost if used, and of both together."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from microresearch.errors import ConvergenceError, DataError
from microresearch.linking.design import Array, Design
from microresearch.linking.slope import Slope
from microresearch.numeric.clusters import ClusterRobust, cr2_glm
from microresearch.numeric.glm import Family, GlmFit, Separation, fit_glm


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """One fitted part: the places of its cells, its fit, and its robust covariance over its own clusters."""

    x: Array
    rows: Array
    fit: GlmFit
    robust: ClusterRobust
    clusters: Array


def two_part(design: Design, x: Array, model: str, step: float) -> Slope:
    """The slope of one part, or of the expected cost of a stay, per `step` of the score."""
    if design.zeros is None:
        raise DataError("the cells do not say how many stays cost nothing.")
    used = design.n - design.zeros
    if model == "any use":
        return _alone(_part(design, x, design.n, used, "binomial"), step, design.n / design.n.sum())
    second = _part(design, x, used, design.total, "gamma")
    if model == "cost if used":
        return _alone(second, step, used[used > 0] / used.sum())
    return _together(_part(design, x, design.n, used, "binomial"), second, design, x, step)


def _part(design: Design, x: Array, n: Array, total: Array, family: Family) -> _Part:
    rows = np.flatnonzero(n > 0)
    names = (*design.names, "the score")
    found, clusters = np.unique(design.unit[rows], return_inverse=True)
    if np.linalg.matrix_rank(x[rows]) < x.shape[1]:
        raise DataError("among the stays that cost something, some columns of the design are aliased; merge levels.")
    try:
        fit = fit_glm(x[rows], n[rows], total[rows], family)
    except Separation as error:
        named = ", ".join(names[j] for j in error.columns)
        raise ConvergenceError(f"separation in any use: no finite estimate for {named}; merge levels.") from None
    robust = cr2_glm(x[rows], n[rows], total[rows], fit, np.asarray(clusters, np.intp))
    return _Part(x[rows], rows.astype(float), fit, robust, found.astype(float))


def _mean(fit: GlmFit, eta: Array) -> tuple[Array, Array]:
    mu = expit(eta) if fit.family == "binomial" else np.exp(eta)
    return mu, mu * (1 - mu) if fit.family == "binomial" else mu


def _raised(x: Array, step: float) -> Array:
    raised = x.copy()
    raised[:, -1] += step
    return raised


def _alone(part: _Part, step: float, weight: Array) -> Slope:
    contrast = np.zeros(part.x.shape[1])
    contrast[-1] = step
    raised = _raised(part.x, step)
    low, high = _mean(part.fit, part.x @ part.fit.beta), _mean(part.fit, raised @ part.fit.beta)
    gradient = (weight * high[1]) @ raised - (weight * low[1]) @ part.x
    cov = part.robust.cov
    return Slope(
        float(contrast @ part.fit.beta), float(np.sqrt(contrast @ cov @ contrast)), part.robust.df(contrast),
        float(weight @ (high[0] - low[0])), float(np.sqrt(gradient @ cov @ gradient)), part.robust.df(gradient),
    )  # fmt: skip


def _together(first: _Part, second: _Part, design: Design, x: Array, step: float) -> Slope:
    """Expected cost of all stays, at their own score and at a raised one, with joint delta-method errors."""
    made = expected_cost(first.fit, second.fit, design.n / design.n.sum(), x, step)

    def error(one: Array, two: Array) -> tuple[float, float]:
        shares = np.zeros(len(design.units))
        shares[first.clusters.astype(int)] += one @ first.robust.influence
        shares[second.clusters.astype(int)] += two @ second.robust.influence
        return float(np.sqrt((shares**2).sum())), min(first.robust.df(one), second.robust.df(two))

    se, df = error(*made.ratio_gradient)
    absolute_se, absolute_df = error(*made.difference_gradient)
    return Slope(made.ratio, se, df, made.difference, absolute_se, absolute_df)


@dataclass(frozen=True, slots=True, eq=False)
class ExpectedCost:
    """How the expected cost of a stay, p x mu, moves with a step of the score; gradients by the two parts' beta."""

    ratio: float  # log
    ratio_gradient: tuple[Array, Array]
    difference: float
    difference_gradient: tuple[Array, Array]


def expected_cost(first: GlmFit, second: GlmFit, weight: Array, x: Array, step: float) -> ExpectedCost:
    """Recycled predictions over stays with these weights (sum 1): at their own score and at one a step higher."""
    totals: list[float] = []
    gradients: list[tuple[Array, Array]] = []
    for columns in (x, _raised(x, step)):
        p, p1 = _mean(first, columns @ first.beta)
        mu, mu1 = _mean(second, columns @ second.beta)
        totals.append(float(weight @ (p * mu)))
        gradients.append(((weight * p1 * mu) @ columns, (weight * p * mu1) @ columns))
    (low, high), (one, two) = totals, gradients
    return ExpectedCost(
        float(np.log(high / low)), (two[0] / high - one[0] / low, two[1] / high - one[1] / low),
        high - low, (two[0] - one[0], two[1] - one[1]),
    )  # fmt: skip
