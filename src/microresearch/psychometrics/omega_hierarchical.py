"""How much of a scale score is due to one general factor? Omega hierarchical by the Schmid-Leiman transformation."""

import numpy as np

from microresearch.errors import ConvergenceError
from microresearch.numeric.delta import correlation_error
from microresearch.numeric.factoring import LOWEST, Extracted, extract
from microresearch.numeric.moments import Floats
from microresearch.numeric.one_factor import fit_least_squares
from microresearch.numeric.resample import bootstrap_covariances
from microresearch.numeric.rotation import Rotated, procrustes, rotate
from microresearch.numeric.rotation.criteria import criterion
from microresearch.numeric.rotation.projection import project
from microresearch.psychometrics.coefficients import standardise
from microresearch.psychometrics.omega_estimate import Estimate, usable


def hierarchical_omega(x: Floats, m: int, how: str, n_boot: int, seed: int) -> Estimate:
    """(sum of general loadings)^2 / sum of R, for complete answers of shape (n, k).

    Neighbouring matrices (bootstrap samples, or correlations that move a little) are aligned with the sample's
    factors and rotated from its solution, so that none changes to another optimum by chance.

    References
    ----------
    Schmid & Leiman (1957), Psychometrika 22, 53-61. doi:10.1007/BF02289209
    Zinbarg, Revelle, Yovel & Li (2005), Psychometrika 70, 123-133, eq. 7. doi:10.1007/s11336-003-0974-7
    """
    r = np.corrcoef(x, rowvar=False)
    found = extract(r, m, "minres")
    rotated = rotate(found.loadings, "oblimin")
    second = extract(rotated.phi, 1, "minres")
    general, psi = rotated.loadings @ second.loadings[:, 0], found.uniquenesses
    notes = ("Heywood case among the second-order loadings",) if second.at_bound.any() else ()
    estimate, total = float(general.sum() ** 2 / r.sum()), float(1 - psi.sum() / r.sum())
    method = (
        f"{m} factors by minimum residuals on correlations, oblimin, Schmid-Leiman; standardised items; "
        f"optimum reached by {rotated.share:.0%} of {rotated.n_starts} starts"
    )
    if how == "robust":
        se = correlation_error(x, lambda near: _shares(near, found, rotated))
        return Estimate(estimate, se, general, psi, method, None, notes, total)
    draws = standardise(bootstrap_covariances(x, n_boot, np.random.default_rng(seed)))
    values, lost = usable(_shares(draws, found, rotated))
    return Estimate(estimate, float(values.std(ddof=1)), general, psi, method, values, notes + lost, total)


def _shares(matrices: Floats, sample: Extracted, rotated: Rotated) -> Floats:
    """Omega hierarchical of matrices near the sample's, shape (some,); NaN where there is no solution."""
    values, loose = np.full(len(matrices), np.nan), np.empty((len(matrices), *sample.loadings.shape))
    met = np.ones(len(matrices), dtype=np.bool_)
    for b, matrix in enumerate(matrices):
        try:
            loose[b] = extract(matrix, loose.shape[2], "minres", sample.uniquenesses).loadings
        except ConvergenceError:
            met[b] = False
    aligned = loose[met] @ procrustes(loose[met], sample.loadings)
    starts = np.broadcast_to(rotated.transform, (len(aligned), *rotated.transform.shape)).copy()
    found = project(aligned, criterion("oblimin"), starts, oblique=True)
    turned = aligned @ np.linalg.inv(found.transforms).transpose(0, 2, 1)
    phi = found.transforms.transpose(0, 2, 1) @ found.transforms
    general = np.einsum("bkm,bm->bk", turned, _second_order(phi))
    shares = general.sum(axis=1) ** 2 / matrices[met].sum(axis=(1, 2))
    values[met] = np.where(found.gradients < 1e-5, shares, np.nan)
    return values


def _second_order(phi: Floats) -> Floats:
    """Loadings of the factors on a general one by minimum residuals, shape (some, m), bounded as `extract` bounds."""
    fit = fit_least_squares(phi)
    loadings = fit.loadings
    for b in np.flatnonzero(~fit.converged | (loadings**2 > 1 - LOWEST).any(axis=1)):
        try:
            loadings[b] = extract(phi[b], 1, "minres").loadings[:, 0]
        except ConvergenceError:
            loadings[b] = np.nan
    return loadings
