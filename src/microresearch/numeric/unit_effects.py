"""What is left of each unit once its patients are accounted for? Effects with case-mix slopes from within units."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from microresearch.errors import ConvergenceError, DataError
from microresearch.numeric.glm import Separation

Array = NDArray[np.float64]

_MAXIT = 100
_TOLERANCE = 1e-20  # squared Newton step in the linear predictor, mean over rows
_FAR = 12.0  # a case-mix slope this large on a 0/1 column has no finite estimate


@dataclass(frozen=True, slots=True, eq=False)
class UnitEffects:
    """Fixed effects of units, at the mean case mix of all rows, with slopes that compare patients within units only.

    Attributes
    ----------
    effect : array, shape (n_units,)
        On the link scale: outcome units, log mean or log odds.
    cov : array, shape (n_units, n_units)
        Their sampling covariance, the slopes' uncertainty included.
    slopes, centre : arrays, shape (m,)
        Case-mix slopes (0 where a column does not vary within units) and the means that effects refer to.
    firth : bool array, shape (n_units,)
        Units without events (or with nothing else): their effect maximises the penalised likelihood.
    dispersion : float
        1 for binomial; residual variance (gaussian) or Pearson chi-square over df.
    gradient : float
        Squared last Newton step in the linear predictor, mean over rows.
    """

    effect: Array
    cov: Array
    slopes: Array
    centre: Array
    firth: NDArray[np.bool_]
    dispersion: float
    gradient: float


def _mean(family: str, eta: Array) -> tuple[Array, Array, Array]:
    """Mean, expected information of a row, and what a residual is multiplied by in the score."""
    if family == "gaussian":
        one = np.ones_like(eta)
        return eta, one, one
    if family == "binomial":
        mu = expit(eta)
        return mu, np.maximum(mu * expit(-eta), 1e-280), np.ones_like(mu)
    mu = np.exp(np.clip(eta, -600, 600))
    return (mu, np.ones_like(mu), 1 / mu) if family == "gamma" else (mu, mu, np.ones_like(mu))


@dataclass(slots=True, eq=False)
class _System:
    """The likelihood of one family over the cells, unit by unit."""

    family: str
    z: Array
    n: Array
    total: Array
    unit: NDArray[np.intp]
    size: int

    def add(self, values: Array) -> Array:
        """Sums over the cells of each unit."""
        if values.ndim == 1:
            return np.bincount(self.unit, values, self.size).astype(np.float64)
        out = np.empty((self.size, values.shape[1]))
        for j in range(values.shape[1]):
            out[:, j] = np.bincount(self.unit, values[:, j], self.size)
        return out

    def value(self, eta: Array) -> float:
        if self.family == "binomial":
            return float(self.total @ eta - self.n @ np.logaddexp(0, eta))
        if self.family == "gaussian":
            return float(self.total @ eta - self.n @ eta**2 / 2)
        mu = np.exp(np.clip(eta, -600, 600))
        return (
            float(self.total @ eta - self.n @ mu)
            if self.family == "poisson"
            else float(-self.total @ (1 / mu) - self.n @ eta)
        )

    def pieces(self, eta: Array) -> tuple[Array, Array, Array, Array, Array]:
        """Information of units, of units by slopes, of slopes (Schur complement), and both scores."""
        mu, info, times = _mean(self.family, eta)
        w, score = self.n * info, (self.total - self.n * mu) * times
        d, b = self.add(w), self.add(self.z * w[:, None])
        schur = (self.z * w[:, None]).T @ self.z - (b / d[:, None]).T @ b
        return d, b, schur, self.add(score), score @ self.z


def unit_effects(
    family: str, z: Array, n: Array, total: Array, unit: NDArray[np.intp], squares: Array | None = None
) -> UnitEffects:
    """Fixed effects of units adjusted for case mix within units, by Newton steps with a Schur complement.

    Parameters
    ----------
    family : "gaussian" (identity), "binomial" (logit), "poisson" or "gamma" (log)
    z : array, shape (n_cells, m)
        Case mix of each cell; m may be 0.
    n, total : arrays, shape (n_cells,)
        Rows (at least 1) and sum of the outcome.
    unit : int array, shape (n_cells,)
        0 to n_units - 1, each present.
    squares : array, shape (n_cells,), optional
        Sums of squares: needed by every family but the binomial, for the dispersion.

    Raises
    ------
    DataError
        An outcome the family does not allow, or no rows left for the dispersion.
    ConvergenceError
        A case-mix slope without a finite estimate (`Separation`), or a gradient that is not zero.

    References
    ----------
    Firth (1993), Biometrika 80, 27-38: the penalty, in the one parameter of a unit without events, slopes given.

    Examples
    --------
    >>> n, events, unit = np.array([50.0, 50, 20]), np.array([5.0, 10, 0]), np.array([0, 1, 2])
    >>> fit = unit_effects("binomial", np.empty((3, 0)), n, events, unit)
    >>> fit.effect.round(3).tolist(), fit.firth.tolist()  # the last one is log(0.5 / 20.5)
    ([-2.197, -1.386, -3.714], [False, False, True])
    """
    if (n < 1).any() or (family in ("binomial", "poisson", "gamma") and (total < 0).any()):
        raise DataError("a cell without rows, or an outcome below zero, cannot enter a model of unit effects.")
    if family == "gamma" and (total <= 0).any():
        raise DataError("a gamma model needs outcomes above zero; for costs with zeros use the two-part model.")
    centre = (n @ z) / n.sum()
    system = _System(family, z - centre, n, total, unit, int(unit.max()) + 1)
    events, rows = system.add(total), system.add(n)
    firth = np.zeros(system.size, bool)
    if family in ("binomial", "poisson"):
        firth = (events == 0) | ((events == rows) & (family == "binomial"))
    if firth.all():
        raise DataError("no unit has both events and rows without one: there is nothing to model within units.")
    keep = ~firth[unit]
    place = np.cumsum(~firth) - 1
    inner = _System(
        family, system.z[keep], n[keep], total[keep], np.asarray(place[unit[keep]], np.intp), int((~firth).sum())
    )
    alpha, slopes, gradient = _newton(inner)
    effect = np.empty(system.size)
    effect[~firth] = alpha
    if firth.any():
        effect[firth] = _penalised(system, slopes, firth, events, rows)
    eta = effect[unit] + system.z @ slopes
    d, b, _, _, _ = system.pieces(eta)
    schur = inner.pieces(alpha[inner.unit] + inner.z @ slopes)[2]
    half = (b / d[:, None]) @ _inverse_root(schur)
    dispersion = _dispersion(system, eta, squares, len(slopes)) if family != "binomial" else 1.0
    return UnitEffects(
        effect, dispersion * (np.diag(1 / d) + half @ half.T), slopes, centre, firth, dispersion, gradient
    )


def draw_effects(
    fit: UnitEffects, family: str, z: Array, n: Array, unit: NDArray[np.intp], rng: np.random.Generator
) -> tuple[Array, Array, float]:
    """Unit effects, slopes and dispersion from their approximate posterior (flat priors, normal at the estimate).

    Parameters
    ----------
    fit, family, z, n, unit
        What `unit_effects` gave, and what it was given.

    Returns
    -------
    effect, slopes, dispersion
    """
    system = _System(family, z - fit.centre, n, np.zeros(len(n)), unit, len(fit.effect))
    d, b, schur, _, _ = system.pieces(fit.effect[unit] + system.z @ fit.slopes)
    left = max(float(n.sum()) - len(d) - len(fit.slopes), 1.0)
    spread = fit.dispersion if family == "binomial" else fit.dispersion * left / float(rng.chisquare(left))
    root = np.sqrt(spread) * _inverse_root(schur)
    move = root @ rng.standard_normal(root.shape[1])
    effect = fit.effect - (b / d[:, None]) @ move + np.sqrt(spread / d) * rng.standard_normal(len(d))
    return effect, fit.slopes + move, spread


def _start(family: str, mean: Array) -> Array:
    if family == "gaussian":
        return mean
    return np.log(mean / (1 - mean)) if family == "binomial" else np.log(mean)


def _newton(system: _System) -> tuple[Array, Array, float]:
    alpha = _start(system.family, system.add(system.total) / system.add(system.n))
    slopes, gradient = np.zeros(system.z.shape[1]), np.inf
    value = system.value(alpha[system.unit])
    for _ in range(_MAXIT):
        d, b, schur, score, score_z = system.pieces(alpha[system.unit] + system.z @ slopes)
        root = _inverse_root(schur)
        move = root @ (root.T @ (score_z - b.T @ (score / d)))
        shift = (score - b @ move) / d
        size, moved, new = 1.0, False, value
        while size > 1e-10 and not moved:
            new = system.value((alpha + size * shift)[system.unit] + system.z @ (slopes + size * move))
            moved = bool(np.isfinite(new) and new >= value - 1e-13 * abs(value))
            size = size if moved else size / 2
        alpha, slopes, value = alpha + size * shift, slopes + size * move, new
        gradient = float(system.n @ (shift[system.unit] + system.z @ move) ** 2 / system.n.sum())
        _refuse_far(system, slopes)
        if gradient < _TOLERANCE:
            return alpha, slopes, gradient
    raise ConvergenceError(f"unit effects did not converge: mean squared Newton step {gradient:.1e}.")


def _refuse_far(system: _System, slopes: Array) -> None:
    if system.family in ("binomial", "poisson") and len(slopes):
        reach = np.ptp(system.z, axis=0) * np.abs(slopes)
        if reach.max() > _FAR:
            raise Separation([int(reach.argmax())])


def _inverse_root(matrix: Array) -> Array:
    """R with R R' the (generalised) inverse; directions without information get zero."""
    if not matrix.size:
        return np.zeros((0, 0))
    scale = np.sqrt(np.maximum(np.diag(matrix), 1e-300))
    values, vectors = np.linalg.eigh(matrix / np.outer(scale, scale))
    keep = (values > 1e-9 * values.max()) if values.max() > 0 else np.zeros(len(values), bool)
    return (vectors * np.where(keep, 1 / np.sqrt(np.where(keep, values, 1.0)), 0.0)) / scale[:, None]


