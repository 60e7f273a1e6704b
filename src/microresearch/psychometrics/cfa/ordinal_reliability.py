"""How reliable are sums of ordered answers, given a fitted model? Categorical omega of each factor's items."""

import numpy as np

from microresearch.numeric.ordinal import pair_index
from microresearch.numeric.ordinal.categories import FAR
from microresearch.numeric.sem_ml import Array, Moments
from microresearch.numeric.sem_structure import implied
from microresearch.psychometrics.matrices import Layout
from microresearch.psychometrics.omega_categorical import green_yang


def ordinal_omegas(layout: Layout, theta: Array, seen: Moments, factor: int, at: list[int]) -> dict[str, float]:
    """Share of the variance of the sum of coded categories that a factor makes.

    `omega` is of what factor and residuals alone imply (NaN where the items measure other factors too, as
    thresholds are those of the whole), `omega2` of what the model implies, `omega3` of the observed polychoric
    correlations.

    References
    ----------
    Green & Yang (2009), Psychometrika 74, 155-167, eq. 21. doi:10.1007/s11336-008-9099-3
    """
    found = implied(layout.structure, theta)
    scale = found.parts["delta"][at, 0]
    loadings = found.parts["lambda"][at, factor] * np.sqrt(found.parts["eta"][factor, factor]) * scale
    first, second = pair_index(len(at))
    outer = np.outer(scale, scale)
    alone = np.outer(loadings, loadings) + found.parts["theta"][np.ix_(at, at)] * outer
    matrices = {
        "omega": alone, "omega2": found.sigma[np.ix_(at, at)] * outer, "omega3": seen.cov[np.ix_(at, at)],
    }  # fmt: skip
    if np.delete(found.parts["lambda"][at], factor, axis=1).any():
        matrices.pop("omega")
    thresholds = _padded(layout, found.parts["tau"][:, 0], found.mu, found.parts["delta"][:, 0], at)
    out = {name: green_yang(loadings, r[first, second], thresholds) for name, r in matrices.items()}
    return {"omega": np.nan} | out


def _padded(layout: Layout, tau: Array, mu: Array, delta: Array, at: list[int]) -> Array:
    """Implied thresholds of some items in standard units, limits on both sides beyond which nothing lies."""
    item = layout.structure.th_item
    rows = [delta[j] * (tau[item == j] - mu[j]) for j in at]
    out = np.full((len(at), max(map(len, rows)) + 2), FAR)
    out[:, 0] = -FAR
    for i, row in enumerate(rows):
        out[i, 1 : len(row) + 1] = row
    return out
