"""Which pattern might an incomplete record have, given its unit and outcome? Draws by data augmentation."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import expit, gammaln

from microresearch.numeric.unit_effects import draw_effects, unit_effects

Array = NDArray[np.float64]

_FLOOR = 1e-300
_BLOCK = 20_000  # records at a time, so that their table with the patterns stays small


@dataclass(frozen=True, slots=True, eq=False)
class PatternTask:
    """What a chain needs; U units, K patterns, R incomplete records.

    Attributes
    ----------
    family : "gaussian", "binomial", "poisson" or "gamma"
    z : array, shape (K, p)
        Design columns of the patterns.
    n, seen, total, squares : arrays, shape (U, K)
        Complete rows; those with the outcome, its sum and sum of squares.
    unit : int array, shape (R,)
    allowed : bool array, shape (kinds, K)
        Patterns that agree with what is known of a record of each kind.
    kind : int array, shape (R,)
    y : array, shape (R,)
        The outcome, NaN where it is missing.
    rounds : int
    """

    family: str
    z: Array
    n: Array
    seen: Array
    total: Array
    squares: Array
    unit: NDArray[np.intp]
    allowed: NDArray[np.bool_]
    kind: NDArray[np.intp]
    y: Array
    rounds: int


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """One completed data set: a pattern for every record; `trace` holds the mean of z over the records of each
    round; `mean` (shape (U, K), linear predictors) and `dispersion` are the last draw of the outcome's model.
    """

    pattern: NDArray[np.intp]
    trace: Array
    mean: Array
    dispersion: float


def run_pattern_chain(task: PatternTask, rng: np.random.Generator) -> Drawn:
    """One chain: patterns given parameters, parameters given patterns.

    In unit u the patterns have probabilities theta_u, a priori Dirichlet around the pooled ones with a concentration
    that is estimated anew on the way: units are respected, and borrow from all where they have few patients. The
    outcome follows its regression on unit and patient: a record's pattern k has probability proportional to
    theta_uk f(y | u, k), which is what the analysis implies (Bartlett et al. 2015), and theta_uk where y is missing.

    References
    ----------
    Schafer (1997), Analysis of Incomplete Multivariate Data, chapters 7 and 9 (data augmentation for categories and an
    outcome). Bartlett, Seaman, White & Carpenter (2015), Stat Methods Med 24, 462-487.
    """
    pattern = _allowed_at_random(task, rng)
    mean, spread, log_c = np.zeros_like(task.n), 1.0, 0.0
    trace = np.zeros((task.rounds, task.z.shape[1]))
    for i in range(task.rounds):
        counts = task.n + _counted(task, pattern, np.ones(len(pattern)))
        if i < 2 or i % 5 == 0:
            log_c = _concentration(counts)
        theta = _probabilities(counts, log_c, rng)
        mean, spread = _outcome(task, pattern, rng)
        if len(pattern):
            pattern = _draw_patterns(task, np.log(np.maximum(theta, _FLOOR)), mean, spread, rng)
            trace[i] = task.z[pattern].mean(axis=0)
    return Drawn(pattern, trace, mean, spread)


def _counted(task: PatternTask, pattern: NDArray[np.intp], weight: Array) -> Array:
    units, patterns = task.n.shape
    flat = np.bincount(task.unit * patterns + pattern, weight, units * patterns)
    return flat.reshape(units, patterns).astype(np.float64)


def _allowed_at_random(task: PatternTask, rng: np.random.Generator) -> NDArray[np.intp]:
    pooled = task.n.sum(axis=0) + 1e-9
    chance = np.cumsum(np.where(task.allowed, pooled, 0.0), axis=1)
    drawn = rng.random(len(task.kind)) * chance[task.kind, -1]
    return np.asarray((chance[task.kind] <= drawn[:, None]).sum(axis=1), np.intp)


def _concentration(counts: Array) -> float:
    """Log concentration of the units' patterns around the pooled ones, by maximum marginal likelihood."""
    share = np.maximum(counts.sum(axis=0) / counts.sum(), 1e-12)
    total = counts.sum(axis=1)

    def surprise(log_c: float) -> float:
        c = np.exp(log_c)
        marginal = gammaln(c * share + counts).sum() - len(counts) * gammaln(c * share).sum()
        return -float(marginal + (gammaln(c) - gammaln(c + total)).sum())

    found = minimize_scalar(surprise, bounds=(-2.0, 12.0), method="bounded", options={"xatol": 0.05})
    return float(found.x)


