"""Internal consistency: how closely do the items of one scale move together?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from microresearch.errors import DataError, SpecError
from microresearch.numeric.moments import Floats, PairMoments, pair_moments
from microresearch.psychometrics.alpha_interval import Kind, alpha_interval
from microresearch.psychometrics.coefficients import alpha_of, standardise
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
        How missing answers were met, and the convention of the interval.
    negative : tuple of str
        Items that correlate negatively with the rest of the scale: check their keying. Nothing is ever turned silently.
    notes : tuple of str
        Named warnings: negative items, fewer persons than items.
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
    notes: tuple[str, ...] = ()
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
    interval: Kind = "robust",
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
        Pairwise: each covariance on the persons who answered both items (the default of R's psych); the interval then
        rests on the smallest number of persons behind a pair, which is cautious (psych takes all rows).
        Listwise: persons with every item.
    interval : {"robust", "feldt", "bootstrap"}, default "robust"
        "robust": jackknife of log(1 - alpha), free of any distribution (Pandey & Hubert 1975). "feldt", psych's:
        supposes normal answers and parallel items; with few, skewed categories it is too narrow (90 % instead of 95
        for three levels with a floor; see `benchmarks/calibrate/reliability.csv`). "bootstrap": percentiles.
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
    Pandey & Hubert (1975), Psychometrika 40, 169-181 (the jackknife).
    Feldt (1965), Psychometrika 30, 357-370, eq. 14. doi:10.1007/BF02289499

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> items = pd.DataFrame(rng.normal(size=(200, 1)) + rng.normal(size=(200, 4)))
    >>> result = alpha(items)
    >>> round(result.estimate, 2), round(result.ci_low, 2), round(result.ci_high, 2)
    (0.78, 0.72, 0.82)
    """
    frame = pick_items(items, columns)
    if frame.shape[1] < 2:
        raise DataError(SINGLE + ".")
    x, answered = frame.to_numpy(), frame.notna()
    rows = answered.all(axis=1) if _listwise(missing) else answered.any(axis=1)
    x = x[rows.to_numpy()]
    moments = checked_moments(x, frame.columns)
    bounds = alpha_interval(interval, x, moments, confidence, n_boot, seed)
    how = "listwise" if _listwise(missing) else "pairwise"
    negative = _opposed(moments.covariance, frame.columns)
    return Alpha(
        columns if isinstance(columns, str) else "",
        float(alpha_of(moments.covariance)),
        float(alpha_of(standardise(moments.covariance))),
        bounds,
        len(x),
        len(frame) - len(x),
        frame.shape[1],
        f"{how} covariances; interval: {bounds.method}",
        negative,
        _notes(negative, int(moments.n.min()), frame.shape[1]),
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


def _notes(negative: tuple[str, ...], fewest: int, n_items: int) -> tuple[str, ...]:
    notes = []
    if negative:
        against = ", ".join(negative)
        notes.append(f"negative correlation with the rest: {against}; check the keying, nothing was turned")
    if fewest < n_items:
        notes.append(f"fewer persons ({fewest}) than items ({n_items})")
    return tuple(notes)


def _try(responses: Responses, characteristic: str, confidence: float, missing: str) -> Alpha | NotAvailable:
    try:
        return alpha(responses, characteristic, confidence, missing)
    except DataError as error:
        return NotAvailable(str(error))
