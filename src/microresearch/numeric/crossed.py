"""How much do targets differ, and how much do raters? Two crossed variance components by REML, holes allowed."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from microresearch.errors import ConvergenceError, DataError
from microresearch.numeric.moments import group_sums

Floats = NDArray[np.float64]
STEP = 1e-30
"""Imaginary step of the complex-step derivative; no difference is taken, so nothing cancels."""


@dataclass(frozen=True, slots=True, eq=False)
class Crossed:
    """y = mu + target + rater + error, fitted by REML.

    Attributes
    ----------
    target, rater, error : float
        Variances, in squared units of y; target and rater are at least 0.
    criterion : float
        -2 restricted log-likelihood, as lme4 prints it.
    score : array, shape (2,)
        Derivatives of the criterion by the two variance ratios, each times its ratio: 0 at an inner optimum.
    """

    target: float
    rater: float
    error: float
    criterion: float
    score: Floats


@dataclass(frozen=True, slots=True, eq=False)
class _Table:
    """Counts and sums of the layout; y is centred, so that no digits go into the mean."""

    cells: Floats  # targets x raters, ratings in each cell
    target_n: Floats
    target_sum: Floats
    rater_n: Floats
    rater_sum: Floats
    squares: float
    total: float

    def criterion(self, a: complex, b: complex) -> complex:
        """-2 REML without constants at target / error = a and rater / error = b; analytic in both."""
        c = a / (1 + a * self.target_n)
        inner = np.diag(self.rater_n) - self.cells.T @ (c[:, None] * self.cells)
        ones_r = self.rater_n - self.cells.T @ (c * self.target_n)
        y_r = self.rater_sum - self.cells.T @ (c * self.target_sum)
        outer = np.eye(len(self.rater_n)) + b * inner
        solved = np.linalg.solve(outer, np.column_stack([ones_r, y_r]))
        one_one = self.total - (c * self.target_n**2).sum() - b * (ones_r @ solved[:, 0])
        one_y = self.rater_sum.sum() - (c * self.target_n * self.target_sum).sum() - b * (ones_r @ solved[:, 1])
        y_y = self.squares - (c * self.target_sum**2).sum() - b * (y_r @ solved[:, 1])
        rss = y_y - one_y**2 / one_one
        # outer is positive definite; the log of its determinant is the sum of the logs of its LDL' pivots
        logdet = np.log(1 + a * self.target_n).sum() + np.log(np.linalg.det(outer / self.scale(b))) + self.shift(b)
        return (self.total - 1) * np.log(rss) + logdet + np.log(one_one)

    def scale(self, b: complex) -> Floats:
        """Real row scale that keeps the determinant away from overflow."""
        return (1 + np.real(b) * self.rater_n)[:, None]

    def shift(self, b: complex) -> float:
        """Log of what `scale` took out of the determinant."""
        return float(np.log(self.scale(b)).sum())

    def gradient(self, ratios: Floats) -> Floats:
        a, b = ratios
        return np.array([
            self.criterion(a + STEP * 1j, complex(b)).imag / STEP,
            self.criterion(complex(a), b + STEP * 1j).imag / STEP,
        ])  # fmt: skip

    def both(self, ratios: Floats) -> tuple[float, Floats]:
        """Criterion and gradient from two evaluations."""
        a, b = ratios
        by_a = self.criterion(a + STEP * 1j, complex(b))
        by_b = self.criterion(complex(a), b + STEP * 1j)
        return by_a.real, np.array([by_a.imag, by_b.imag]) / STEP

    def value(self, ratios: Floats) -> float:
        return self.criterion(complex(ratios[0]), complex(ratios[1])).real


def _table(y: Floats, targets: NDArray[np.int64], raters: NDArray[np.int64]) -> _Table:
    cells = np.zeros((int(targets.max()) + 1, int(raters.max()) + 1))
    np.add.at(cells, (targets, raters), 1.0)
    centred = y - y.mean()
    return _Table(
        cells, cells.sum(axis=1), group_sums(centred, targets, cells.shape[0]),
        cells.sum(axis=0), group_sums(centred, raters, cells.shape[1]),
        float((centred**2).sum()), float(len(y)),
    )  # fmt: skip


def _polish(table: _Table, ratios: Floats) -> Floats:
    """Newton steps on the ratios that are not at zero, the Hessian by differences of the exact gradient."""
    free = (ratios > 1e-10) | (table.gradient(ratios) < 0)
    ratios = np.where(free, ratios, 0.0)
    for _ in range(30):
        slope = table.gradient(ratios)
        if not free.any() or np.abs(slope * ratios).max() < 1e-11 * table.total:
            break
        hessian = np.empty((2, 2))
        for i in range(2):
            step = np.zeros(2)
            step[i] = 1e-5 * max(ratios[i], 1e-4)
            hessian[:, i] = (table.gradient(ratios + step) - slope) / step[i]
        where = np.ix_(free, free)
        move = np.zeros(2)
        move[free] = np.linalg.lstsq(hessian[where], -slope[free], rcond=None)[0]
        ratios = np.maximum(ratios + np.clip(move, -0.5 * ratios - 1e-12, ratios + 1e-3), 0.0)
    return ratios


def crossed_components(y: Floats, targets: NDArray[np.int64], raters: NDArray[np.int64]) -> Crossed:
    """REML variances of two crossed random factors from a long table, one rating a row; any cell may be empty.

    Parameters
    ----------
    y : array, shape (n,)
    targets, raters : int arrays, shape (n,)
        Codes from 0 without gaps.

    Raises
    ------
    DataError
        Fewer than two targets or raters, too few ratings to separate the error, or no spread.
    ConvergenceError
        The score was not brought to zero.

    References
    ----------
    Patterson & Thompson (1971), Biometrika 58, 545-554. doi:10.1093/biomet/58.3.545
    Searle, Casella & McCulloch (1992), Variance Components, sec. 6.6.

    Examples
    --------
    >>> y = np.array([9.0, 2, 5, 6, 1, 3, 8, 4, 6])
    >>> fit = crossed_components(y, np.repeat([0, 1, 2], 3), np.tile([0, 1, 2], 3))
    >>> fit.rater, fit.error
    (6.944, 0.611)
    """
    table = _table(y, targets, raters)
    n_targets, n_raters = table.cells.shape
    if n_targets < 2 or n_raters < 2 or table.total <= n_targets + n_raters - 1:
        raise DataError(
            f"{len(y)} ratings of {n_targets} targets by {n_raters} raters cannot tell targets, raters and error apart."
        )
    if table.squares == 0:
        raise DataError("all ratings are equal; a share of the variance is undefined.")
    starts = [np.array(start) for start in ([1.0, 0.2], [0.05, 0.05])]
    runs = [
        optimize.minimize(table.both, s, jac=True, method="L-BFGS-B", bounds=[(0, 1e8)] * 2,
                          options={"ftol": 1e-14, "gtol": 1e-9})
        for s in starts
    ]  # fmt: skip
    ratios = _polish(table, np.asarray(min(runs, key=lambda run: run.fun).x))
    slope = table.gradient(ratios)
    score = slope * ratios
    if np.abs(score).max() > 1e-6 * table.total or (slope[ratios == 0] < -1e-6 * table.total).any():
        raise ConvergenceError(f"REML stopped where the scores are {score[0]:.2g} and {score[1]:.2g}, not zero.")
    return _components(table, ratios, score)


def _components(table: _Table, ratios: Floats, score: Floats) -> Crossed:
    a, b = (float(r) for r in ratios)
    df = table.total - 1
    value = table.value(ratios)
    c = a / (1 + a * table.target_n)
    inner = np.diag(table.rater_n) - table.cells.T @ (c[:, None] * table.cells)
    ones_r = table.rater_n - table.cells.T @ (c * table.target_n)
    outer = np.eye(len(table.rater_n)) + b * inner
    one_one = table.total - (c * table.target_n**2).sum() - b * (ones_r @ np.linalg.solve(outer, ones_r))
    logdet = np.log1p(a * table.target_n).sum() + np.linalg.slogdet(outer)[1] + np.log(one_one)
    error = float(np.exp((value - logdet) / df) / df)
    return Crossed(a * error, b * error, error, float(value + df * (1 + np.log(2 * np.pi) - np.log(df))), score)
