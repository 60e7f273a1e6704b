"""How reliable is one scale, by every coefficient that a reviewer may ask for? Side by side."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from microresearch.errors import ConvergenceError, DataError
from microresearch.numeric.moments import Floats
from microresearch.numeric.ordinal import encode, fit_pairs
from microresearch.numeric.ordinal.tables import resample_pairs
from microresearch.numeric.resample import bootstrap_covariances
from microresearch.psychometrics.alpha import SINGLE, checked_moments
from microresearch.psychometrics.alpha_interval import robust_interval
from microresearch.psychometrics.coefficients import alpha_of, lambda2, lambda6, measurement_error, standardise
from microresearch.psychometrics.omega import omega
from microresearch.psychometrics.omega_estimate import usable
from microresearch.psychometrics.ordinal_input import check_codes
from microresearch.psychometrics.scores import pick_items
from microresearch.responses import Responses
from microresearch.results import tidy

Coefficient = Callable[[Floats], Floats]


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
        Of the bootstrap percentiles, over the same samples for every coefficient.

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
    draws = bootstrap_covariances(x, n_boot, np.random.default_rng(seed))
    rows: list[dict[str, object]] = [
        {"term": "alpha", "estimate": float(alpha_of(covariance)), "ci_low": bounds.low, "ci_high": bounds.high,
         "method": f"covariances; {bounds.method}"} | base
    ]  # fmt: skip
    for term, coefficient in COEFFICIENTS.items():
        rows.append(_bootstrapped(term, coefficient, covariance, draws, confidence) | base)
    rows += [_ordinal(x, confidence, n_boot, seed) | base, *(_omega(frame, kind, confidence, n_boot, seed) | base
                                                             for kind in ("total", "categorical"))]  # fmt: skip
    table = tidy(rows, extra=("method", "note"))
    return Reliability(table, len(x), len(frame) - len(x), x.shape[1], n_boot, seed)


COEFFICIENTS: dict[str, Coefficient] = {
    "alpha, bootstrap": alpha_of,
    "alpha, standardised": lambda s: alpha_of(standardise(s)),
    "lambda-2": lambda2,
    "lambda-2, standardised": lambda s: lambda2(standardise(s)),
    "lambda-6": lambda6,
    "lambda-6, standardised": lambda s: lambda6(standardise(s)),
    "standard error of measurement": measurement_error,
}


def _bootstrapped(
    term: str, coefficient: Coefficient, covariance: Floats, draws: Floats, confidence: float
) -> dict[str, object]:
    how = "correlations" if "standardised" in term else "covariances"
    return {"term": term} | _percentiles(float(coefficient(covariance)), coefficient(draws), confidence, how)


def _percentiles(estimate: float, values: Floats, confidence: float, how: str) -> dict[str, object]:
    try:
        kept, notes = usable(values)
    except ConvergenceError as error:
        return {"estimate": estimate, "method": how, "note": str(error)}
    tail = (1 - confidence) / 2
    low, high = np.quantile(kept, [tail, 1 - tail])
    row: dict[str, object] = {
        "estimate": estimate, "se": float(kept.std(ddof=1)), "ci_low": float(low), "ci_high": float(high),
        "method": f"{how}; bootstrap percentiles of {len(kept)} samples",
    }  # fmt: skip
    return row | ({"note": "; ".join(notes)} if notes else {})


def _ordinal(x: Floats, confidence: float, n_boot: int, seed: int) -> dict[str, object]:
    """Alpha of the polychoric correlations."""
    term: dict[str, object] = {"term": "alpha, ordinal"}
    try:
        check_codes([str(j + 1) for j in range(x.shape[1])], x, np.zeros(x.shape[1], dtype=np.bool_))
    except DataError:
        return term | {"note": "the answers are not ordered categories"}
    coded = encode(x)
    estimate = _alpha_of_pairs(fit_pairs(coded).rho[None])
    blocks = resample_pairs(coded, n_boot, np.random.default_rng(seed))
    values = np.concatenate([_alpha_of_pairs(block.rho) for block in blocks])
    return term | _percentiles(float(estimate[0]), values, confidence, "polychoric correlations")


def _alpha_of_pairs(rho: Floats) -> Floats:
    k = round((1 + np.sqrt(1 + 8 * rho.shape[1])) / 2)
    return k / (k - 1) * (1 - k / (k + 2 * rho.sum(axis=1)))


def _omega(frame: pd.DataFrame, kind: str, confidence: float, n_boot: int, seed: int) -> dict[str, object]:
    term = f"omega, {kind}"
    try:
        found = omega(frame, kind="total" if kind == "total" else "categorical", confidence=confidence, n_boot=n_boot,
                      seed=seed)  # fmt: skip
    except (DataError, ConvergenceError) as error:
        return {"term": term, "note": str(error)}
    row: dict[str, object] = {
        "term": term, "estimate": found.estimate, "se": found.se, "ci_low": found.ci_low, "ci_high": found.ci_high,
        "method": f"{found.method}; {found.interval.method}",
    }  # fmt: skip
    return row | ({"note": "; ".join(found.notes)} if found.notes else {})
