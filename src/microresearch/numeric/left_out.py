"""What would a model say without one group of its rows? The same fit for every group in turn, many at once."""

import numpy as np
from numpy.typing import NDArray

from microresearch.errors import ConvergenceError, DataError
from microresearch.numeric.glm import GlmFit, mean_weight
from microresearch.numeric.mixed import GroupMoments, fit_mixed

Array = NDArray[np.float64]

_HELD = 4_000_000
"""Numbers of a block of fits in memory."""
_MAXIT = 60
_CLOSE = 1e-20
"""Squared distance to the optimum, in standard errors, at which a fit is done."""
_SINGULAR = 1e-9
"""Smallest eigenvalue of a scaled information that counts as of full rank."""


def glm_without(x: Array, n: Array, y_sum: Array, fit: GlmFit, group: NDArray[np.intp]) -> Array:
    """Coefficients of a generalised linear model without each group, shape (n_groups, p).

    Every fit starts at the whole one and takes Fisher steps with the information that the whole fit leaves it, until
    its own score is zero; all groups take them together. A row of NaN stands where a group's absence takes the design's
    rank or where the steps do not come to rest: fit that one anew, for its reason.

    Parameters
    ----------
    x, n, y_sum : arrays, shapes (n_cells, p), (n_cells,) and (n_cells,)
        As `fit_glm`, which gave `fit` on all of them.
    group : int array, shape (n_cells,)
        Group of each cell, 0 to n_groups - 1, each present.

    References
    ----------
    McCullagh & Nelder (1989), Generalized Linear Models, 2nd ed., section 2.5.
    """
    worth = n * fit.slope**2 / fit.variance
    own = np.stack([(x[rows] * worth[rows, None]).T @ x[rows] for rows in _rows(group)])
    rest = fit.information - own
    out = np.full((len(rest), x.shape[1]), np.nan)
    whole = np.flatnonzero(_full_rank(rest, fit.information))
    block = max(1, _HELD // len(x))
    for some in np.split(whole, np.arange(block, len(whole), block)):
        out[some] = _steps(x, n, y_sum, fit, group, some, np.asarray(np.linalg.inv(rest[some]), float))
    return out


def _steps(
    x: Array, n: Array, y_sum: Array, fit: GlmFit, group: NDArray[np.intp], some: NDArray[np.intp], inverse: Array
) -> Array:
    """The fits without some of the groups."""
    beta = np.tile(fit.beta, (len(some), 1))
    going = np.arange(len(some))
    for _ in range(_MAXIT):
        with np.errstate(over="ignore", invalid="ignore"):
            mu, slope, weight = mean_weight(fit.family, x @ beta[going].T, fit.power)
            left = weight * (y_sum[:, None] - n[:, None] * mu) / slope
            left[group[:, None] == some[going]] = 0.0
            score = left.T @ x
            move = np.matmul(inverse[going], score[:, :, None])[:, :, 0]
            far = (score * move).sum(axis=1)
        beta[going] += move
        going = going[~(far < _CLOSE)]  # what is no number goes on, and ends as none
        if not len(going):
            break
    beta[going] = np.nan
    return beta


def mixed_without(moments: GroupMoments, left_out: NDArray[np.intp]) -> Array:
    """Coefficients of a random-intercept model without each set of groups, shape (n_sets, p); NaN as `glm_without`.

    Parameters
    ----------
    moments : GroupMoments
        Of the whole design.
    left_out : int array, shape (n_groups,)
        The set that each group belongs to, 0 to n_sets - 1, each present.
    """
    whole = moments.xtx.sum(axis=0)
    out = np.full((int(left_out.max()) + 1, len(whole)), np.nan)
    for one in range(len(out)):
        kept = left_out != one
        if not _full_rank((whole - moments.xtx[~kept].sum(axis=0))[None], whole)[0]:
            continue
        try:
            out[one] = fit_mixed(moments.keep(kept)).beta
        except (DataError, ConvergenceError):
            continue
    return out


def _full_rank(rest: Array, whole: Array) -> NDArray[np.bool_]:
    """Which informations (k, p, p) determine every coefficient, columns scaled as in the whole."""
    scale = 1 / np.sqrt(np.diag(whole))
    return np.linalg.eigvalsh(rest * scale[:, None] * scale)[:, 0] > _SINGULAR


def _rows(group: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    """Places of the rows of each group."""
    order = np.argsort(group, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(group[order])) + 1)
