"""How much of a scale score is due to one general factor? Omega hierarchical by the Schmid-Leiman transformation."""

import numpy as np

from microresearch.errors import ConvergenceError
from microresearch.numeric.factoring import extract
from microresearch.numeric.moments import Floats
from microresearch.numeric.resample import bootstrap_covariances
from microresearch.numeric.rotation import Rotated, rotate
from microresearch.psychometrics.coefficients import standardise
from microresearch.psychometrics.omega_estimate import Estimate, usable


def hierarchical_omega(x: Floats, m: int, n_boot: int, seed: int) -> Estimate:
    """(sum of general loadings)^2 / sum of R, for complete answers of shape (n, k), with bootstrap draws.

    Bootstrap samples rotate from the sample's own solution, so that no draw changes to another optimum by chance.

    References
    ----------
    Schmid & Leiman (1957), Psychometrika 22, 53-61. doi:10.1007/BF02289209
    Zinbarg, Revelle, Yovel & Li (2005), Psychometrika 70, 123-133, eq. 7. doi:10.1007/s11336-003-0974-7
    """
    r = np.corrcoef(x, rowvar=False)
    general, psi, rotated, notes = _solution(r, m, None)
    estimate, total = float(general.sum() ** 2 / r.sum()), float(1 - psi.sum() / r.sum())
    values = np.full(n_boot, np.nan)
    for b, covariance in enumerate(bootstrap_covariances(x, n_boot, np.random.default_rng(seed))):
        sample = standardise(covariance)
        try:
            loadings = _solution(sample, m, rotated)[0]
        except ConvergenceError:
            continue
        values[b] = loadings.sum() ** 2 / sample.sum()
    values, lost = usable(values)
    method = (
        f"{m} factors by minimum residuals on correlations, oblimin, Schmid-Leiman; standardised items; "
        f"optimum reached by {rotated.share:.0%} of {rotated.n_starts} starts"
    )
    se = float(values.std(ddof=1))
    return Estimate(estimate, se, general, psi, method, values, notes + lost, total)


def _solution(r: Floats, m: int, near: Rotated | None) -> tuple[Floats, Floats, Rotated, tuple[str, ...]]:
    """General loadings, uniquenesses, the rotation, and warnings; from one start when a solution is near."""
    found = extract(r, m, "minres")
    if near is None:
        rotated = rotate(found.loadings, "oblimin")
    else:
        rotated = rotate(found.loadings, "oblimin", n_starts=1, first=near.transform)
    second = extract(rotated.phi, 1, "minres")
    notes = ("Heywood case among the second-order loadings",) if second.at_bound.any() else ()
    return rotated.loadings @ second.loadings[:, 0], found.uniquenesses, rotated, notes