def _penalised(system: _System, slopes: Array, firth: NDArray[np.bool_], events: Array, rows: Array) -> Array:
    """Effects that maximise log-likelihood + half the log information, slopes given: bisection, all units at once."""
    base = system.z @ slopes
    chosen = np.flatnonzero(firth)
    if system.family == "poisson":
        return np.log((events + 0.5) / system.add(np.exp(base)))[chosen]
    centre = -system.add(system.n * base) / rows
    low, high = centre - 40.0, centre + 40.0
    for _ in range(200):
        middle = (low + high) / 2
        mu = expit(middle[system.unit] + base)
        w = system.n * mu * (1 - mu)
        bend = system.add(w * (1 - 2 * mu)) / np.maximum(system.add(w), 1e-300)
        up = events - system.add(system.n * mu) + bend / 2 > 0
        low, high = np.where(up, middle, low), np.where(up, high, middle)
    return ((low + high) / 2)[chosen]


def _dispersion(system: _System, eta: Array, squares: Array | None, m: int) -> float:
    left = float(system.n.sum()) - system.size - m
    if squares is None or left < 1:
        raise DataError("the dispersion needs sums of squares, and more rows than units and case-mix columns.")
    mu, info, _ = _mean(system.family, eta)
    variance = {"gaussian": info, "poisson": mu, "gamma": mu**2}[system.family]
    within = np.clip(squares - system.total**2 / system.n, 0, None)
    return float(((within + (system.total - system.n * mu) ** 2 / system.n) / variance).sum() / left)
