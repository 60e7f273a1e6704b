"""Where is a rotation criterion smallest? Gradient projection from many starts at once."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from microresearch.numeric.rotation.criteria import Criterion

Floats = NDArray[np.float64]

TOLERANCE = 1e-7
"""Norm of the projected gradient, in units of loadings scaled to a mean squared length of 1."""
MAX_STEPS = 5000


@dataclass(frozen=True, slots=True, eq=False)
class Optima:
    """Where each start ended.

    Attributes
    ----------
    transforms : array, shape (n_starts, n_factors, n_factors)
        T: loadings are A T for orthogonal rotations, A inv(T)' for oblique ones; factor correlations T'T.
    values : array, shape (n_starts,)
    gradients : array, shape (n_starts,)
    steps : int array, shape (n_starts,)
    """

    transforms: Floats
    values: Floats
    gradients: Floats
    steps: NDArray[np.int64]


def project(loadings: Floats, function: Criterion, starts: Floats, oblique: bool) -> Optima:
    """Minimise a criterion over orthogonal or oblique transformations, each start by itself.

    Gradient projection with a line search that never accepts a larger value; the first length tried is
    Barzilai and Borwein's.

    Parameters
    ----------
    loadings : array, shape (n_items, n_factors), or (n_starts, n_items, n_factors)
    starts : array, shape (n_starts, n_factors, n_factors)
        Orthogonal matrices, or for oblique rotations any with unit columns.

    References
    ----------
    Jennrich (2001), Psychometrika 66, 289-306. doi:10.1007/BF02294840
    Jennrich (2002), Psychometrika 67, 7-19. doi:10.1007/BF02294706
    """
    count = len(starts)
    whole = np.broadcast_to(loadings, (count, *loadings.shape[-2:]))
    transforms = starts.copy()
    values, gradients = np.full(count, np.inf), np.full(count, np.inf)
    steps = np.zeros(count, dtype=np.int64)
    todo = np.arange(count)
    here = _State(whole, transforms, function, oblique)
    length = np.ones(count)
    for step in range(MAX_STEPS + 1):
        values[todo], gradients[todo], steps[todo], transforms[todo] = here.value, here.norm, step, here.transform
        alive = here.norm > TOLERANCE
        if step == MAX_STEPS or not alive.any():
            break
        todo, length, here = todo[alive], length[alive], here.only(alive)
        there, moved = _descend(here, length)
        length = _next_length(here, there, length)
        # a start that cannot be bettered to rounding has arrived
        todo, length, here = todo[moved], length[moved], there.only(moved)
        if not todo.size:
            break
    return Optima(transforms, values, gradients, steps)


class _State:
    """Transformations with the criterion's value and projected gradient there."""

    def __init__(self, loadings: Floats, transform: Floats, function: Criterion, oblique: bool) -> None:
        self.loadings, self.transform, self.function, self.oblique = loadings, transform, function, oblique
        if oblique:
            inverse = np.linalg.inv(transform)
            turned = loadings @ inverse.transpose(0, 2, 1)
            self.value, slope = function(turned)
            by_transform = -(turned.transpose(0, 2, 1) @ slope @ inverse).transpose(0, 2, 1)
            along = (transform * by_transform).sum(axis=1, keepdims=True)
            self.gradient = by_transform - transform * along
        else:
            self.value, slope = function(loadings @ transform)
            by_transform = loadings.transpose(0, 2, 1) @ slope
            inner = transform.transpose(0, 2, 1) @ by_transform
            self.gradient = by_transform - transform @ ((inner + inner.transpose(0, 2, 1)) / 2)
        self.norm: Floats = np.sqrt((self.gradient**2).sum(axis=(1, 2)))

    def only(self, mask: NDArray[np.bool_]) -> "_State":
        """The starts where `mask` is true."""
        if mask.all():
            return self
        out = object.__new__(_State)
        out.loadings, out.transform, out.function = self.loadings[mask], self.transform[mask], self.function
        out.oblique, out.value = self.oblique, self.value[mask]
        out.gradient, out.norm = self.gradient[mask], self.norm[mask]
        return out

    def moved(self, length: Floats) -> "_State":
        """The states `length` down the gradient, back on the manifold."""
        free = self.transform - length[:, None, None] * self.gradient
        if self.oblique:
            free = free / np.sqrt((free**2).sum(axis=1, keepdims=True))
        else:
            left, _, right = np.linalg.svd(free)
            free = left @ right
        return _State(self.loadings, free, self.function, self.oblique)

    def replace(self, mask: NDArray[np.bool_], other: "_State") -> "_State":
        """These states with the masked ones taken from `other` (which holds those alone)."""
        out = object.__new__(_State)
        out.loadings, out.function, out.oblique = self.loadings, self.function, self.oblique
        out.transform, out.value = self.transform.copy(), self.value.copy()
        out.gradient, out.norm = self.gradient.copy(), self.norm.copy()
        out.transform[mask], out.value[mask] = other.transform, other.value
        out.gradient[mask], out.norm[mask] = other.gradient, other.norm
        return out


def _descend(here: _State, length: Floats) -> tuple[_State, NDArray[np.bool_]]:
    """States with smaller values, and which starts found one; `length` is halved in place until they do."""
    there = here.moved(length)
    for _ in range(40):
        bad = ~(there.value <= here.value - 1e-4 * length * here.norm**2)
        if not bad.any():
            return there, ~bad
        length[bad] /= 2
        there = there.replace(bad, here.only(bad).moved(length[bad]))
    return there, ~bad


def _next_length(here: _State, there: _State, length: Floats) -> Floats:
    """Barzilai and Borwein's step length; twice the last one where the gradient did not bend."""
    change = there.transform - here.transform
    bend = (change * (there.gradient - here.gradient)).sum(axis=(1, 2))
    size = (change**2).sum(axis=(1, 2))
    bent = bend > 1e-12 * size
    return np.clip(np.where(bent, size / np.where(bent, bend, 1.0), 2 * length), 1e-8, 1e8)
