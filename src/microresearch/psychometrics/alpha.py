"""Internal consistency: how closely do the items of one scale move together?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from microresearch.errors import DataError, SpecError
from microresearch.numeric.moments import Floats, PairMoments, pair_moments
from microresearch.psychometrics.scores import pick_items
from microresearch.responses import Responses
from microresearch.results import Interval, NotAvailable, tidy

SINGLE = (
    "one item has no internal consistency: alpha needs two or more. For a characteristic rated by a single item use "
    "the reliability of its raters (agreement: ICC(1), ICC(2), rwg) or retest (icc over two waves)"
)


@dataclass(frozen=True, slots=True)
class Alpha:
    """Coefficient alpha of one scale.

    Attributes
    ----------
    estimate : float
        Raw alpha, from covariances; at most 1, negative when items oppose.
    standardised : float
        The same from correlations; with holes, pairwise covariances over each item's own standard deviations.
    interval : Interval
        Of the raw alpha.
    n_used, n_dropped : int
        Persons whose answers enter, and persons left out.
    n_items : int
    method : str
        How missing answers were met, and which n the interval rests on.
    negative : tuple of str
        Items that correlate negatively with the rest of the scale: check their keying. Nothing is ever turned silently.
    """

    scale: str
    estimate: float
    standardised: float
    interval: Interval
    n_used: int
    n_dropped: int
    n_items: int
    method: str
    negative: tuple[str, ...] = ()
    converged: bool = True

    @property
    def ci_low(self) -> float:
        """Lower bound of the interval."""
        return self.interval.low

    @property
    def ci_high(self) -> float:
        """Upper bound of the interval."""
        return self.interval.high

    def to_frame(self) -> pd.DataFrame:
        """Two rows, raw (with its interval) and standardised alpha."""
        same = {"group": self.scale, "n": self.n_used, "n_items": self.n_items, "method": self.method}
        raw = {"term": "alpha", "estimate": self.estimate, "ci_low": self.ci_low, "ci_high": self.ci_high}
        rows = [raw | same, {"term": "alpha, standardised", "estimate": self.standardised} | same]
        return tidy(rows, extra=("n_items", "method"))


def alpha(
    items: pd.DataFrame | Responses,
    columns: str | Sequence[str] | None = None,
    confidence: float = 0.95,
    missing: str = "pairwise",
    interval: str = "feldt",
    n_boot: int = 2000,
    seed: int = 1,
) -> Alpha:
    """Coefficient alpha, raw and standardised, with an interval of the raw one.

    Parameters
    ----------
    items : DataFrame (persons x items, keyed, NaN where not answered) or Responses
    columns : str or sequence of str, optional
        Items in a larger frame; with `Responses` the code of a characteristic, whose items come keyed.
    confidence : float, default 0.95
    missing : {"pairwise", "listwise"}, default "pairwise"
        Pairwise: each covariance on the persons who answered both items (the default of R's psych); Feldt's interval
        then rests on the smallest number of persons behind a pair, which is cautious (psych takes all rows).
        Listwise: persons with every item.
    interval : {"feldt", "robust", "bootstrap"}, default "feldt"
        "feldt" supposes normal answers and parallel items: with few, skewed categories it is too narrow (90 % instead
        of 95 for three levels with a floor; see `benchmarks/calibrate/reliability.csv`). "robust": delta method on
        log(1 - alpha), free of both suppositions (Maydeu-Olivares, Coffman & Hartmann 2007). "bootstrap": percentiles.
    n_boot, seed : int
        Of the bootstrap.

    Returns
    -------
    Alpha

    Raises
    ------
    DataError
        Fewer than two items (the message says what to use instead), an item that does not vary, too few persons.

    References
    ----------
    Cronbach (1951), Psychometrika 16, 297-334. doi:10.1007/BF02310555
    Feldt (1965), Psychometrika 30, 357-370, eq. 14. doi:10.1007/BF02289499
    Maydeu-Olivares, Coffman & Hartmann (2007), Psychological Methods 12, 157-176. doi:10.1037/1082-989X.12.2.157

    Examples
    --------
    >>> import pandas as pd
    >>> items = pd.DataFrame({"a": [1, 2, 3, 4.0], "b": [2, 3, 3, 5.0], "c": [1, 3, 2, 4.0]})
    >>> result = alpha(items)
    >>> round(result.estimate, 3), round(result.ci_low, 3), round(result.ci_high, 3)
    (0.957, 0.717, 0.997)
    """
    frame = pick_items(items, columns)
    if frame.shape[1] < 2:
        raise DataError(SINGLE + ".")
    x, answered = frame.to_numpy(), frame.notna()
    rows = answered.all(axis=1) if _listwise(missing) else answered.any(axis=1)
    x = x[rows.to_numpy()]
    moments = checked_moments(x, frame.columns)
    raw = alpha_of(moments.covariance)
    bounds = _interval(interval, x, moments, confidence, n_boot, seed)
    how = "listwise" if _listwise(missing) else "pairwise"
    on = f"; interval on n = {moments.n.min()}" if interval == "feldt" else ""
    return Alpha(
        columns if isinstance(columns, str) else "",
        raw,
        alpha_of(standardise(moments.covariance)),
        bounds,
        len(x),
        len(frame) - len(x),
        frame.shape[1],
        f"{how} covariances; {bounds.method}{on}",
        _opposed(moments.covariance, frame.columns),
    )


def alpha_table(responses: Responses, confidence: float = 0.95, missing: str = "pairwise") -> pd.DataFrame:
    """Alpha of every characteristic: a tidy frame, with a `note` in place of numbers where alpha cannot be had."""
    frames = []
    for characteristic in responses.instrument.characteristics:
        found = _try(responses, characteristic.code, confidence, missing)
        if isinstance(found, Alpha):
            frames.append(found.to_frame())
        else:
            frames.append(pd.DataFrame({"term": ["alpha"], "group": [characteristic.code], "note": [found.reason]}))
    return pd.concat(frames, ignore_index=True)


def alpha_of(covariance: Floats) -> float:
    """Alpha of a covariance or correlation matrix, shape (k, k): k / (k - 1) (1 - trace / sum)."""
    k = len(covariance)
    return float(k / (k - 1) * (1 - np.trace(covariance) / covariance.sum()))


def standardise(covariance: Floats) -> Floats:
    """A covariance matrix over the standard deviations on its own diagonal."""
    sd = np.sqrt(np.diag(covariance))
    return covariance / np.outer(sd, sd)


def feldt_interval(estimate: float, n: int, k: int, confidence: float = 0.95) -> Interval:
    """Feldt's interval: (1 - estimate) / (1 - alpha) is F with n - 1 and (n - 1) (k - 1) degrees of freedom."""
    tail = (1 - confidence) / 2
    df1, df2 = n - 1, (n - 1) * (k - 1)
    low = 1 - (1 - estimate) * float(stats.f.isf(tail, df1, df2))
    high = 1 - (1 - estimate) * float(stats.f.ppf(tail, df1, df2))
    return Interval(low, high, confidence, "Feldt (1965)")


def _interval(kind: str, x: Floats, moments: PairMoments, confidence: float, n_boot: int, seed: int) -> Interval:
    estimate, tail = alpha_of(moments.covariance), (1 - confidence) / 2
    if kind == "feldt":
        return feldt_interval(estimate, int(moments.n.min()), x.shape[1], confidence)
    if kind == "robust":
        wide = float(stats.norm.isf(tail)) * alpha_error(x, moments) / (1 - estimate)
        low, high = 1 - (1 - estimate) * np.exp(wide), 1 - (1 - estimate) * np.exp(-wide)
        return Interval(float(low), float(high), confidence, "delta method on log(1 - alpha), robust")
    if kind == "bootstrap":
        rng, values = np.random.default_rng(seed), np.empty(n_boot)
        for b in range(n_boot):
            values[b] = alpha_of(pair_moments(x[rng.integers(0, len(x), len(x))]).covariance)
        low, high = np.nanquantile(values, [tail, 1 - tail])
        return Interval(float(low), float(high), confidence, f"bootstrap percentiles of {n_boot} samples")
    raise SpecError(f"interval must be feldt, robust or bootstrap, not {kind!r}.")


def alpha_error(x: Floats, moments: PairMoments) -> float:
    """Standard error of raw alpha without assumptions on the answers, holes as in the pairwise covariances.

    References
    ----------
    Maydeu-Olivares, Coffman & Hartmann (2007), Psychological Methods 12, 157-176, eq. 8.
    """
    s, k = moments.covariance, x.shape[1]
    trace, total = np.trace(s), s.sum()
    slope = k / (k - 1) * (trace / total**2 - np.eye(k) / total) / moments.n
    there = (~np.isnan(x)).astype(np.float64)
    z = np.where(there > 0, x - moments.mean, 0.0)
    moved = np.einsum("pi,ij,pj->p", z, slope, z) - np.einsum("pi,ij,pj->p", there, slope * s, there)
    return float(np.sqrt((moved**2).sum()))


def checked_moments(x: Floats, names: pd.Index) -> PairMoments:
    """Pairwise moments of items, refused where an item does not vary or a pair has too few persons."""
    moments = pair_moments(x)
    flat = [str(name) for name, n, v in zip(names, np.diag(moments.n), np.diag(moments.covariance), strict=True)
            if n < 2 or not v > 0]  # fmt: skip
    if flat:
        raise DataError(f"items that do not vary among the {len(x)} persons used: {', '.join(flat)}.")
    if moments.n.min() < 3:
        raise DataError(f"some pair of items was answered by {moments.n.min()} persons only; 3 or more are needed.")
    if not moments.covariance.sum() > 0:
        raise DataError("the total score does not vary; alpha is undefined.")
    return moments


def _listwise(missing: str) -> bool:
    if missing not in {"pairwise", "listwise"}:
        raise SpecError(f"missing must be pairwise or listwise, not {missing!r}.")
    return missing == "listwise"


def _opposed(covariance: Floats, names: pd.Index) -> tuple[str, ...]:
    rest = covariance.sum(axis=0) - np.diag(covariance)
    return tuple(str(name) for name, value in zip(names, rest, strict=True) if value < 0)


def _try(responses: Responses, characteristic: str, confidence: float, missing: str) -> Alpha | NotAvailable:
    try:
        return alpha(responses, characteristic, confidence, missing)
    except DataError as error:
        return NotAvailable(str(error))
