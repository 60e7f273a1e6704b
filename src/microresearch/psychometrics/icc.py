"""Do repeated ratings of one target agree? The six intraclass correlations, complete or with holes, and retest."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from microresearch.errors import DataError, Problem
from microresearch.numeric.crossed import crossed_components
from microresearch.numeric.moments import Floats, group_moments
from microresearch.numeric.variance import random_intercept, ratio_interval
from microresearch.responses import Responses
from microresearch.results import tidy

NAMES = {
    "ICC(1,1)": "ICC(1)", "ICC(2,1)": "ICC(A,1)", "ICC(3,1)": "ICC(C,1)",
    "ICC(1,k)": "ICC(k)", "ICC(2,k)": "ICC(A,k)", "ICC(3,k)": "ICC(C,k)",
}  # fmt: skip
"""Shrout & Fleiss (1979) names and those of McGraw & Wong (1996): random raters, agreement, consistency; one, mean."""


@dataclass(frozen=True, slots=True)
class IccForm:
    """One form: estimate, interval, and the F test of no differences between targets."""

    name: str
    mcgraw_wong: str
    estimate: float
    ci_low: float
    ci_high: float
    f: float
    df1: float
    df2: float
    p: float


@dataclass(frozen=True, slots=True)
class Icc:
    """The six intraclass correlations of one table of ratings.

    Attributes
    ----------
    forms : tuple of IccForm
        In the order of `NAMES`.
    target, rater, error : float
        Variance components of the two-way model, in squared units of the ratings.
    k : float
        Ratings that the averaged forms average: the number of raters, or with holes the harmonic mean of the ratings
        of a target.
    n_targets, n_raters, n_ratings, n_dropped : int
        `n_dropped` counts rows of the ratings that hold no rating.
    method : str
    """

    forms: tuple[IccForm, ...]
    target: float
    rater: float
    error: float
    k: float
    n_targets: int
    n_raters: int
    n_ratings: int
    n_dropped: int
    confidence: float
    method: str
    converged: bool = True

    def form(self, name: str) -> IccForm:
        """One form by either of its names, say "ICC(2,1)" or "ICC(A,1)"."""
        for form in self.forms:
            if name in (form.name, form.mcgraw_wong):
                return form
        raise KeyError(f"{name}; known: {', '.join([*NAMES, *NAMES.values()])}")

    def to_frame(self) -> pd.DataFrame:
        """A row a form; `df` is the numerator's, `df2` the denominator's."""
        rows = [
            {"term": f.name, "group": f.mcgraw_wong, "estimate": f.estimate, "ci_low": f.ci_low, "ci_high": f.ci_high,
             "statistic": f.f, "df": f.df1, "df2": f.df2, "p": f.p, "n": self.n_targets, "method": self.method}
            for f in self.forms
        ]  # fmt: skip
        return tidy(rows, extra=("df2", "method"))


def icc(
    ratings: pd.DataFrame,
    targets: str | None = None,
    raters: str | None = None,
    scores: str | None = None,
    confidence: float = 0.95,
) -> Icc:
    """The six Shrout & Fleiss intraclass correlations with intervals.

    A complete table gives the closed forms from mean squares. A table with holes gives REML variance components of
    target and rater as crossed random effects, and of target alone for ICC(1,1) and ICC(1,k); a variance then cannot be
    negative, so that an ICC below zero from mean squares becomes zero.

    Parameters
    ----------
    ratings : DataFrame
        Wide, targets x raters, when the three names are left out; else long, one rating a row.
    targets, raters, scores : str, optional
        Columns of a long table.
    confidence : float, default 0.95

    Returns
    -------
    Icc

    Raises
    ------
    DataError
        A column is missing, a target is rated twice by one rater, too few ratings, ratings that do not vary.
    ConvergenceError
        REML did not reach its optimum.

    Notes
    -----
    Intervals of the complete table are those of Shrout & Fleiss. With holes ICC(1,1) has Wald's exact interval, the
    other forms those of Shrout & Fleiss on effective mean squares: harmonic mean numbers of ratings a target and a
    rater, and N - n - k + 1 degrees of freedom for error.

    References
    ----------
    Shrout & Fleiss (1979), Psychological Bulletin 86, 420-428. doi:10.1037/0033-2909.86.2.420
    McGraw & Wong (1996), Psychological Methods 1, 30-46. doi:10.1037/1082-989X.1.1.30
    Wald (1940), Annals of Mathematical Statistics 11, 96-99. doi:10.1214/aoms/1177731946

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]])
    >>> result = icc(table)
    >>> [round(form.estimate, 2) for form in result.forms]
    [0.17, 0.29, 0.71, 0.44, 0.62, 0.91]
    """
    y, target, rater, dropped = _long(ratings, targets, raters, scores)
    n, k = int(target.max()) + 1, int(rater.max()) + 1
    if n < 2 or k < 2:
        raise DataError(f"an intraclass correlation needs 2 or more targets and raters; got {n} and {k}.")
    if np.ptp(y) == 0:
        raise DataError("all ratings are equal; a share of the variance is undefined.")
    if len(y) == n * k:
        return replace(_complete(y[np.lexsort((rater, target))].reshape(n, k), confidence), n_dropped=dropped)
    return replace(_holes(y, target, rater, confidence), n_dropped=dropped)


def retest(
    responses: Responses, scores: pd.DataFrame, waves: tuple[int, int] = (1, 2), confidence: float = 0.95
) -> pd.DataFrame:
    """Retest reliability of each characteristic: ICC(2,1), agreement of two waves of the same persons.

    Parameters
    ----------
    responses : Responses
        Whose `people` say person and wave.
    scores : DataFrame, responses x characteristics
        From `characteristic_scores`, same index.
    waves : pair of int, default (1, 2)
    confidence : float, default 0.95

    Returns
    -------
    DataFrame
        Tidy, a row a characteristic; persons with both waves only, their number in `n`; `note` where it cannot be had.
    """
    rows: list[dict[str, object]] = []
    people = responses.people.loc[scores.index]
    for name in scores.columns:
        long = pd.DataFrame({"person": people["person"], "wave": people["wave"], "score": scores[name]}).dropna()
        both = long[long["wave"].isin(waves)].groupby("person")["wave"].transform("nunique") == 2
        long = long[long["wave"].isin(waves)][both]
        row: dict[str, object] = {"term": "ICC(2,1)", "group": str(name), "n": long["person"].nunique()}
        try:
            form = icc(long, "person", "wave", "score", confidence).form("ICC(2,1)") if len(long) else None
        except DataError as error:
            rows.append(row | {"note": str(error)})
            continue
        if form is None:
            rows.append(row | {"note": f"no person answered in both waves {waves[0]} and {waves[1]}"})
        else:
            rows.append(
                row
                | {"estimate": form.estimate, "ci_low": form.ci_low, "ci_high": form.ci_high, "statistic": form.f,
                   "df": form.df1, "p": form.p}
            )  # fmt: skip
    return tidy(rows, extra=("note",))


def _long(
    ratings: pd.DataFrame, targets: str | None, raters: str | None, scores: str | None
) -> tuple[Floats, NDArray[np.int64], NDArray[np.int64], int]:
    if targets is None and raters is None and scores is None:
        values = ratings.to_numpy(np.float64)
        target, rater = np.nonzero(~np.isnan(values))
        y = values[target, rater]
        names: tuple[NDArray[np.int64], NDArray[np.int64]] = (target, rater)
        dropped = int(np.isnan(values).all(axis=1).sum())
    else:
        wanted = {"targets": targets, "raters": raters, "scores": scores}
        missing = [Problem(f"{role} must name a column of the ratings", column=name or "")
                   for role, name in wanted.items() if name not in ratings.columns]  # fmt: skip
        if missing:
            raise DataError(missing)
        used = ratings.dropna(subset=[targets, raters, scores])
        y = used[scores].to_numpy(np.float64)
        if used.duplicated([targets, raters]).any():
            raise DataError("a target is rated twice by the same rater; keep one rating a pair.")
        names = (pd.factorize(used[targets])[0], pd.factorize(used[raters])[0])
        dropped = len(ratings) - len(used)
    if not len(y):
        raise DataError("there is no rating.")
    codes = [np.unique(name, return_inverse=True)[1].astype(np.int64) for name in names]
    return y, codes[0], codes[1], dropped


def _complete(x: Floats, confidence: float) -> Icc:
    n, k = x.shape
    rows, columns, grand = x.mean(axis=1), x.mean(axis=0), x.mean()
    between = k * ((rows - grand) ** 2).sum() / (n - 1)
    judges = n * ((columns - grand) ** 2).sum() / (k - 1)
    residual = ((x - rows[:, None] - columns + grand) ** 2).sum() / ((n - 1) * (k - 1))
    within = ((x - rows[:, None]) ** 2).sum() / (n * (k - 1))
    if residual <= 1e-12 * between:
        raise DataError("raters never disagree beyond a constant; the error variance is zero and the forms undefined.")
    one = _one_way(between, within, n, k, n * (k - 1), confidence)
    two = _two_way(between, judges, residual, n, k, (n - 1) * (k - 1), k - 1, confidence)
    components = (max((between - residual) / k, 0.0), max((judges - residual) / n, 0.0), float(residual))
    return Icc(_order(one, two), *components, float(k), n, k, n * k, 0, confidence,
               "mean squares; intervals of Shrout & Fleiss (1979)")  # fmt: skip


def _holes(y: Floats, target: NDArray[np.int64], rater: NDArray[np.int64], confidence: float) -> Icc:
    n, k = int(target.max()) + 1, int(rater.max()) + 1
    parts = crossed_components(y, target, rater)
    per_target, per_rater = np.bincount(target), np.bincount(rater)
    size = float(n / (1 / per_target).sum())
    seen = float(k / (1 / per_rater).sum())
    between, judges = size * parts.target + parts.error, seen * parts.rater + parts.error
    two = _two_way(between, judges, parts.error, seen, size, len(y) - n - k + 1, k - 1, confidence, n - 1)
    groups = group_moments(y, target, n)
    fit = random_intercept(groups)
    low, high = ratio_interval(groups, confidence=confidence)
    test = (fit.f, float(fit.df1), float(fit.df2), fit.p)
    one: list[Row] = [
        (fit.icc, low / (1 + low), high / (1 + high), *test),
        tuple(t / (t + 1 / size) for t in (fit.tau2 / fit.sigma2, low, high)) + test,
    ]
    return Icc(_order(one, two), parts.target, parts.rater, parts.error, size, n, k, len(y), 0, confidence,
               "REML, crossed random effects; ICC(1) forms one-way with Wald's exact interval, the others intervals of "
               "Shrout & Fleiss (1979) on effective mean squares")  # fmt: skip


Row = tuple[float, ...]


def _upper(tail: float, df1: float, df2: float) -> float:
    return float(stats.f.isf(tail, df1, df2))


def _order(one: list[Row], two: list[Row]) -> tuple[IccForm, ...]:
    rows = [one[0], two[0], two[1], one[1], two[2], two[3]]
    return tuple(IccForm(sf, mw, *map(float, row)) for (sf, mw), row in zip(NAMES.items(), rows, strict=True))


def _one_way(between: float, within: float, n: int, k: float, df2: float, confidence: float) -> list[Row]:
    """ICC(1,1) and ICC(1,k) from mean squares (Shrout & Fleiss 1979, p. 423)."""
    tail = (1 - confidence) / 2
    f, df1 = between / within, n - 1
    bounds = [f / _upper(tail, df1, df2), f * _upper(tail, df2, df1)]
    test = (f, float(df1), float(df2), float(stats.f.sf(f, df1, df2)))
    single = tuple((r - 1) / (r + k - 1) for r in (f, *bounds))
    return [single + test, tuple(1 - 1 / r for r in (f, *bounds)) + test]


def _two_way(
    between: float, judges: float, residual: float, n: float, k: float, df2: float, df_judges: float,
    confidence: float, df1: float | None = None,
) -> list[Row]:  # fmt: skip
    """ICC(2,1), ICC(3,1), ICC(2,k), ICC(3,k) from mean squares; n and k may be effective numbers."""
    tail = (1 - confidence) / 2
    df1 = n - 1 if df1 is None else df1
    f = between / residual
    test = (f, float(df1), float(df2), float(stats.f.sf(f, df1, df2)))
    agreement = (between - residual) / (between + (k - 1) * residual + k * (judges - residual) / n)
    mean = (between - residual) / (between + (judges - residual) / n)
    # Satterthwaite's degrees of freedom of the denominator (Shrout & Fleiss 1979, p. 424)
    fj = judges / residual
    spread = k * agreement * fj + n * (1 + (k - 1) * agreement) - k * agreement
    v = (
        df2
        * spread**2
        / (df2 / df_judges * (k * agreement * fj) ** 2 + (n * (1 + (k - 1) * agreement) - k * agreement) ** 2)
    )
    other = k * judges + (k * n - k - n) * residual
    upper, lower = _upper(tail, df1, v), _upper(tail, v, df1)
    low = n * (between - upper * residual) / (upper * other + n * between)
    high = n * (lower * between - residual) / (other + n * lower * between)
    bounds = [f / _upper(tail, df1, df2), f * _upper(tail, df2, df1)]
    consistency = tuple((r - 1) / (r + k - 1) for r in (f, *bounds))
    return [
        (agreement, low, high, *test),
        consistency + test,
        (mean, *(k * b / (1 + (k - 1) * b) for b in (low, high)), *test),
        tuple(1 - 1 / r for r in (f, *bounds)) + test,
    ]
