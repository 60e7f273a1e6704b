"""How complex is a loading matrix? Rotation criteria and their gradients, for many matrices at once."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Criterion = Callable[[Floats], tuple[Floats, Floats]]
"""Loadings, shape (n_starts, n_items, n_factors) -> value, shape (n_starts,), and gradient, shape of the loadings."""

Rotation = Literal[
    "none", "varimax", "quartimax", "promax", "oblimin", "geomin", "geomin_orthogonal", "bifactor", "bifactor_oblique",
    "target", "target_orthogonal",
]  # fmt: skip

GEOMIN_DELTA = 0.01
"""Yates's geomin with the small constant of Browne (2001); GPArotation's default."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What a rotation is: its kind, whether Kaiser normalisation is usual, and where it stands."""

    oblique: bool
    normalize: bool
    source: str


ROTATIONS: dict[str, Rule] = {
    "none": Rule(False, False, "principal axes of the common part"),
    "varimax": Rule(False, True, "Kaiser (1958)"),
    "quartimax": Rule(False, False, "Neuhaus & Wrigley (1954)"),
    "promax": Rule(True, True, "Hendrickson & White (1964), power 4"),
    "oblimin": Rule(True, False, "Jennrich & Sampson (1966), gamma 0 (direct quartimin)"),
    "geomin": Rule(True, False, "Yates (1987), delta 0.01"),
    "geomin_orthogonal": Rule(False, False, "Yates (1987), delta 0.01"),
    "bifactor": Rule(False, False, "Jennrich & Bentler (2011)"),
    "bifactor_oblique": Rule(True, False, "Jennrich & Bentler (2012)"),
    "target": Rule(True, False, "Browne (1972), partially specified target"),
    "target_orthogonal": Rule(False, False, "Browne (1972), partially specified target"),
}


def criterion(rotation: Rotation, target: Floats | None = None) -> Criterion:
    """The function that a rotation makes small; "none" and "promax" have none."""
    if rotation.startswith("target"):
        if target is None:
            raise ValueError("a target rotation needs a target")
        return partial(_target, target=target)
    named: dict[str, Criterion] = {
        "varimax": _varimax,
        "quartimax": _quartimax,
        "oblimin": _quartimin,
        "geomin": _geomin,
        "geomin_orthogonal": _geomin,
        "bifactor": _bifactor,
        "bifactor_oblique": _bifactor,
    }
    return named[rotation]


def _total(values: Floats) -> Floats:
    return values.sum(axis=(1, 2))


def _varimax(loadings: Floats) -> tuple[Floats, Floats]:
    """Minus a quarter of the variance of squared loadings, summed over factors."""
    squares = loadings**2
    spread = squares - squares.mean(axis=1, keepdims=True)
    return -_total(spread**2) / 4, -loadings * spread


def _quartimax(loadings: Floats) -> tuple[Floats, Floats]:
    return -_total(loadings**4) / 4, -(loadings**3)


def _quartimin(loadings: Floats) -> tuple[Floats, Floats]:
    """A quarter of the cross-products of squared loadings over pairs of factors (Jennrich 2002, eq. 24)."""
    squares = loadings**2
    others = squares.sum(axis=2, keepdims=True) - squares
    return _total(squares * others) / 4, loadings * others


def _geomin(loadings: Floats) -> tuple[Floats, Floats]:
    """Geometric mean of an item's squared loadings, summed over items (Browne 2001, eq. 13)."""
    lifted = loadings**2 + GEOMIN_DELTA
    k = loadings.shape[2]
    mean = np.exp(np.log(lifted).mean(axis=2, keepdims=True))
    return mean.sum(axis=(1, 2)), 2 / k * loadings / lifted * mean


def _bifactor(loadings: Floats) -> tuple[Floats, Floats]:
    """Quartimin over all factors but the first, which is free (Jennrich & Bentler 2011, eq. 4)."""
    value, slope = _quartimin(loadings[:, :, 1:])
    return value, np.concatenate([np.zeros_like(loadings[:, :, :1]), slope], axis=2)


def _target(loadings: Floats, target: Floats) -> tuple[Floats, Floats]:
    """Squared distance from the target's specified entries; NaN entries are free."""
    gap = np.where(np.isnan(target), 0.0, loadings - np.nan_to_num(target))
    return _total(gap**2), 2 * gap
