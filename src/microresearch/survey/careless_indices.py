"""Who may have answered without reading? Indices and flags for a person to judge; never an automatic exclusion."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from microresearch.errors import ConvergenceError, DataError, SpecError
from microresearch.responses import Responses, State
from microresearch.results import NotAvailable
from microresearch.survey.careless_names import INDICES
from microresearch.survey.em import em_normal

Floats = NDArray[np.float64]
LEAST_PAIRS = 3
LEAST_ITEM_PAIRS = 10


@dataclass(frozen=True, slots=True, eq=False)
class Careless:
    """Indices of careless responding and the flags that declared cuts give.

    Attributes
    ----------
    indices : DataFrame, responses x indices
        The columns of `INDICES` (those that can be had) and `mahalanobis` (squared distance); NaN where a person
        answered too little for an index.
    flags : DataFrame of bool, responses x indices with a cut
        A missing index is never a flag.
    cuts : mapping
        Index -> cut.
    not_available : mapping
        Index -> why it cannot be had here.
    method : str
    """

    indices: pd.DataFrame
    flags: pd.DataFrame
    cuts: Mapping[str, float]
    not_available: Mapping[str, NotAvailable] = field(default_factory=dict)
    method: str = ""

    @property
    def n_flags(self) -> pd.Series:
        """How many indices flag each response."""
        return self.flags.sum(axis=1)

    def to_frame(self) -> pd.DataFrame:
        """A row an index: side, cut, how many responses have it, how many it flags, or why it cannot be had."""
        rows: list[dict[str, object]] = []
        for name, (side, what) in INDICES.items():
            row: dict[str, object] = {"index": name, "suspicious": side, "what": what}
            if name in self.not_available:
                row["note"] = self.not_available[name].reason
            else:
                row |= {"cut": self.cuts.get(name, np.nan), "n": int(self.indices[name].notna().sum()), "note": ""}
                if name in self.flags:
                    row["flagged"] = int(self.flags[name].sum())
            rows.append(row)
        return pd.DataFrame(rows, columns=["index", "what", "suspicious", "cut", "n", "flagged", "note"])


def careless(responses: Responses, cuts: Mapping[str, float] | None = None, pair_r: float = 0.60) -> Careless:
    """Indices of careless responding for one instrument.

    Parameters
    ----------
    responses : Responses
        One wave; answers are taken as given, in the form's order, and keyed only for even-odd consistency.
    cuts : mapping, optional
        Index -> cut. By default a run of half the items or more, p below .001, even-odd below .30 (Jackson 1977, in
        Curran 2016), synonyms below 0, antonyms above 0, under 2 seconds an item; none for the standard deviation,
        which has no accepted one. A declared mapping takes the place of all of them.
    pair_r : float
        Correlation from which two items count as synonyms, and its negative for antonyms. Ten such pairs are needed.

    Returns
    -------
    Careless
        Can't rate is an answer of its own in a run; blanks and items that do not apply are passed over.

    Raises
    ------
    SpecError
        A cut for an index that there is not.

    References
    ----------
    Curran (2016), Journal of Experimental Social Psychology 66, 4-19. doi:10.1016/j.jesp.2015.07.006
    Dunn et al. (2018), Journal of Business and Psychology 33, 105-121. doi:10.1007/s10869-016-9479-0
    Huang et al. (2012), Journal of Business and Psychology 27, 99-114. doi:10.1007/s10869-011-9231-8
    Meade & Craig (2012), Psychological Methods 17, 437-455. doi:10.1037/a0028085
    """
    usual = {"longest_run": len(responses.instrument.items) / 2, "mahalanobis_p": 0.001, "even_odd": 0.30,
             "synonyms": 0.0, "antonyms": 0.0, "seconds_per_item": 2.0}  # fmt: skip
    chosen = dict(usual if cuts is None else cuts)
    strange = sorted(set(chosen) - set(INDICES))
    if strange:
        raise SpecError(f"no careless index is called {', '.join(strange)}; there are {', '.join(INDICES)}.")
    values = responses.values.to_numpy(dtype=np.float64)
    synonyms, antonyms = item_pairs(values, pair_r)
    distance = mahalanobis(values)
    found: dict[str, Floats | NotAvailable] = {
        "longest_run": longest_run(responses),
        "irv": individual_variability(values),
        "mahalanobis_p": distance if isinstance(distance, NotAvailable) else distance[1],
        "even_odd": even_odd(responses),
        "synonyms": pair_consistency(values, synonyms, f"with r above {pair_r:g}"),
        "antonyms": pair_consistency(values, antonyms, f"with r below {-pair_r:g}"),
        "seconds_per_item": seconds_per_item(responses),
    }
    have = {name: one for name, one in found.items() if not isinstance(one, NotAvailable)}
    missing = {name: one for name, one in found.items() if isinstance(one, NotAvailable)}
    flags = {name: _suspicious(one, name, chosen[name]) for name, one in have.items() if name in chosen}
    if not isinstance(distance, NotAvailable):
        have["mahalanobis"] = distance[0]
    index = responses.values.index
    method = "flags for a person to judge; nobody is left out by them unless the study declares the rule"
    return Careless(pd.DataFrame(have, index=index), pd.DataFrame(flags, index=index), chosen, missing, method)


def _suspicious(values: Floats, name: str, cut: float) -> NDArray[np.bool_]:
    """Beyond the cut; a run or an antonym correlation at the cut or above it, the others below it."""
    with np.errstate(invalid="ignore"):
        if name == "longest_run":
            return values >= cut
        return values > cut if INDICES[name][0] == "above" else values < cut


def longest_run(responses: Responses) -> Floats:
    """Most consecutive items with one and the same answer (can't rate is one), items not answered passed over."""
    state = responses.state.to_numpy()
    values = np.where(state == State.CANT_RATE, np.inf, responses.values.to_numpy(dtype=np.float64))
    n, k = values.shape
    best, run, last = np.zeros(n), np.zeros(n), np.full(n, np.nan)
    for j in range(k):
        here = values[:, j]
        said = ~np.isnan(here)
        run = np.where(said, np.where(here == last, run + 1, 1), run)
        last = np.where(said, here, last)
        best = np.maximum(best, run)
    return np.where(best > 0, best, np.nan)


def individual_variability(values: Floats) -> Floats:
    """Standard deviation (ddof 1) of each person's answers; NaN with fewer than two."""
    n = (~np.isnan(values)).sum(axis=1)
    mean = np.nansum(values, axis=1) / np.maximum(n, 1)
    squares = np.nansum((values - mean[:, None]) ** 2, axis=1)
    return np.where(n > 1, np.sqrt(squares / np.maximum(n - 1, 1)), np.nan)


def mahalanobis(values: Floats) -> tuple[Floats, Floats] | NotAvailable:
    """Squared distance of each person from the mean over the items answered, and its chi-square p.

    Mean and covariance (divided by n - 1) are those of the sample when nothing is missing, and maximum-likelihood
    moments by EM otherwise; the degrees of freedom are the items that the person answered.
    """
    try:
        moments = em_normal(values, tolerance=1e-5)
    except (DataError, ConvergenceError) as error:
        return NotAvailable(str(error))
    cov = moments.cov * moments.n_used / (moments.n_used - 1)
    if np.linalg.eigvalsh(cov)[0] <= 1e-10 * np.trace(cov) / len(cov):
        return NotAvailable("some items are linear combinations of others, so no distance can be had")
    squared, df = np.full(len(values), np.nan), np.full(len(values), np.nan)
    for kind in moments.patterns:
        apart = values[np.ix_(kind.rows, kind.observed)] - moments.mean[kind.observed]
        inside = cov[np.ix_(kind.observed, kind.observed)]
        squared[kind.rows] = np.einsum("ij,ij->i", apart, np.linalg.solve(inside, apart.T).T)
        df[kind.rows] = len(kind.observed)
    return squared, np.asarray(stats.chi2.sf(squared, df), dtype=np.float64)


def even_odd(responses: Responses) -> Floats | NotAvailable:
    """Within-person correlation of scale halves (items 1, 3, ... and 2, 4, ...), lengthened by Spearman-Brown."""
    keyed = responses.instrument.reverse(responses.values)
    odd: list[Floats] = []
    even: list[Floats] = []
    for characteristic in responses.instrument.characteristics:
        items = [item.code for item in responses.instrument.items_of(characteristic.code)]
        if len(items) > 1:
            odd.append(_row_means(keyed[items[0::2]].to_numpy(dtype=np.float64)))
            even.append(_row_means(keyed[items[1::2]].to_numpy(dtype=np.float64)))
    if len(odd) < LEAST_PAIRS:
        return NotAvailable(f"even-odd consistency needs {LEAST_PAIRS} scales of two items or more; here {len(odd)}")
    r = _within(np.column_stack(odd), np.column_stack(even))
    return np.maximum(2 * r / np.where(r > -1, 1 + r, np.nan), -1.0)


def item_pairs(values: Floats, least: float) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Item pairs that the sample answers alike (r above `least`) and oppositely (r below its negative)."""
    r = pd.DataFrame(values).corr(min_periods=3).to_numpy()
    upper = np.triu(np.ones_like(r, dtype=bool), 1)
    with np.errstate(invalid="ignore"):
        alike, opposed = np.argwhere(upper & (r > least)), np.argwhere(upper & (r < -least))
    return [(int(i), int(j)) for i, j in alike], [(int(i), int(j)) for i, j in opposed]


def pair_consistency(values: Floats, pairs: list[tuple[int, int]], which: str) -> Floats | NotAvailable:
    """Within-person correlation over item pairs; over fewer than ten it would be noise, so there it is not given."""
    if len(pairs) < LEAST_ITEM_PAIRS:
        return NotAvailable(f"fewer than {LEAST_ITEM_PAIRS} item pairs {which}: {len(pairs)}")
    first, second = zip(*pairs, strict=True)
    return _within(values[:, list(first)], values[:, list(second)])


def seconds_per_item(responses: Responses) -> Floats | NotAvailable:
    """Time taken over the items of this instrument that were answered or marked can't rate."""
    if "duration" not in responses.people:
        return NotAvailable("the export has no duration")
    said = responses.state.isin([State.ANSWERED, State.CANT_RATE]).sum(axis=1).to_numpy()
    duration = responses.people["duration"].to_numpy(dtype=np.float64)
    return np.where(said > 0, duration / np.maximum(said, 1), np.nan)


def _row_means(values: Floats) -> Floats:
    n = (~np.isnan(values)).sum(axis=1)
    return np.where(n > 0, np.nansum(values, axis=1) / np.maximum(n, 1), np.nan)


def _within(x: Floats, y: Floats) -> Floats:
    """Correlation of x and y along each row over pairs present; NaN with fewer than three or without variance."""
    both = ~np.isnan(x) & ~np.isnan(y)
    n = both.sum(axis=1)
    x, y = np.where(both, x, 0.0), np.where(both, y, 0.0)
    dx = np.where(both, x - (x.sum(axis=1) / np.maximum(n, 1))[:, None], 0.0)
    dy = np.where(both, y - (y.sum(axis=1) / np.maximum(n, 1))[:, None], 0.0)
    scale = np.sqrt((dx**2).sum(axis=1) * (dy**2).sum(axis=1))
    enough = (n >= LEAST_PAIRS) & (scale > 1e-12)
    return np.where(enough, np.clip((dx * dy).sum(axis=1) / np.where(enough, scale, 1.0), -1.0, 1.0), np.nan)