def _probabilities(counts: Array, log_c: float, rng: np.random.Generator) -> Array:
    """Pattern probabilities of every unit, drawn from their Dirichlet posteriors."""
    pooled = rng.standard_gamma(counts.sum(axis=0) + 1 / counts.shape[1])
    drawn = rng.standard_gamma(np.exp(log_c) * np.maximum(pooled / pooled.sum(), 1e-12) + counts)
    return drawn / np.maximum(drawn.sum(axis=1, keepdims=True), _FLOOR)


def _outcome(task: PatternTask, pattern: NDArray[np.intp], rng: np.random.Generator) -> tuple[Array, float]:
    """Linear predictor of every unit and pattern, and the dispersion, drawn given the completed records."""
    known = ~np.isnan(task.y)
    y = np.where(known, task.y, 0.0)
    seen, total, squares = (
        whole + _counted(task, pattern, known * part)
        for whole, part in ((task.seen, np.ones(len(y))), (task.total, y), (task.squares, y**2))
    )
    unit, at = np.nonzero(seen)
    n, z = seen[unit, at], task.z[at]
    place = np.asarray(unit, np.intp)
    fit = unit_effects(task.family, z, n, total[unit, at], place, squares[unit, at])
    effect, slopes, spread = draw_effects(fit, task.family, z, n, place, rng)
    return effect[:, None] + (task.z - fit.centre) @ slopes, spread


def _draw_patterns(
    task: PatternTask, log_theta: Array, eta: Array, spread: float, rng: np.random.Generator
) -> NDArray[np.intp]:
    drawn = np.empty(len(task.kind), np.intp)
    for start in range(0, len(drawn), _BLOCK):
        rows = slice(start, start + _BLOCK)
        unit, y = task.unit[rows], task.y[rows]
        weight = log_theta[unit] + np.where(np.isnan(y)[:, None], 0.0, log_density(
            task.family, np.nan_to_num(y)[:, None], eta[unit], spread))  # fmt: skip
        weight = np.where(task.allowed[task.kind[rows]], weight, -np.inf)
        drawn[rows] = (weight + rng.gumbel(size=weight.shape)).argmax(axis=1)
    return drawn


def log_density(family: str, y: Array, eta: Array, spread: float) -> Array:
    """Log density of an outcome without terms that are the same for all predictors.

    Gaussian; binomial; gamma; Poisson, or with overdispersion the negative binomial of the same mean and variance
    spread x mean.
    """
    if family == "gaussian":
        return -((y - eta) ** 2) / (2 * spread)
    if family == "binomial":
        return np.asarray(y * eta - np.logaddexp(0, eta))
    mu = np.exp(np.clip(eta, -600, 600))
    if family == "gamma":
        return (-y / mu - eta) / spread
    if spread <= 1:
        return y * eta - mu
    size = mu / (spread - 1)
    return np.asarray(gammaln(y + size) - gammaln(size) - size * np.log(spread))


def draw_outcomes(family: str, eta: Array, spread: float, rng: np.random.Generator) -> Array:
    """One outcome for every linear predictor."""
    if family == "gaussian":
        return rng.normal(eta, np.sqrt(spread))
    if family == "binomial":
        return rng.binomial(1, expit(eta)).astype(np.float64)
    mu = np.exp(eta)
    if family == "gamma":
        return rng.gamma(1 / spread, mu * spread)
    if spread <= 1:
        return rng.poisson(mu).astype(np.float64)
    return rng.poisson(rng.gamma(mu / (spread - 1), spread - 1)).astype(np.float64)
