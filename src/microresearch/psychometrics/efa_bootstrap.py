"""How far would the loadings move in another sample? Bootstrap over persons, every replicate aligned to the sample."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from microresearch.errors import ConvergenceError, DataError
from microresearch.numeric.factoring import Extraction, extract
from microresearch.numeric.ordinal import EmptyCells, encode, fit_pairs
from microresearch.numeric.positive_definite import smooth
from microresearch.numeric.rotation import ROTATIONS, Rotated, Rotation, match, procrustes
from microresearch.numeric.rotation.criteria import criterion
from microresearch.numeric.rotation.projection import project
from microresearch.numeric.rotation.rotate import promax_transform
from microresearch.parallel import map_seeded
from microresearch.psychometrics.correlations import pearson

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Replicates:
    """Loadings and factor correlations of the replicates that could be fitted.

    Attributes
    ----------
    loadings : array, shape (n_fitted, n_items, n_factors)
    phi : array, shape (n_fitted, n_factors, n_factors)
    failed : int
        Resamples that could not be fitted.
    """

    loadings: Floats
    phi: Floats
    failed: int


def replicate_loadings(
    values: Floats,
    unrotated: Floats,
    rotated: Rotated,
    *,
    extraction: Extraction,
    rotation: Rotation,
    kind: str,
    target: Floats | None,
    n_boot: int,
    seed: int,
    empty_cells: EmptyCells,
    workers: int | None = None,
) -> Replicates:
    """Resample persons, extract, align, rotate.

    Unrotated loadings of each replicate are turned to the sample's by orthogonal Procrustes; the rotation then starts
    from the sample's transformation, so that rotation varies with the sample but factors neither swap nor flip;
    columns are matched to the sample's by congruence at the end.

    Raises
    ------
    ConvergenceError
        More than one replicate in ten could not be fitted.

    References
    ----------
    Zhang, Preacher & Luo (2010), Multivariate Behavioral Research 45, 104-134. doi:10.1080/00273170903504836
    """

    def one(_: int, rng: np.random.Generator) -> Floats | None:
        rows = rng.integers(0, len(values), len(values))
        try:
            matrix = smooth(_correlations(values[rows], kind, empty_cells)).matrix
            return extract(matrix, unrotated.shape[1], extraction).loadings
        except (DataError, ConvergenceError):
            return None

    stack = [found for found in map_seeded(one, range(n_boot), seed, workers) if found is not None]
    failed = n_boot - len(stack)
    if failed > n_boot / 10:
        raise ConvergenceError(f"{failed} of {n_boot} bootstrap samples could not be fitted.")
    loose = np.array(stack)
    aligned = loose @ procrustes(loose, unrotated)
    turned, phi, lost = _rotated(aligned, rotated, rotation, target)
    if failed + lost > n_boot / 10:
        raise ConvergenceError(f"the rotation of {lost} of {n_boot} bootstrap samples did not converge.")
    for b in range(len(turned)):
        order, signs = match(turned[b], rotated.loadings)
        turned[b] = turned[b][:, order] * signs
        phi[b] = phi[b][np.ix_(order, order)] * np.outer(signs, signs)
    return Replicates(turned, phi, failed + lost)


def _correlations(values: Floats, kind: str, empty_cells: EmptyCells) -> Floats:
    if kind != "polychoric":
        return pearson(values)
    coded = encode(values)
    if (coded.n_categories < 2).any():
        raise DataError("an item is constant in this resample.")
    fit = fit_pairs(coded, empty_cells)
    return fit.matrix(fit.rho, 1.0)


def _rotated(aligned: Floats, sample: Rotated, rotation: Rotation, target: Floats | None) -> tuple[Floats, Floats, int]:
    """Rotated replicates and factor correlations, and how many were lost to the rotation."""
    count, m = len(aligned), aligned.shape[2]
    if m == 1 or rotation == "none":
        return aligned, np.broadcast_to(np.eye(m), (count, m, m)).copy(), 0
    scale = np.sqrt((aligned**2).sum(axis=2, keepdims=True)) if sample.normalized else np.ones((count, 1, 1))
    rows = aligned / scale
    rule = ROTATIONS["varimax" if rotation == "promax" else rotation]
    function = criterion("varimax" if rotation == "promax" else rotation, target)
    start = np.eye(m) if rotation == "promax" else sample.transform
    starts = np.broadcast_to(start, (count, m, m)).copy()
    found = project(rows, function, starts, rule.oblique)
    kept = found.gradients < 1e-5
    transforms = found.transforms[kept]
    if rotation == "promax":
        transforms = np.array([promax_transform(r, t) for r, t in zip(rows[kept], transforms, strict=True)])
    turned = aligned[kept] @ np.linalg.inv(transforms).transpose(0, 2, 1)
    return turned, transforms.transpose(0, 2, 1) @ transforms, int((~kept).sum())
