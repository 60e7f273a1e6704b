"""Which means and covariances does a structural model imply, and how do they move with each parameter?

One group (or level): eta = alpha + B eta + zeta, y* = nu + Lambda eta + eps, with cov(zeta) = Psi, cov(eps) = Theta.
Ordered items add thresholds tau and scales delta; what is observed of them is delta * (tau - mu) and a correlation.
Either the scales are parameters and the residual variances follow ("delta"), or the other way round ("theta").
"""

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Index = NDArray[np.intp]
Matrix = Literal["lambda", "theta", "psi", "beta", "nu", "alpha", "tau", "delta"]
Parameterization = Literal["delta", "theta"]
SYMMETRIC = ("theta", "psi")
MOMENTS = ("lambda", "theta", "psi", "beta", "nu", "alpha")
"""The matrices that move the moments of y*; thresholds and scales do not."""


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """Observed moments of people who answered the items `seen` (indices): n, means, covariance with divisor n."""

    n: int
    mean: Array
    cov: Array
    seen: Index


class Cell(NamedTuple):
    """One entry of a model matrix: free parameter number (0-based; -1 fixed), its value when fixed."""

    matrix: Matrix
    row: int
    col: int
    free: int
    value: float


@dataclass(frozen=True, slots=True, eq=False)
class Structure:
    """The matrices of one group and where the free parameters stand in them.

    `p` observed variables, `m` latent ones; `th_item` gives the item of each threshold, in order; `ordered` marks the
    ordered items; `means` says whether the model has means at all (else they are saturated); `scaling` what the
    parameters of ordered items are: scales or residual variances.
    """

    p: int
    m: int
    cells: tuple[Cell, ...]
    th_item: Index
    ordered: NDArray[np.bool_]
    means: bool
    scaling: Parameterization = "delta"
    places: dict[Matrix, tuple[Index, Index, Index]] = field(init=False)  # rows, columns, parameters of the free cells
    constant: dict[Matrix, Array] = field(init=False)  # the matrices with the fixed values alone

    def __post_init__(self) -> None:
        p, m = self.p, self.m
        constant: dict[Matrix, Array] = {
            "lambda": np.zeros((p, m)), "theta": np.zeros((p, p)), "psi": np.zeros((m, m)), "beta": np.zeros((m, m)),
            "nu": np.zeros((p, 1)), "alpha": np.zeros((m, 1)), "tau": np.zeros((len(self.th_item), 1)),
            "delta": np.ones((p, 1)),
        }  # fmt: skip
        places: dict[Matrix, tuple[Index, Index, Index]] = {}
        name: Matrix
        for name, matrix in constant.items():
            here = [cell for cell in self.cells if cell.matrix == name]
            for cell in (c for c in here if c.free < 0):
                matrix[cell.row, cell.col] = cell.value
                if name in SYMMETRIC:
                    matrix[cell.col, cell.row] = cell.value
            free = np.array([(c.row, c.col, c.free) for c in here if c.free >= 0], dtype=np.intp).reshape(-1, 3)
            places[name] = (free[:, 0], free[:, 1], free[:, 2])
        object.__setattr__(self, "places", places)
        object.__setattr__(self, "constant", constant)

    def matrices(self, theta: Array) -> dict[str, Array]:
        """The model matrices at the parameter vector `theta`."""
        out: dict[str, Array] = {}
        for name, (rows, cols, free) in self.places.items():
            matrix = self.constant[name].copy()
            matrix[rows, cols] = theta[free]
            if name in SYMMETRIC:
                matrix[cols, rows] = theta[free]
            out[name] = matrix
        return out

    def moving(self) -> tuple[Cell, ...]:
        """The free cells that move the moments of y*."""
        return tuple(cell for cell in self.cells if cell.free >= 0 and cell.matrix in MOMENTS)


@dataclass(frozen=True, slots=True, eq=False)
class Implied:
    """Implied moments of y*: `sigma` (p x p), `mu` (p), and the pieces that derivatives use."""

    sigma: Array
    mu: Array
    parts: dict[str, Array]


