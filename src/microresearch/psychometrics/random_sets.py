"""What eigenvalues would items without any factor have? Random data sets of the same size, holes and answers."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from microresearch.errors import DataError
from microresearch.numeric.ordinal import Coded, EmptyCells, encode, fit_pairs
from microresearch.numeric.positive_definite import smooth
from microresearch.numeric.retention import Communalities, component_eigenvalues, factor_eigenvalues
from microresearch.parallel import map_seeded
from microresearch.psychometrics.correlations import pearson

Floats = NDArray[np.float64]
Draw = Literal["normal", "permuted"]


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """What a random set copies from the data.

    Attributes
    ----------
    n, p : int
        Persons and items.
    values : array, shape (n, p), or None
        The answers, with holes; None if only a matrix is known.
    coded : Coded or None
        The answers as categories, for polychorics.
    """

    n: int
    p: int
    values: Floats | None
    coded: Coded | None


def shape_of(values: Floats | None, n: int, p: int, polychoric: bool) -> Shape:
    """The shape of items, or of n persons by p normal variables."""
    return Shape(n, p, values, encode(values) if polychoric and values is not None else None)


def random_eigenvalues(
    shape: Shape,
    draw: Draw,
    n_sets: int,
    seed: int,
    communalities: Communalities,
    empty_cells: EmptyCells,
    workers: int | None = None,
) -> tuple[Floats, Floats]:
    """Eigenvalues of components and of factors, each of shape (n_sets, n_items), largest first.

    "permuted" shuffles every item's own answers over the persons who gave one. "normal" draws independent normal
    variables; for polychorics they are cut so that categories are as frequent as the item's.
    """

    def one(_: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
        matrix = smooth(_matrix(shape, draw, rng, empty_cells)).matrix
        return component_eigenvalues(matrix), factor_eigenvalues(matrix, communalities)

    root = np.random.SeedSequence([seed, 1 if draw == "permuted" else 0])
    components, factors = zip(*map_seeded(one, range(n_sets), root, workers), strict=True)
    return np.array(components), np.array(factors)


def _matrix(shape: Shape, draw: Draw, rng: np.random.Generator, empty_cells: EmptyCells) -> Floats:
    if shape.coded is None:
        return pearson(_numbers(shape, draw, rng))
    for _ in range(100):
        codes = _codes(shape.coded, draw, rng)
        used = Coded(codes, shape.coded.n_categories)
        if draw == "permuted" or _all_used(used):
            fit = fit_pairs(used, empty_cells)
            return fit.matrix(fit.rho, 1.0)
    raise DataError("a category is so rare that random sets of this size miss it; merge it with its neighbour.")


def _numbers(shape: Shape, draw: Draw, rng: np.random.Generator) -> Floats:
    if shape.values is None:
        return rng.standard_normal((shape.n, shape.p))
    holes = np.isnan(shape.values)
    if draw == "normal":
        return np.where(holes, np.nan, rng.standard_normal(shape.values.shape))
    if not holes.any():
        return np.asarray(rng.permuted(shape.values, axis=0), dtype=np.float64)
    out = shape.values.copy()
    for j in range(out.shape[1]):
        out[~holes[:, j], j] = rng.permutation(out[~holes[:, j], j])
    return out


def _codes(coded: Coded, draw: Draw, rng: np.random.Generator) -> NDArray[np.int64]:
    """Categories of a random set; holes stay where they are.

    A normal variable cut at an item's thresholds is a draw from the item's category shares.
    """
    out = coded.codes.copy()
    for j in range(out.shape[1]):
        seen = out[:, j] >= 0
        own = out[seen, j]
        if draw == "permuted":
            out[seen, j] = rng.permutation(own)
        else:
            share = np.cumsum(np.bincount(own, minlength=int(coded.n_categories[j]))) / len(own)
            share[-1] = 1.0
            out[seen, j] = np.searchsorted(share, rng.random(len(own)), side="right")
    return out


def _all_used(coded: Coded) -> bool:
    return all(
        len(np.unique(column[column >= 0])) == k for column, k in zip(coded.codes.T, coded.n_categories, strict=True)
    )
