"""What do the rotated factors look like? One rotation by name, from many starts, ordered and signed by rule."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from microresearch.errors import ConvergenceError
from microresearch.numeric.rotation.arrange import arrange
from microresearch.numeric.rotation.criteria import ROTATIONS, Rotation, criterion
from microresearch.numeric.rotation.projection import Optima, project

Floats = NDArray[np.float64]

PROMAX_POWER = 4
SAME_OPTIMUM = 1e-6
"""Criterion values closer than this, relative to the loadings' scale, are one optimum."""


@dataclass(frozen=True, slots=True, eq=False)
class Rotated:
    """Rotated factors.

    Attributes
    ----------
    loadings : array, shape (n_items, n_factors)
        Pattern.
    phi : array, shape (n_factors, n_factors)
        Factor correlations.
    transform : array, shape (n_factors, n_factors)
        T: loadings = unrotated inv(T)', phi = T'T; order and signs included.
    criterion : float
        Value at the optimum, of the matrix that was rotated (Kaiser-normalised if so asked); 0 if there is none.
    normalized : bool
    n_starts : int
    n_optima : int
        Different values that the starts ended at.
    share : float
        Share of starts that ended at the best value.
    """

    loadings: Floats
    phi: Floats
    transform: Floats
    criterion: float
    normalized: bool
    n_starts: int
    n_optima: int
    share: float


def rotate(
    loadings: Floats,
    rotation: Rotation,
    *,
    normalize: bool | None = None,
    target: Floats | None = None,
    n_starts: int = 30,
    seed: int = 0,
    first: Floats | None = None,
) -> Rotated:
    """Rotate loadings.

    Parameters
    ----------
    loadings : array, shape (n_items, n_factors)
    rotation : name in `ROTATIONS`
    normalize : bool, optional
        Kaiser's normalisation: rows scaled to length 1 while rotating. By default as the rotation's rule says.
    target : array, shape (n_items, n_factors)
        For target rotations; NaN where free.
    n_starts : int
        One from `first` (or the identity), the others from random orthogonal matrices.
    seed : int
    first : array, shape (n_factors, n_factors), optional
        Transformation to start from.

    Raises
    ------
    ConvergenceError
        The gradient at the best start did not vanish.
    """
    p, m = loadings.shape
    rule = ROTATIONS[rotation]
    scale = np.ones(p)
    if normalize is None:
        normalize = rule.normalize
    if normalize and rotation != "none":
        length = np.sqrt((loadings**2).sum(axis=1))
        scale = np.where(length > 0, length, 1.0)
    rows = loadings / scale[:, None]
    if m == 1 or rotation == "none":
        transform, value, n_starts, n_optima, share = np.eye(m), 0.0, 1, 1, 1.0
    elif rotation == "promax":
        transform, value, n_optima, share = _promax(rows, n_starts, seed, first)
    else:
        # a target speaks of the loadings themselves, so normalised rows need a normalised target
        goal = None if target is None else target / scale[:, None]
        transform, value, n_optima, share = _best(rows, rotation, goal, n_starts, seed, first)
    return _finished(loadings, transform, rotation, value, normalize, n_starts, n_optima, share)


def _finished(
    loadings: Floats, transform: Floats, rotation: Rotation, value: float, normalize: bool, *starts: float
) -> Rotated:
    turned = loadings @ np.linalg.inv(transform).T
    m = loadings.shape[1]
    fixed = m if rotation.startswith("target") else int(rotation.startswith("bifactor"))
    order, signs = arrange(turned, fixed)
    if rotation.startswith("target"):
        signs = np.ones(m)
    transform = transform[:, order] * signs
    phi = transform.T @ transform
    np.fill_diagonal(phi, 1.0)
    if not ROTATIONS[rotation].oblique:
        phi = np.eye(m)
    n_starts, n_optima, share = starts
    return Rotated(
        turned[:, order] * signs, phi, transform, value, normalize, int(n_starts), int(n_optima), float(share)
    )


def random_starts(m: int, n_starts: int, seed: int, first: Floats | None) -> Floats:
    """The first start and random orthogonal matrices, shape (n_starts, m, m)."""
    draws = np.random.default_rng(seed).standard_normal((max(n_starts, 1), m, m))
    q, r = np.linalg.qr(draws)
    starts = q * np.sign(np.diagonal(r, axis1=1, axis2=2))[:, None, :]
    starts[0] = np.eye(m) if first is None else first
    return starts


def _best(
    rows: Floats, rotation: Rotation, target: Floats | None, n_starts: int, seed: int, first: Floats | None
) -> tuple[Floats, float, int, float]:
    starts = random_starts(rows.shape[1], n_starts, seed, first)
    found = project(rows, criterion(rotation, target), starts, ROTATIONS[rotation].oblique)
    return _pick(found, float((rows**2).sum()))


def _pick(found: Optima, size: float) -> tuple[Floats, float, int, float]:
    """The first start that reached the smallest value, that value, how many optima there were, and the share."""
    tolerance = SAME_OPTIMUM * max(size, 1.0)
    least = float(found.values.min())
    reached = found.values <= least + tolerance
    best = int(np.flatnonzero(reached)[np.argmin(found.gradients[reached])])
    if found.gradients[best] > 1e-5:
        steps = int(found.steps[best])
        raise ConvergenceError(f"rotation: projected gradient {found.gradients[best]:.1e} after {steps} steps.")
    n_optima = 1 + int((np.diff(np.sort(found.values)) > tolerance).sum())
    return found.transforms[best], least, n_optima, float(reached.mean())


def _promax(rows: Floats, n_starts: int, seed: int, first: Floats | None) -> tuple[Floats, float, int, float]:
    """Least-squares fit to powered varimax loadings; `rows` are normalised already if they are to be."""
    turn, value, n_optima, share = _best(rows, "varimax", None, n_starts, seed, first)
    return promax_transform(rows, turn), value, n_optima, share


def promax_transform(rows: Floats, turn: Floats) -> Floats:
    """Promax's transformation T, shape (n_factors, n_factors), from the varimax rotation `turn` of `rows`."""
    loadings = rows @ turn
    powered = loadings * np.abs(loadings) ** (PROMAX_POWER - 1)
    fitted = np.linalg.lstsq(loadings, powered, rcond=None)[0]
    unit = fitted * np.sqrt(np.diag(np.linalg.inv(fitted.T @ fitted)))
    # loadings are rows @ turn @ unit, that is rows @ inv(T)' with T = inv(turn @ unit)'
    return np.linalg.inv(turn @ unit).T.astype(np.float64)