def implied(structure: Structure, theta: Array) -> Implied:
    """Implied covariance and mean of y*; thresholds and scales stay in `parts`.

    Examples
    --------
    >>> cells = [Cell("lambda", 0, 0, -1, 1.0), Cell("lambda", 1, 0, 0, 0.0), Cell("psi", 0, 0, 1, 0.0)]
    >>> one = Structure(2, 1, tuple(cells), np.zeros(0, int), np.zeros(2, bool), False)
    >>> implied(one, np.array([0.5, 2.0])).sigma
    array([[2. , 1. ],
           [1. , 0.5]])
    """
    parts = structure.matrices(theta)
    inverse: Array = np.eye(structure.m)
    if parts["beta"].any():
        inverse = np.asarray(np.linalg.inv(inverse - parts["beta"]), dtype=np.float64)
    left = parts["lambda"] @ inverse
    parts["inverse"], parts["left"] = inverse, left
    parts["eta"] = inverse @ parts["psi"] @ inverse.T
    parts["mean_eta"] = inverse @ parts["alpha"]
    parts["cross"] = parts["lambda"] @ parts["eta"]  # cov(y*, eta)
    sigma = left @ parts["psi"] @ left.T + parts["theta"]
    if structure.ordered.any():
        _fill_scales(structure, parts, sigma)
    mu = (parts["nu"] + parts["lambda"] @ parts["mean_eta"])[:, 0]
    return Implied((sigma + sigma.T) / 2, mu, parts)


def _fill_scales(structure: Structure, parts: dict[str, Array], sigma: Array) -> None:
    """For ordered items, residual variances from the scales, or scales from the variances (scale^-2 is a variance).

    References
    ----------
    Muthen & Asparouhov (2002), Mplus web note 4: delta and theta parameterization.
    """
    at = np.flatnonzero(structure.ordered)
    if structure.scaling == "theta":
        with np.errstate(invalid="ignore", divide="ignore"):
            parts["delta"][at, 0] = 1 / np.sqrt(sigma[at, at])
        return
    variance = parts["delta"][at, 0] ** -2
    parts["theta"][at, at] += variance - sigma[at, at]
    sigma[at, at] = variance


@dataclass(frozen=True, slots=True, eq=False)
class Directions:
    """How sigma and mu move with each free cell: d sigma_k = a_k b_k' + b_k a_k', d mu_k.

    Every entry of a model matrix moves sigma by a matrix of rank two, so nothing larger than p x k is kept.

    Attributes
    ----------
    ids : array, shape (k,)
        Parameter (0-based) of each cell; a parameter may have several cells.
    a, b, mu : array, shape (p, k)
    """

    ids: Index
    a: Array
    b: Array
    mu: Array

    def slope(self, by_sigma: Array, by_mu: Array) -> Array:
        """Slope (k) of a function whose slopes by every entry of sigma (symmetric) and by mu are given."""
        return 2 * np.einsum("pk,pk->k", self.a, by_sigma @ self.b) + by_mu @ self.mu

    def bend(self, left: Array, right: Array) -> Array:
        """tr(d sigma_i L d sigma_j R) for all cells (k x k); L and R symmetric.

        References
        ----------
        Magnus & Neudecker (1999), Matrix differential calculus, chapter 2, eq. 2.4: the trace of a product.
        """
        a, b = self.a, self.b
        la, lb = left @ a, left @ b
        ra, rb = (la, lb) if left is right else (right @ a, right @ b)
        mixed = (b.T @ la) * (a.T @ rb)
        other = mixed.T if left is right else (a.T @ lb) * (b.T @ ra)
        return mixed + other + (b.T @ lb) * (a.T @ ra) + (a.T @ la) * (b.T @ rb)

    def cases(self, z: Array) -> Array:
        """z' d sigma_k z and nothing of the mean, for every row of z: shape (n, k)."""
        return 2 * (z @ self.a) * (z @ self.b)

    def flat(self) -> Array:
        """d sigma in columns (p p, k), good for products with a symmetric matrix: both halves stand in one."""
        return 2 * np.einsum("pk,rk->prk", self.a, self.b).reshape(-1, len(self.ids))

    def dense(self) -> Array:
        """d sigma as a k x p x p array."""
        outer = np.einsum("pk,rk->kpr", self.a, self.b)
        return outer + outer.transpose(0, 2, 1)


