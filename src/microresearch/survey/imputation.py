"""What might the missing answers have been, and does it matter? Multiple imputation beside complete cases."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from microresearch.errors import SpecError
from microresearch.numeric.chains import r_hat
from microresearch.parallel import map_seeded
from microresearch.psychometrics.scores import characteristic_scores
from microresearch.responses import Responses, State
from microresearch.results import NotAvailable
from microresearch.survey.chain import Design, run_chain
from microresearch.survey.pooling import Pooled, pool

MISSING = {"blank": State.BLANK, "cant_rate": State.CANT_RATE}
LEAST = 20
SETTLED = 1.2


@dataclass(frozen=True, slots=True, eq=False)
class Imputations:
    """Completed data sets of one instrument.

    Attributes
    ----------
    responses : Responses
        What was imputed.
    values : tuple of arrays, each responses x items
        Answers as on the form (not keyed); NaN only where an item does not apply, or a state was not to be imputed.
    diagnostics : DataFrame
        A row an imputed item: `item`, `n_imputed`, `mean_answered`, `mean_imputed`, `r_hat` of the chains' means.
    converged : bool
        Every `r_hat` below 1.2.
    seed : int
    method : str
    """

    responses: Responses
    values: tuple[NDArray[np.float64], ...]
    diagnostics: pd.DataFrame
    converged: bool
    seed: int
    method: str

    @property
    def m(self) -> int:
        """How many data sets."""
        return len(self.values)

    @property
    def n_imputed(self) -> int:
        """How many cells were filled."""
        return int(self.diagnostics["n_imputed"].sum())

    @property
    def why_not_settled(self) -> str:
        """That the chains have not settled, and what to do; "" where they have."""
        if self.converged:
            return ""
        return f"the chains did not settle (R-hat up to {self.diagnostics['r_hat'].max():.2f}): take more iterations"

    def completed(self, i: int) -> Responses:
        """Data set i (from 0) as Responses whose imputed cells count as answered: for estimation, never for counts."""
        original = self.responses
        values = pd.DataFrame(self.values[i], index=original.values.index, columns=original.values.columns)
        state = original.state.where(values.isna(), np.int8(State.ANSWERED)).astype("int8")
        return replace(original, values=values, state=state)


def impute(
    responses: Responses, m: int = 20, *, seed: int, iterations: int = 20,
    states: Sequence[str] = ("blank", "cant_rate"), unit: bool = True, donors: int = 5, workers: int | None = None,
) -> Imputations | NotAvailable:  # fmt: skip
    """Multiple imputation of missing answers by chained equations.

    Parameters
    ----------
    responses : Responses
        One wave. Role is a predictor, and the unit a random intercept with the units' scale means beside it (where
        there are enough units for those).
    m : int
        Data sets, 20 or more.
    seed : int
        The same seed gives the same data sets, whatever the number of workers.
    iterations : int
        Rounds through all items in each chain.
    states : sequence of {"blank", "cant_rate"}
        Which gaps to fill. Items that do not apply are never filled.
    unit : bool
        Whether people of a unit answer alike; False leaves the unit out.
    donors : int
        People of whom one lends the answer.
    workers : int, optional
        See `parallel.map_seeded`.

    Returns
    -------
    Imputations, or NotAvailable where nothing is missing or too few answered an item that is to be imputed

    Raises
    ------
    SpecError
        Fewer than 20 data sets, or a state that there is not.

    References
    ----------
    van Buuren & Groothuis-Oudshoorn (2011), Journal of Statistical Software 45(3). doi:10.18637/jss.v045.i03
    """
    strange = sorted(set(states) - set(MISSING))
    if strange or m < LEAST or iterations < 2:
        raise SpecError(f"impute takes m of {LEAST} or more, 2 or more iterations, and states of {', '.join(MISSING)}.")
    gaps = responses.state.isin([MISSING[name] for name in states]).to_numpy()
    if why := _why_not(responses, gaps, donors):
        return NotAvailable(why)
    design = _design(responses, gaps, unit, iterations, donors)
    chains = map_seeded(run_chain, [design] * m, seed, workers)
    low, high, reversed_ = _bounds(responses)
    values = tuple(np.where(reversed_, low + high - filled, filled) for filled, _ in chains)
    diagnostics = _diagnostics(responses, gaps, values, np.stack([trace for _, trace in chains]))
    settled = bool((diagnostics["r_hat"].fillna(1.0) < SETTLED).all())
    beside = "random unit intercepts" if design.unit is not None else "no unit"
    beside += " and unit means" if design.unit_means else ""
    method = (
        f"chained equations, predictive mean matching ({donors} donors), {beside}, {iterations} iterations, m = {m}"
    )
    return Imputations(responses, values, diagnostics, settled, seed, method)


def _why_not(responses: Responses, gaps: NDArray[np.bool_], donors: int) -> str:
    """Why these gaps cannot be imputed; "" where they can."""
    answered = (responses.state == State.ANSWERED).to_numpy().sum(axis=0)
    names = [item.code for item in responses.instrument.items]
    few = [names[j] for j in np.flatnonzero(gaps.any(axis=0)) if answered[j] < 2 * donors]
    if few:
        return f"too few answers to impute from: {', '.join(few)} (fewer than {2 * donors} each)"
    return "" if gaps.any() else "nothing is missing, so there is nothing to impute"


def _bounds(responses: Responses) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    items = responses.instrument.items
    return (np.array([i.low for i in items], dtype=np.float64), np.array([i.high for i in items], dtype=np.float64),
            np.array([i.reversed for i in items], dtype=bool))  # fmt: skip


def _design(responses: Responses, gaps: NDArray[np.bool_], unit: bool, iterations: int, donors: int) -> Design:
    low, high, reversed_ = _bounds(responses)
    raw = responses.values.to_numpy(dtype=np.float64)
    scales = [c.code for c in responses.instrument.characteristics]
    scale = np.array([scales.index(item.characteristic) for item in responses.instrument.items], dtype=np.intp)
    roles = pd.get_dummies(responses.people["role"], drop_first=True, dtype=np.float64).to_numpy()
    codes: NDArray[np.intp] | None = None
    if unit and responses.people["unit"].nunique() > 1:
        codes = np.asarray(pd.factorize(responses.people["unit"], sort=True)[0], dtype=np.intp)
    enough = codes is not None and int(codes.max()) + 1 >= 3 * len(scales)
    keyed = np.where(reversed_, low + high - raw, raw)
    return Design(keyed, gaps, scale, roles, codes, enough, iterations, donors)


def _diagnostics(
    responses: Responses, gaps: NDArray[np.bool_], values: tuple[NDArray[np.float64], ...], trace: NDArray[np.float64]
) -> pd.DataFrame:
    rows: list[dict[str, object]] = []
    names, answers = [item.code for item in responses.instrument.items], responses.values.to_numpy(dtype=np.float64)
    for j in np.flatnonzero(gaps.any(axis=0)):
        late = trace[:, max(1, min(trace.shape[1] // 2, trace.shape[1] - 4)) :, j]
        rows.append(
            {"item": names[j], "n_imputed": int(gaps[:, j].sum()),
             "mean_answered": float(np.nanmean(answers[:, j])),
             "mean_imputed": float(np.mean([one[gaps[:, j], j].mean() for one in values])), "r_hat": r_hat(late)}
        )  # fmt: skip
    return pd.DataFrame(rows)


def compare_missing(imputations: Imputations, missing: str | float = "half", confidence: float = 0.95) -> pd.DataFrame:
    """Mean score of each characteristic from complete cases, under the missing rule, and over imputations.

    Standard errors allow for people of one unit answering alike (sandwich over units, df = units - 1; over people
    where there is one unit only); imputed ones are pooled by Rubin's rules with Barnard and Rubin's df.

    Returns
    -------
    DataFrame
        A row a characteristic and method ("complete cases", "rule: half", "imputed"): `term`, `method`, `estimate`,
        `se`, `ci_low`, `ci_high`, `df`, `n`, and for imputed `fmi` and `monte_carlo_se`. Where the chains did not
        settle the imputed rows have no estimate and a `note` that says so.
    """
    responses = imputations.responses
    ways = {"complete cases": characteristic_scores(responses, "all"),
            f"rule: {missing}": characteristic_scores(responses, missing)}  # fmt: skip
    made = [characteristic_scores(imputations.completed(i), "all") for i in range(imputations.m)]
    unit = responses.people["unit"].to_numpy()
    rows: list[dict[str, object]] = []
    for characteristic in responses.instrument.characteristics:
        code = characteristic.code
        for way, scores in ways.items():
            got = _mean(scores[code].to_numpy(dtype=np.float64), unit)
            pooled = None if got is None else _single(*got[:3], confidence)
            rows.append(_row(code, way, pooled, 0 if got is None else got[3]))
        each = [_mean(scores[code].to_numpy(dtype=np.float64), unit) for scores in made]
        whole = [one for one in each if one is not None]
        several = len(whole) == len(each) and imputations.converged
        pooled = pool([w[0] for w in whole], [w[1] for w in whole], whole[0][2], confidence) if several else None
        rows.append(_row(code, "imputed", pooled, whole[0][3] if several else 0))
        if not imputations.converged:
            rows[-1]["note"] = imputations.why_not_settled
    return pd.DataFrame(rows)


def _mean(score: NDArray[np.float64], unit: NDArray[np.object_]) -> tuple[float, float, float, int] | None:
    """Mean, its squared standard error, df, n; None where it has none."""
    seen = ~np.isnan(score)
    n = int(seen.sum())
    if n < 2:
        return None
    mean = float(score[seen].mean())
    apart = score[seen] - mean
    codes, units = pd.factorize(unit[seen])
    clusters = len(units)
    sums = np.bincount(codes, apart) if clusters > 1 else apart
    k = len(sums)
    variance = float((sums**2).sum()) / n**2 * k / (k - 1)
    return (mean, variance, float(k - 1), n) if variance > 0 else None


def _single(mean: float, variance: float, df: float, confidence: float) -> Pooled:
    """A mean from one data set in the same form as a pooled one."""
    from scipy import stats

    from microresearch.results import Interval

    se = float(np.sqrt(variance))
    half = float(stats.t.ppf((1 + confidence) / 2, df)) * se
    return Pooled(mean, se, df, Interval(mean - half, mean + half, confidence, "t"), 0.0, variance, 0.0, 1)


def _row(code: str, way: str, got: Pooled | None, n: int) -> dict[str, object]:
    row: dict[str, object] = {"term": code, "method": way, "n": n}
    if got is not None:
        row |= {"estimate": got.estimate, "se": got.se, "ci_low": got.interval.low, "ci_high": got.interval.high,
                "df": got.df}  # fmt: skip
        if way == "imputed":
            row |= {"fmi": got.fmi, "monte_carlo_se": got.monte_carlo_se}
    return row
