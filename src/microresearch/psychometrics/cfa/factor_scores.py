"""Where does each person stand on each factor? Scores from the fitted model."""

from typing import Literal

import numpy as np

from microresearch.errors import DataError, Problem, SpecError
from microresearch.numeric.sem_ml import Array, Moments
from microresearch.numeric.sem_ordinal_scores import posterior_modes
from microresearch.numeric.sem_structure import Implied, Index, implied
from microresearch.psychometrics.matrices import Layout

ScoreMethod = Literal["regression", "bartlett", "ebm"]


def group_scores(values: Array, layout: Layout, theta: Array, seen: Moments, method: ScoreMethod) -> Array:
    """Scores (n x factors) of people of one group from what each of them answered; NaN for who answered nothing.

    References
    ----------
    Thurstone (1935) for "regression", Bartlett (1937) for "bartlett"; Lawley & Maxwell (1971), eqs. 8.3 and 8.9.
    """
    if method not in ("regression", "bartlett"):
        raise SpecError(Problem("unknown method of scores", value=str(method), allowed="regression, bartlett"))
    at = implied(layout.structure, theta)
    mu = at.mu if layout.structure.means else seen.mean
    out = np.full((len(values), len(layout.eta)), np.nan)
    answered = ~np.isnan(values)
    kinds, which = np.unique(answered, axis=0, return_inverse=True)
    for number, kind in enumerate(kinds):
        rows, o = np.flatnonzero(which.ravel() == number), np.flatnonzero(kind)
        if len(o):
            away = values[np.ix_(rows, o)] - mu[o]
            out[rows] = away @ _weights(at, o, method).T + at.parts["mean_eta"][:, 0]
    return out[:, : layout.n_latent]


def _weights(at: Implied, o: Index, method: ScoreMethod) -> Array:
    """Weights (eta x items) of the answered items."""
    if method == "regression":
        return np.asarray(np.linalg.solve(at.sigma[np.ix_(o, o)], at.parts["cross"][o]).T, dtype=np.float64)
    loadings, errors = at.parts["lambda"][o], at.parts["theta"][np.ix_(o, o)]
    try:
        left = np.linalg.solve(errors, loadings).T
        return np.asarray(np.linalg.solve(left @ loadings, left), dtype=np.float64)
    except np.linalg.LinAlgError:
        reason = "Bartlett scores need residual variances above zero and a factor for every item"
        raise SpecError(Problem(reason, mend='take method="regression"')) from None


def ordinal_scores(
    values: Array, layout: Layout, theta: Array, categories: dict[str, Array], method: ScoreMethod | None
) -> Array:
    """Scores (n x factors) of people of one group from their ordered answers; NaN for who answered nothing.

    References
    ----------
    Muthen (1998), Mplus technical appendices, appendix 11 (maximum a posteriori scores of ordered items).
    """
    if method not in (None, "ebm"):
        raise SpecError(Problem("scores of ordered items have another method", value=str(method), allowed="ebm"))
    codes = np.full(values.shape, -1, dtype=np.int64)
    problems = []
    for j, name in enumerate(layout.observed):
        seen, known = ~np.isnan(values[:, j]), categories[name]
        codes[seen, j] = np.minimum(np.searchsorted(known, values[seen, j]), len(known) - 1)
        if (known[codes[seen, j]] != values[seen, j]).any():
            allowed = ", ".join(f"{code:g}" for code in known)
            problems.append(Problem("a category that the model was not fitted to", column=name, allowed=allowed))
    if problems:
        raise DataError(problems)
    return posterior_modes(codes, layout.structure, implied(layout.structure, theta))[:, : layout.n_latent]