def directions(structure: Structure, at: Implied) -> Directions:
    """How the implied moments move with each free cell.

    References
    ----------
    Bollen (1989), Structural equations with latent variables, chapter 4; Magnus & Neudecker (1999), chapter 9.
    """
    cells = structure.moving()  # in the structure's order: rows of a candidate list stay in their order
    p, k = structure.p, len(cells)
    a, b, mu = np.zeros((p, k)), np.zeros((p, k)), np.zeros((p, k))
    left, cross, mean_eta = at.parts["left"], at.parts["cross"], at.parts["mean_eta"][:, 0]
    for j, (matrix, row, col, _, _) in enumerate(cells):
        if matrix == "lambda":
            a[row, j], b[:, j] = 1.0, cross[:, col]
            mu[row, j] = mean_eta[col]
        elif matrix == "theta":
            a[row, j], b[col, j] = 1.0, 0.5 if row == col else 1.0
        elif matrix == "psi":
            a[:, j], b[:, j] = left[:, row], left[:, col] * (0.5 if row == col else 1.0)
        elif matrix == "beta":
            a[:, j], b[:, j] = left[:, row], cross[:, col]
            mu[:, j] = left[:, row] * mean_eta[col]
        elif matrix == "nu":
            mu[row, j] = 1.0
        else:
            mu[:, j] = left[:, row]
    return Directions(np.array([cell.free for cell in cells], dtype=np.intp), a, b, mu)


def gather(ids: Index, values: Array, q: int) -> Array:
    """Slopes by cell (last axis) summed into slopes by parameter."""
    out = np.zeros((*values.shape[:-1], q))
    if len(np.unique(ids)) == len(ids):
        out[..., ids] = values
    else:
        np.add.at(out.T, ids, values.T)
    return out


def gather_square(ids: Index, values: Array, q: int) -> Array:
    """Curvature by cells (k x k) summed into curvature by parameters (q x q)."""
    return gather(ids, gather(ids, values, q).T, q).T


def derivatives(structure: Structure, at: Implied, n_free: int) -> tuple[Array, Array]:
    """Derivatives of sigma (n_free x p x p) and mu (n_free x p) of y* by each free parameter, as dense arrays."""
    ways = directions(structure, at)
    d_sigma, d_mu = np.zeros((n_free, structure.p, structure.p)), np.zeros((n_free, structure.p))
    np.add.at(d_sigma, ways.ids, ways.dense())
    np.add.at(d_mu, ways.ids, ways.mu.T)
    return d_sigma, d_mu


def pull_back(structure: Structure, at: Implied, n_free: int, by_sigma: Array, by_mu: Array) -> Array:
    """Gradient by the free parameters (n_free) of a function whose slopes by sigma and mu are given.

    `by_sigma` is symmetric (p x p), the slope by every entry of sigma on its own; `by_mu` has shape (p,).
    """
    parts = at.parts
    left, cross, mean_eta = parts["left"], parts["cross"], parts["mean_eta"][:, 0]
    across, toward = by_sigma @ cross, left.T @ by_mu
    inner = left.T @ by_sigma @ left
    slopes: dict[Matrix, Array] = {
        "lambda": 2 * across + np.outer(by_mu, mean_eta),
        "theta": 2 * by_sigma - np.diag(np.diag(by_sigma)),
        "beta": 2 * left.T @ across + np.outer(toward, mean_eta),
        "nu": by_mu[:, None],
        "alpha": toward[:, None],
        "psi": 2 * inner - np.diag(np.diag(inner)),
    }
    gradient = np.zeros(n_free)
    for name, slope in slopes.items():
        rows, cols, free = structure.places[name]
        np.add.at(gradient, free, slope[rows, cols])
    return gradient
