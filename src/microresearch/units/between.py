"""How much of a score lies between units, and how reliable is a unit's mean? ICC(1), ICC(2) by ANOVA and REML."""

from scipy import stats

from microresearch.errors import ConvergenceError, DataError
from microresearch.numeric.moments import GroupMoments
from microresearch.numeric.variance import one_way, random_intercept, ratio_interval

Row = dict[str, object]


def between_rows(scale: str, moments: GroupMoments, confidence: float = 0.95) -> list[Row]:
    """Tidy rows of one scale: ICC(1) and ICC(2) by both methods, or one row a method that says why not.

    Parameters
    ----------
    scale : str
        Stands in `group`.
    moments : GroupMoments
        Scale scores of the raters of each unit; units without raters are left out.
    confidence : float, default 0.95

    Notes
    -----
    ANOVA: ICC(1) = (MSB - MSW) / (MSB + (k - 1) MSW) and ICC(2) = (MSB - MSW) / MSB with k = N / units (Bliese 2000);
    intervals from F, exact when units are of one size (McGraw & Wong 1996). REML: tau2 / (tau2 + sigma2) and
    tau2 / (tau2 + sigma2 / k); intervals from Wald's exact interval of tau2 / sigma2 (Wald 1940).

    Examples
    --------
    >>> import numpy as np
    >>> from microresearch.numeric.moments import group_moments
    >>> moments = group_moments(np.array([1.0, 2, 4, 5, 3, 3]), np.array([0, 0, 1, 1, 2, 2]), 3)
    >>> [(row["term"], round(row["estimate"], 3)) for row in between_rows("trust", moments)][:2]
    [('ICC(1), ANOVA', 0.862), ('ICC(2), ANOVA', 0.926)]
    """
    groups = moments.keep(moments.n > 0)
    rows: list[Row] = []
    for method, make in (("ANOVA", _anova), ("REML", _reml)):
        try:
            rows += [{"term": f"ICC({i}), {method}", "group": scale} | row
                     for i, row in enumerate(make(groups, confidence), start=1)]  # fmt: skip
        except (DataError, ConvergenceError) as error:
            for i in (1, 2):
                rows.append({"term": f"ICC({i}), {method}", "group": scale, "n": groups.total, "note": str(error)})
    return rows


def _anova(groups: GroupMoments, confidence: float) -> list[Row]:
    fit = one_way(groups)
    tail, k = (1 - confidence) / 2, fit.size_mean
    low = fit.f / float(stats.f.isf(tail, fit.df_between, fit.df_within))
    high = fit.f / float(stats.f.ppf(tail, fit.df_between, fit.df_within))
    same: Row = {"statistic": fit.f, "df": fit.df_between, "df2": fit.df_within, "p": fit.p, "n": fit.n}
    how = f"mean squares, k = N / units = {k:.4g}; F interval (McGraw & Wong 1996)"
    single = {name: (r - 1) / (r + k - 1) for name, r in (("estimate", fit.f), ("ci_low", low), ("ci_high", high))}
    mean = {name: 1 - 1 / r for name, r in (("estimate", fit.f), ("ci_low", low), ("ci_high", high))}
    return [{**single, **same, "method": how}, {**mean, **same, "method": how}]


def _reml(groups: GroupMoments, confidence: float) -> list[Row]:
    fit = random_intercept(groups)
    low, high = ratio_interval(groups, confidence=confidence)
    k = groups.total / len(groups.n)
    theta = fit.tau2 / fit.sigma2
    same: Row = {"statistic": fit.f, "df": fit.df1, "df2": fit.df2, "p": fit.p, "n": groups.total}
    how = f"REML, k = {k:.4g}; exact interval of the variance ratio (Wald 1940)"
    return [
        {"estimate": theta / (theta + 1 / m), "ci_low": low / (low + 1 / m), "ci_high": high / (high + 1 / m),
         "method": how} | same
        for m in (1.0, k)
    ]  # fmt: skip
