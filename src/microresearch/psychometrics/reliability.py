"""How reliable is one scale, by every coefficient that a reviewer may ask for? Side by side."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy import stats

from microresearch.errors import ConvergenceError, DataError
from microresearch.numeric.moments import Floats
from microresearch.numeric.ordinal import encode, fit_pairs, influence
from microresearch.numeric.resample import bootstrap_covariances, leave_one_out_covariances
from microresearch.psychometrics.alpha import SINGLE, checked_moments
from microresearch.psychometrics.alpha_interval import robust_interval
from microresearch.psychometrics.coefficients import alpha_of, lambda2, lambda6, measurement_error, standardise
from microresearch.psychometrics.omega import omega
from microresearch.psychometrics.ordinal_input import check_codes
from microresearch.psychometrics.scores import pick_items
from microresearch.responses import Responses
from microresearch.results import tidy

Coefficient = Callable[[Floats], Floats]
ERROR = "standard error of measurement"


@dataclass(frozen=True, slots=True, eq=False)
class Reliability:
    """Coefficients of one scale, from persons who answered every item.

    Attributes
    ----------
    table : DataFrame
        Tidy: term, group (scale), estimate, se, ci_low, ci_high, n, method; `note` where a number cannot be had.
    n_used, n_dropped, n_items, n_boot, seed : int
    """

    table: pd.DataFrame
    n_used: int
    n_dropped: int
    n_items: int
    n_boot: int
    seed: int

    def to_frame(self) -> pd.DataFrame:
        """The table."""
        return self.table


def reliability(
    items: pd.DataFrame | Responses,
    columns: str | Sequence[str] | None = None,
    confidence: float = 0.95,
    n_boot: int = 1000,
    seed: int = 1,
) -> Reliability:
    """Alpha (raw, standardised, ordinal), Guttman's lambda-2 and lambda-6, omega and the standard error of measurement.

    Parameters
    ----------
    items : DataFrame (persons x items, keyed) or Responses
    columns : str or sequence of str, optional
        Items in a larger frame; with `Responses` the code of a characteristic.
    confidence : float, default 0.95
    n_boot, seed : int
        Of the bootstrap percentiles of alpha, which stand beside its own interval. The others have the jackknife or
        the delta method: in `benchmarks/calibrate/reliability.csv` percentiles of them hold their level less often.

    Returns
    -------
    Reliability

    Raises
    ------
    DataError
        Fewer than two items, items that do not vary, too few persons.

    Notes
    -----
    The standard error of measurement is sd sqrt(1 - alpha), of the mean of the items, in scale points. Ordinal alpha
    describes variables behind the answers, not the sum of the answers (Chalmers 2018): categorical omega does that.

    References
    ----------
    Guttman (1945), Psychometrika 10, 255-282, eqs. 31 and 44. doi:10.1007/BF02288892
    Zumbo, Gadermann & Zeisser (2007), Journal of Modern Applied Statistical Methods 6, 21-29 (ordinal alpha).

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> items = pd.DataFrame(np.rint(3 + rng.normal(size=(200, 1)) + rng.normal(size=(200, 4))))
    >>> reliability(items, n_boot=200).table.set_index("term")["estimate"].round(2).head(3).tolist()
    [0.77, 0.77, 0.77]
    """
    frame = pick_items(items, columns)
    if frame.shape[1] < 2:
        raise DataError(SINGLE + ".")
    x = frame.dropna().to_numpy(np.float64)
    bounds = robust_interval(x, checked_moments(x, frame.columns), confidence)
    group = columns if isinstance(columns, str) else ""
    base: dict[str, object] = {"group": group, "n": len(x)}
    covariance = np.cov(x, rowvar=False)
    rows: list[dict[str, object]] = [
        {"term": "alpha", "estimate": float(alpha_of(covariance)), "ci_low": bounds.low, "ci_high": bounds.high,
         "method": f"covariances; {bounds.method}"},
        _bootstrapped(x, covariance, confidence, n_boot, seed),
        *(jackknifed_row(term, x, covariance, confidence) for term in COEFFICIENTS),
        ordinal_row(x, confidence),
        *(_omega(frame, kind, confidence) for kind in ("total", "categorical")),
    ]  # fmt: skip
    table = tidy([row | base for row in rows], extra=("method", "note"))
    return Reliability(table, len(x), len(frame) - len(x), x.shape[1], n_boot, seed)


COEFFICIENTS: dict[str, Coefficient] = {
    "alpha, standardised": lambda s: alpha_of(standardise(s)),
    "lambda-2": lambda2,
    "lambda-2, standardised": lambda s: lambda2(standardise(s)),
    "lambda-6": lambda6,
    "lambda-6, standardised": lambda s: lambda6(standardise(s)),
    ERROR: measurement_error,
}


def jackknifed_row(term: str, x: Floats, covariance: Floats, confidence: float) -> dict[str, object]:
    """A coefficient with its jackknife on the scale of log(1 - coefficient); on its own log for the error."""
    coefficient, n = COEFFICIENTS[term], len(x)
    estimate = float(coefficient(covariance))
    if not np.isfinite(estimate):
        return {
            "term": term,
            "note": "the covariances are singular: an item is a sum of others, or persons are too few",
        }
    how = "correlations" if "standardised" in term else "covariances"
    scale = "log" if term == ERROR else "log(1 - coefficient)"
    row: dict[str, object] = {"term": term, "estimate": estimate, "method": f"{how}; jackknife of {scale}"}
    without = _without_each(coefficient, x, covariance)
    left = estimate if term == ERROR else 1 - estimate
    without = without if term == ERROR else 1 - without
    if not (np.append(without, left) > 1e-10).all():
        return row | {"method": how, "note": "without some person the coefficient is at its limit: no error to report"}
    logs = np.log(without)
    se = float(np.sqrt((n - 1) / n * ((logs - logs.mean()) ** 2).sum()))
    return row | _on_log(left, se, n, confidence, term != ERROR)


def _without_each(coefficient: Coefficient, x: Floats, covariance: Floats) -> Floats:
    """The coefficient without each person in turn, shape (n,); NaN where some item does not vary among the others."""
    least = 1e-10 * np.diag(covariance)
    found = []
    for block in leave_one_out_covariances(x):
        varied = (np.einsum("bii->bi", block) > least).all(axis=1)
        safe = np.where(varied[:, None, None], block, covariance)
        found.append(np.where(varied, coefficient(safe), np.nan))
    return np.concatenate(found)


def _on_log(left: float, se: float, n: int, confidence: float, below_one: bool) -> dict[str, object]:
    """Error and bounds of what is left, or of 1 less that, from the error of its logarithm; t with n - 1 df."""
    wide = float(stats.t.ppf(0.5 + confidence / 2, n - 1)) * se
    low, high = float(left * np.exp(-wide)), float(left * np.exp(wide))
    return {"se": left * se, "ci_low": 1 - high if below_one else low, "ci_high": 1 - low if below_one else high}


def _bootstrapped(x: Floats, covariance: Floats, confidence: float, n_boot: int, seed: int) -> dict[str, object]:
    sampled = bootstrap_covariances(x, n_boot, np.random.default_rng(seed))
    draws = alpha_of(sampled[sampled.sum(axis=(1, 2)) > 0])  # where the total varies
    low, high = np.quantile(draws, [(1 - confidence) / 2, (1 + confidence) / 2])
    return {"term": "alpha, bootstrap", "estimate": float(alpha_of(covariance)), "se": float(draws.std(ddof=1)),
            "ci_low": float(low), "ci_high": float(high),
            "method": f"covariances; bootstrap percentiles of {len(draws)} samples"}  # fmt: skip


def ordinal_row(x: Floats, confidence: float) -> dict[str, object]:
    """Alpha of the polychoric correlations; delta method on log(1 - alpha), thresholds estimated (Muthén 1984)."""
    term: dict[str, object] = {"term": "alpha, ordinal"}
    k = x.shape[1]
    try:
        check_codes([str(j + 1) for j in range(k)], x, np.zeros(k, dtype=np.bool_))
    except DataError:
        return term | {"note": "the answers are not ordered categories"}
    coded = encode(x)
    fit = fit_pairs(coded)
    shared = float(2 * fit.rho.sum())
    estimate = k / (k - 1) * (1 - k / (k + shared))
    term |= {"estimate": estimate, "method": "polychoric correlations"}
    moved = 2 * influence(coded, fit)[:, -len(fit.rho) :].sum(axis=1) * k**2 / (k - 1) / (k + shared) ** 2
    se = float(np.sqrt((moved**2).sum())) / max(1 - estimate, 1e-12)
    if fit.at_limit.any() or estimate >= 1 or not np.isfinite(se):
        return term | {"note": "a polychoric correlation is at its limit and has no standard error"}
    term["method"] = "polychoric correlations; delta method on log(1 - alpha)"
    return term | _on_log(1 - estimate, se, len(x), confidence, below_one=True)


def _omega(frame: pd.DataFrame, kind: Literal["total", "categorical"], confidence: float) -> dict[str, object]:
    term = f"omega, {kind}"
    try:
        found = omega(frame, kind=kind, confidence=confidence)
    except (DataError, ConvergenceError) as error:
        return {"term": term, "note": str(error)}
    row: dict[str, object] = {
        "term": term, "estimate": found.estimate, "se": found.se, "ci_low": found.ci_low, "ci_high": found.ci_high,
        "method": f"{found.method}; {found.interval.method}",
    }  # fmt: skip
    return row | ({"note": "; ".join(found.notes)} if found.notes else {})
