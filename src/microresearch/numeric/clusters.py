"""How uncertain is a coefficient when rows of a cluster go together? CR2 with Satterthwaite df, exactly, from cells."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from microresearch.errors import DataError
from microresearch.numeric.glm import GlmFit
from microresearch.numeric.inverse_root import MOST_CONDITION, condition, shrunken_inverse_root

Array = NDArray[np.float64]
Errors = Literal["CR2", "CR3"]
_Step = Callable[[Array, Array, Array], tuple[Array, Array, Array]]

_ZERO = 1e-9  # an eigenvalue of the whitened residual maker that counts as zero: the cluster is absorbed there
_HELD = 4_000_000  # numbers of a block of clusters in memory
_NOTHING = 1e-12  # the length of a column of Q that is rounding
_CHEAPER = 3  # resolvents take less time than eigenvalues where a cluster has so many times more cells than columns


@dataclass(frozen=True, slots=True, eq=False)
class ClusterRobust:
    """A cluster-robust covariance with small-sample degrees of freedom.

    Attributes
    ----------
    cov : array, shape (p, p)
        CR2 (bias-reduced) covariance of the coefficients, or CR3.
    n_clusters : int
    influence : array, shape (p, n_clusters)
        Each cluster's adjusted share in the coefficients' error: `cov` is influence @ influence.T, and the covariance
        with another model's coefficients on the same clusters is influence @ other.influence.T.
    """

    cov: Array
    n_clusters: int
    influence: Array
    _root: Array  # R^-T, where (X'WX) = R'R: takes a contrast into whitened coordinates
    _square: Array  # (n_clusters, p, p): a' Phi a of each cluster as a quadratic form in the whitened contrast
    _cross: Array  # (n_clusters, p, p): X' a of each cluster, whitened

    def df(self, contrast: Array) -> float:
        """Satterthwaite degrees of freedom of one contrast of the coefficients, shape (p,).

        References
        ----------
        Bell & McCaffrey (2002), Survey Methodology 28, 169-181; Pustejovsky & Tipton (2018),
        J Bus Econ Stat 36, 672-683, eq. 11 and appendix. doi:10.1080/07350015.2016.1247004
        """
        ell = self._root @ contrast
        cross = self._cross @ ell
        pairs = -cross @ cross.T
        pairs[np.diag_indices_from(pairs)] += np.einsum("i,gij,j->g", ell, self._square, ell)
        return float(np.trace(pairs) ** 2 / (pairs**2).sum())


def cr2(
    x: Array, n: Array, residual_sum: Array, weight: Array, cluster: NDArray[np.intp], kind: Errors = "CR2"
) -> ClusterRobust:
    """CR2 covariance of (weighted) least squares; for a generalised linear model see `cr2_glm`.

    The working model is independence with variance 1/weight a row; weights are inverse variances. Rows of a cell share
    their design row and weight, so outside the span of the cell indicators the residual maker is the identity, and
    everything needed lives in the space of cells: p x p algebra where a cluster's weights are equal, cells x cells
    where they differ (the symmetric root of Pustejovsky & Tipton does not commute with unequal weights).

    Parameters
    ----------
    x : array, shape (n_cells, p)
        Design, of full column rank.
    n : array, shape (n_cells,)
        Rows, at least 1.
    residual_sum : array, shape (n_cells,)
        Sum of residuals y - mu over the cell's rows.
    weight : array, shape (n_cells,)
        Weight of each row; ones for ordinary least squares.
    cluster : int array, shape (n_cells,)
        Cluster of each cell, 0 to n_clusters - 1, each present.
    kind : "CR2" or "CR3"
        Bias-reduced, or the approximate jackknife (residuals times the inverse of the residual maker), which errs on
        the wide side.

    Raises
    ------
    DataError
        Fewer than two clusters, or a design without full column rank.

    References
    ----------
    Pustejovsky & Tipton (2018), eqs. 5-7; clusters that fixed effects absorb take the generalised inverse root.

    Examples
    --------
    >>> x, cluster = np.ones((4, 1)), np.arange(4)
    >>> robust = cr2(x, np.ones(4), np.array([-1.5, -0.5, 0.5, 1.5]), np.ones(4), cluster)
    >>> float(robust.cov[0, 0]), robust.df(np.ones(1))  # the variance of a mean, with 3 degrees of freedom
    (0.417, 3.0)
    """
    size = int(cluster.max()) + 1
    if size < 2:
        raise DataError("cluster-robust errors need two clusters or more.")
    q, r = np.linalg.qr(x * np.sqrt(n * weight)[:, None])
    if (np.abs(np.diag(r)) <= 1e-9 * np.linalg.norm(r, axis=0)).any():
        raise DataError("the design is not of full column rank; drop the aliased columns.")
    inverse = np.asarray(np.linalg.solve(r, np.eye(len(r))), float)
    p, residual = x.shape[1], residual_sum / np.sqrt(n)
    meat, square, cross = np.empty((size, p)), np.empty((size, p, p)), np.empty((size, p, p))
    for usual, members, rows in _blocks(cluster, weight):
        step = _jackknife if kind == "CR3" else usual
        meat[members], square[members], cross[members] = step(q[rows], weight[rows], residual[rows])
    half = inverse @ meat.T
    return ClusterRobust(half @ half.T, size, half, np.asarray(inverse.T), square, cross)


def cr2_glm(
    x: Array, n: Array, y_sum: Array, fit: GlmFit, cluster: NDArray[np.intp], kind: Errors = "CR2"
) -> ClusterRobust:
    """CR2 covariance of a generalised linear model, linearised at its estimate on the scale of the outcome.

    The design is d mu / d beta, the working variance the family's variance function; a common dispersion cancels.
    Arguments as in `cr2`; `fit` comes from `fit_glm` on the same `x`, `n` and `y_sum`.

    References
    ----------
    McCaffrey & Bell (2006), Stat Med 25, 4081-4098, section 2; Pustejovsky & Tipton (2018), eqs. 5-7.

    Examples
    --------
    >>> from microresearch.numeric.glm import fit_glm
    >>> x, n, total = np.ones((4, 1)), np.full(4, 10.0), np.array([2.0, 4, 6, 8])
    >>> robust = cr2_glm(x, n, total, fit_glm(x, n, total, "poisson"), np.arange(4))
    >>> float(robust.cov[0, 0]), robust.df(np.ones(1))
    (0.0667, 3.0)
    """
    return cr2(x * fit.slope[:, None], n, y_sum - n * fit.mu, 1 / fit.variance, cluster, kind)


def _blocks(cluster: NDArray[np.intp], weight: Array) -> Iterator[tuple[_Step, NDArray[np.intp], NDArray[np.intp]]]:
    """Clusters with equally many cells, handled together: what to do, which ones, and their cells (k, m)."""
    counts = np.bincount(cluster)
    order, starts = np.argsort(cluster, kind="stable"), np.cumsum(counts) - counts
    for m in np.unique(counts):
        alike = np.flatnonzero(counts == m)
        held = max(1, _HELD // int(m) ** 2)
        for members in np.split(alike, np.arange(held, len(alike), held)):
            rows = order[starts[members][:, None] + np.arange(m)]
            same = np.ptp(weight[rows], axis=1) <= 1e-12 * weight[rows].max(axis=1)
            for step, chosen in ((_equal_weights, same), (_unequal_weights, ~same)):
                if chosen.any():
                    yield step, members[chosen], rows[chosen]


def _powers(values: Array, largest: Array | float) -> tuple[Array, Array]:
    """Inverse and inverse root of eigenvalues, zero for those that are zero."""
    keep = values > _ZERO * largest
    safe = np.where(keep, values, 1.0)
    return np.where(keep, 1 / safe, 0.0), np.where(keep, 1 / np.sqrt(safe), 0.0)


def _equal_weights(q: Array, weight: Array, residual: Array) -> tuple[Array, Array, Array]:
    """Adjusted scores and the two forms of each cluster, in the whitened coordinates: (I - G)^(-1/2), G = Q'Q.

    Shapes (k, m, p), (k, m) and (k, m) for k clusters of m cells.
    """
    values, vectors, pull = _whitened(q, weight, residual)
    inverse, root = _powers(1 - values, 1.0)
    return _forms(values, vectors, pull, root, inverse)


def _jackknife(q: Array, weight: Array, residual: Array) -> tuple[Array, Array, Array]:
    """The same for CR3, whatever the weights: A is the inverse of the residual maker, which whitening makes symmetric.

    References
    ----------
    Bell & McCaffrey (2002), section 3: the jackknife without refitting.
    """
    values, vectors, pull = _whitened(q, weight, residual)
    inverse, _ = _powers(1 - values, 1.0)
    return _forms(values, vectors, pull, inverse, inverse**2)


def _whitened(q: Array, weight: Array, residual: Array) -> tuple[Array, Array, Array]:
    """Eigenvalues and vectors of each cluster's Q'Q, and its whitened scores in their coordinates."""
    turned = np.swapaxes(q, 1, 2)
    values, vectors = np.linalg.eigh(turned @ q)
    pull = np.swapaxes(vectors, 1, 2) @ (turned @ (np.sqrt(weight) * residual)[:, :, None])
    return np.clip(values, 0, 1), vectors, pull


def _forms(values: Array, vectors: Array, pull: Array, power: Array, squared: Array) -> tuple[Array, Array, Array]:
    """Scores and forms under an adjustment whose eigenvalues are `power`, and `squared` those of its square."""
    back = np.swapaxes(vectors, 1, 2)
    score = (vectors @ (power[:, :, None] * pull))[:, :, 0]
    square = (vectors * (values * squared)[:, None, :]) @ back
    return score, square, (vectors * (values * power)[:, None, :]) @ back


def _unequal_weights(q: Array, weight: Array, residual: Array) -> tuple[Array, Array, Array]:
    """The same with Phi = diag(1 / weight): B = Phi (I - QQ') Phi and A = Phi^(1/2) B^(-1/2) Phi^(1/2).

    Where B is far from singular and the rank of Q small, without the eigenvalues of B.
    """
    values, vectors, _ = _whitened(q, weight, residual)
    y = q @ vectors
    size = np.linalg.norm(y, axis=1)
    rank = int((size > _NOTHING).sum(axis=1).max())  # columns that are constant within a cluster are one
    floor = 1 - values[:, -1]
    easy = np.zeros(len(q), bool)
    if _CHEAPER * rank < q.shape[1]:
        easy[floor > _ZERO] = condition(1 / weight[floor > _ZERO], floor[floor > _ZERO]) < MOST_CONDITION
    score, square, cross = np.empty(size.shape), np.empty_like(vectors), np.empty_like(vectors)
    for chosen, root in ((easy, _by_resolvents), (~easy, _by_eigenvalues)):
        if not chosen.any():
            continue
        phi, back = 1 / weight[chosen], vectors[chosen]
        half = root(phi, y[chosen], floor[chosen], rank)  # B^(-1/2) Q, in the coordinates of `vectors`
        spread = phi[:, :, None] * half
        score[chosen] = (back @ (np.swapaxes(half, 1, 2) @ (np.sqrt(phi) * residual[chosen])[:, :, None]))[:, :, 0]
        turned = np.swapaxes(back, 1, 2)
        square[chosen] = back @ (np.swapaxes(spread, 1, 2) @ spread) @ turned
        cross[chosen] = back @ (np.swapaxes(y[chosen], 1, 2) @ spread) @ turned
    return score, square, cross


def _by_resolvents(phi: Array, y: Array, floor: Array, rank: int) -> Array:
    half = np.zeros_like(y)
    half[:, :, -rank:] = shrunken_inverse_root(phi, y[:, :, -rank:], floor)
    return half


def _by_eigenvalues(phi: Array, y: Array, floor: Array, rank: int) -> Array:
    b = phi[:, :, None] * (np.eye(phi.shape[1]) - y @ np.swapaxes(y, 1, 2)) * phi[:, None, :]
    values, vectors = np.linalg.eigh((b + np.swapaxes(b, 1, 2)) / 2)
    _, root = _powers(values, values.max(axis=1, keepdims=True))
    return vectors @ (root[:, :, None] * (np.swapaxes(vectors, 1, 2) @ y))
