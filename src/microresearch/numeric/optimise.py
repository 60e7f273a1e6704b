"""Where is the minimum, and is it one? Damped scoring, judged by the gradient, never by a step count alone."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Optimum:
    """Where the search ended: `x` (q), the value there, the scaled gradient norm, steps taken, and why it stopped."""

    x: Array
    value: float
    gradient_norm: float
    steps: int
    converged: bool
    reason: str


NEAR, SLOW = 0.3, 0.1
"""Newton steps take over from scoring once the scaled gradient is shorter than NEAR and a step leaves SLOW of it."""


def scoring(
    value: Callable[[Array], float],
    slope: Callable[[Array], tuple[Array, Array]],
    start: Array,
    tolerance: float = 1e-9,
    max_steps: int = 500,
    hessian: Callable[[Array], Array] | None = None,
) -> Optimum:
    """Minimise by scoring with Levenberg damping, then by Newton steps where second derivatives can be had.

    Parameters
    ----------
    value : callable
        The objective at x; infinity where x is not admissible.
    slope : callable
        Gradient (q) and a positive semi-definite curvature (q x q) at x, such as the expected information.
    start : array, shape (q,)
    tolerance : float
        Bound on sqrt(g' H^-1 g), the length of the gradient in the metric of the curvature.
    max_steps : int
    hessian : callable, optional
        Second derivatives (q x q); used near the minimum, where they are positive definite.

    Returns
    -------
    Optimum
        `converged` is True only where the scaled gradient met the tolerance.

    References
    ----------
    Marquardt (1963), SIAM Journal on Applied Mathematics 11, 431-441. doi:10.1137/0111030

    Examples
    --------
    >>> best = scoring(lambda x: float(((x - 3) ** 2).sum()), lambda x: (2 * (x - 3), 2 * np.eye(1)), np.zeros(1))
    >>> best.x.round(6), best.converged
    (array([3.]), True)
    """
    x: Array = start.astype(np.float64)
    now = value(x)
    if not np.isfinite(now):
        return Optimum(x, now, np.inf, 0, False, "the objective is not finite at the start values")
    damping, norm, last, newton = 0.0, np.inf, np.inf, False
    for step in range(max_steps):
        gradient, curvature = slope(x)
        scale: Array = np.sqrt(np.maximum(np.diag(curvature), 1e-12))
        last, norm = norm, _length(gradient, curvature, scale)
        if norm < tolerance:
            return Optimum(x, now, norm, step, True, "the gradient vanished")
        newton = newton or SLOW * last < norm < NEAR
        if hessian is not None and newton:
            curvature = _definite(hessian(x), curvature)
        moved = False
        for _ in range(40):
            try:
                move = -np.asarray(np.linalg.solve(curvature + damping * np.diag(scale**2), gradient), np.float64)
            except np.linalg.LinAlgError:
                damping = max(10 * damping, 1e-6)
                continue
            then = value(x + move)
            if np.isfinite(then) and then <= now + 1e-14 * max(1.0, abs(now)):
                x, now, moved = x + move, then, True
                damping = damping / 5 if damping > 1e-8 else 0.0
                break
            damping = max(10 * damping, 1e-4)
        if not moved:
            reason = "no step lowers the objective" if norm > 1e3 * tolerance else "the objective is flat to rounding"
            return Optimum(x, now, norm, step, norm <= 1e3 * tolerance, reason)
    return Optimum(x, now, norm, max_steps, False, f"no convergence in {max_steps} steps")


def _definite(second: Array, instead: Array) -> Array:
    """The second derivatives where they are positive definite, else the curvature of scoring."""
    try:
        np.linalg.cholesky(second)
    except np.linalg.LinAlgError:
        return instead
    return second


def _length(gradient: Array, curvature: Array, scale: Array) -> float:
    """sqrt(g' H^-1 g), with a little ridge where the curvature is singular."""
    ridge = curvature + 1e-10 * np.diag(scale**2)
    try:
        return float(np.sqrt(max(gradient @ np.linalg.solve(ridge, gradient), 0.0)))
    except np.linalg.LinAlgError:
        return float(np.abs(gradient).max())
