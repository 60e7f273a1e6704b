"""How much of a score lies between groups? Variance components by ANOVA and by REML, from group moments."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

from microresearch.errors import ConvergenceError, DataError
from microresearch.numeric.moments import GroupMoments

Floats = NDArray[np.float64]
GRID = np.concatenate(([0.0], np.geomspace(1e-6, 1e4, 41)))
"""Variance ratios between which the REML score is searched for sign changes."""


@dataclass(frozen=True, slots=True)
class OneWay:
    """One-way analysis of variance of unbalanced groups.

    `size_mean` is N/G; `size_effective` is the n0 of Searle, Casella & McCulloch (1992), eq. 3.17: the size at which
    the expected mean square between is sigma2 + n0 tau2.
    """

    n_groups: int
    n: int
    ms_between: float
    ms_within: float
    df_between: int
    df_within: int
    f: float
    p: float
    size_mean: float
    size_effective: float


def one_way(groups: GroupMoments) -> OneWay:
    """Mean squares and F of a one-way layout; groups without values are left out.

    Raises
    ------
    DataError
        Fewer than two groups, no group with two values, or no spread within groups.
    """
    groups = groups.keep(groups.n > 0)
    size, total = groups.n.astype(np.float64), groups.total
    n_groups = len(size)
    if n_groups < 2 or total == n_groups:
        raise DataError(
            "variance between groups needs 2 or more groups and a group with 2 or more values; "
            f"got {n_groups} groups of {total} values."
        )
    grand = (size * groups.mean).sum() / total
    df_between, df_within = n_groups - 1, total - n_groups
    between = float((size * (groups.mean - grand) ** 2).sum() / df_between)
    within = float(groups.ss.sum() / df_within)
    if within <= 0:
        raise DataError("the values do not vary within groups; a ratio of variances is undefined.")
    f = between / within
    return OneWay(
        n_groups, total, between, within, df_between, df_within, f, float(stats.f.sf(f, df_between, df_within)),
        total / n_groups, float((total - (size**2).sum() / total) / df_between),
    )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class RandomIntercept:
    """Person data in groups, y = x b + v + e, fitted by REML; x is constant within a group.

    Attributes
    ----------
    beta, cov_beta : arrays, shapes (p,) and (p, p)
        Generalised least squares coefficients of the design and their covariance, tau2 and sigma2 as if known.
    tau2, sigma2 : float
        Variance of v (between groups, given the design) and of e (within groups), in squared units of y.
    fitted, fitted_se : arrays, shape (n_groups,)
        x b and its standard error.
    predicted, predicted_se : arrays, shape (n_groups,)
        E(x b + v | data) and its prediction error, which counts the error of b (Henderson 1975).
    weight : array, shape (n_groups,)
        tau2 / (tau2 + sigma2 / n): how far the group's own mean is believed.
    criterion : float
        -2 restricted log-likelihood, as lme4 prints it.
    score : float
        Derivative of the criterion by log(tau2 / sigma2) at the optimum; 0 by construction at the boundary.
    boundary : bool
        True when tau2 is zero.
    f, df1, df2, p : float
        Exact test of tau2 = 0 (Wald 1940; with covariates Seely & El-Bassiouni 1983); the ANOVA F when the design is
        the intercept alone.
    """

    beta: Floats
    cov_beta: Floats
    tau2: float
    sigma2: float
    fitted: Floats
    fitted_se: Floats
    predicted: Floats
    predicted_se: Floats
    weight: Floats
    criterion: float
    score: float
    boundary: bool
    f: float
    df1: int
    df2: int
    p: float

    @property
    def icc(self) -> float:
        """Share of the variance that lies between groups, given the design."""
        return self.tau2 / (self.tau2 + self.sigma2)


@dataclass(frozen=True, slots=True, eq=False)
class _Profile:
    """What every trial ratio theta = tau2 / sigma2 needs."""

    size: Floats
    mean: Floats
    design: Floats
    ss_within: float
    df: int  # N - p

    def at(self, theta: float) -> tuple[float, float, float, float]:
        """-2 REML without constants, its derivative by theta, the residual quadratic form, and tr P."""
        w = 1 / (theta + 1 / self.size)
        root = np.sqrt(w)
        q, r = np.linalg.qr(root[:, None] * self.design)
        z = root * self.mean
        py = root * (z - q @ (q.T @ z))
        quadratic = float(self.mean @ py)
        rss = self.ss_within + quadratic
        trace = float((w * (1 - (q**2).sum(axis=1))).sum())
        value = self.df * np.log(rss) - np.log(w).sum() + 2 * np.log(np.abs(np.diag(r))).sum()
        return float(value), float(trace - self.df * (py @ py) / rss), quadratic, trace

    def f_at(self, theta: float) -> float:
        """Ratio of mean squares that is F distributed when theta is the true ratio."""
        n, (groups, p) = self.df, self.design.shape
        return self.at(theta)[2] / (groups - p) / (self.ss_within / (n + p - groups))


def _profile(groups: GroupMoments, design: Floats | None) -> _Profile:
    design = np.ones((len(groups.n), 1)) if design is None else np.asarray(design, dtype=np.float64)
    if (groups.n < 1).any():
        raise DataError("every group needs a value; leave empty groups out first.")
    n_groups, p = design.shape
    if n_groups <= p:
        raise DataError(f"{n_groups} groups cannot carry {p} coefficients and a variance between groups.")
    if groups.total == n_groups:
        raise DataError("no group has 2 or more values; the variance within groups cannot be estimated.")
    if np.linalg.matrix_rank(design) < p:
        raise DataError("the group-level design is collinear; drop the columns that repeat others first.")
    within = float(groups.ss.sum())
    if within <= 0:
        raise DataError("the values do not vary within groups; a ratio of variances is undefined.")
    return _Profile(groups.n.astype(np.float64), groups.mean, design, within, groups.total - p)


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    root = optimize.brentq(function, low, high, xtol=1e-15, rtol=1e-14)
    return float(root)  # pyrefly: ignore


def _best_ratio(profile: _Profile) -> float:
    """The theta >= 0 with the smallest criterion: every sign change of the score is followed, the best kept."""
    slopes = [profile.at(t)[1] for t in GRID]
    candidates = [0.0] if slopes[0] >= 0 else []
    for low, high, before, after in zip(GRID[:-1], GRID[1:], slopes[:-1], slopes[1:], strict=True):
        if before < 0 <= after:
            candidates.append(_root(lambda t: profile.at(t)[1], float(low), float(high)))
    if not candidates:
        raise ConvergenceError(
            f"REML found no ratio of variances between 0 and {GRID[-1]:g}; do the values vary within groups?"
        )
    return min(candidates, key=lambda t: profile.at(t)[0])


def random_intercept(groups: GroupMoments, design: Floats | None = None) -> RandomIntercept:
    """REML fit of a random intercept per group, exact from each group's count, mean and sum of squares.

    With a design that is constant within groups the restricted likelihood has one free parameter, the ratio
    theta = tau2 / sigma2 (Searle, Casella & McCulloch 1992, sec. 6.6); its score is solved to machine precision.

    Parameters
    ----------
    groups : GroupMoments
        One entry a group, each with one value or more.
    design : array, shape (n_groups, p), optional
        Group-level regressors of full column rank, the intercept among them; an intercept alone if left out.

    Raises
    ------
    DataError
        Too few groups, no group with two values, a collinear design, no spread within groups.
    ConvergenceError
        The score was not brought to zero.

    References
    ----------
    Patterson & Thompson (1971), Biometrika 58, 545-554. doi:10.1093/biomet/58.3.545
    Henderson (1975), Biometrics 31, 423-447. doi:10.2307/2529430

    Examples
    --------
    >>> from microresearch.numeric.moments import group_moments
    >>> y = np.array([1.0, 2, 3, 4, 5, 6, 9, 8])
    >>> fit = random_intercept(group_moments(y, np.array([0, 0, 1, 1, 2, 2, 3, 3]), 4))
    >>> fit.tau2, fit.sigma2
    (8.667, 0.500)
    """
    profile = _profile(groups, design)
    theta = _best_ratio(profile)
    _, slope, quadratic, _ = profile.at(theta)
    score = 0.0 if theta == 0 else slope * theta
    if abs(score) > 1e-7 * profile.df:
        raise ConvergenceError(f"REML stopped where the score is {score:.2g}, not zero.")
    n_groups, p = profile.design.shape
    sigma2 = (profile.ss_within + quadratic) / profile.df
    tau2 = theta * sigma2
    w = 1 / (theta + 1 / profile.size)
    cross = profile.design.T @ (w[:, None] * profile.design)
    beta = np.asarray(np.linalg.solve(cross, profile.design.T @ (w * profile.mean)), dtype=np.float64)
    cov_beta = np.asarray(sigma2 * np.linalg.inv(cross), dtype=np.float64)
    fitted = profile.design @ beta
    weight = theta * w
    variance_fitted = np.einsum("ij,jk,ik->i", profile.design, cov_beta, profile.design)
    error = tau2 * (1 - weight) + (1 - weight) ** 2 * variance_fitted
    criterion = (
        profile.df * (1 + np.log(2 * np.pi * sigma2))
        + np.log1p(profile.size * theta).sum()
        + np.linalg.slogdet(cross)[1]
    )
    f = profile.f_at(0.0)
    df1, df2 = n_groups - p, groups.total - n_groups
    return RandomIntercept(
        beta, cov_beta, tau2, sigma2, fitted, np.sqrt(variance_fitted),
        fitted + weight * (profile.mean - fitted), np.sqrt(error), weight,
        float(criterion), score, theta == 0, f, df1, df2, float(stats.f.sf(f, df1, df2)),
    )  # fmt: skip


def ratio_interval(groups: GroupMoments, design: Floats | None = None, confidence: float = 0.95) -> tuple[float, float]:
    """Exact interval of tau2 / sigma2 under normality, unbalanced groups and group-level covariates included.

    The ratio of the generalised between and the within mean square at the true theta is F(U - p, N - U); the interval
    holds every theta >= 0 that this F does not reject in either tail.

    References
    ----------
    Wald (1940), Annals of Mathematical Statistics 11, 96-99. doi:10.1214/aoms/1177731946
    Seely & El-Bassiouni (1983), Annals of Statistics 11, 197-201. doi:10.1214/aos/1176346070
    """
    profile = _profile(groups, design)
    n_groups, p = profile.design.shape
    df1, df2 = n_groups - p, groups.total - n_groups
    tail = (1 - confidence) / 2

    def bound(target: float) -> float:
        if profile.f_at(0.0) <= target:
            return 0.0
        high = 1.0
        while profile.f_at(high) > target:
            high *= 4
            if high > 1e12:
                raise ConvergenceError("the interval of the variance ratio has no upper bound.")
        return _root(lambda t: profile.f_at(t) - target, 0.0, high)

    return bound(float(stats.f.isf(tail, df1, df2))), bound(float(stats.f.ppf(tail, df1, df2)))


def ratio_pivots(groups: GroupMoments, design: Floats, probabilities: Floats) -> Floats:
    """Quantiles of what the data leave open of tau2 / sigma2: the values at which F meets its quantiles; 0 where none.

    The same pivot as in `ratio_interval`, at many levels at once. In the contrasts that the design cannot reach, the
    generalised mean square between is a sum over independent terms z2 / (theta + value), so every trial costs a line.

    Parameters
    ----------
    probabilities : array, shape (k,)
        Rising, within (0, 1).

    Returns
    -------
    array, shape (k,)
        Rising.

    References
    ----------
    As `ratio_interval`; as a distribution of the parameter: Tsui & Weerahandi (1989), JASA 84, 602-607.

    Examples
    --------
    >>> groups = GroupMoments(np.full(6, 9), np.array([1.0, 2, 4, 3, 6, 5]), np.full(6, 8.0))
    >>> ratio_pivots(groups, np.ones((6, 1)), np.array([0.025, 0.975])), ratio_interval(groups)
    (array([ 1.119, 21.41]), (1.119, 21.41))
    """
    profile = _profile(groups, design)
    n_groups, p = profile.design.shape
    basis = np.linalg.qr(profile.design, mode="complete").Q[:, p:]
    values, vectors = np.linalg.eigh((basis / profile.size[:, None]).T @ basis)
    z2 = (vectors.T @ (basis.T @ profile.mean)) ** 2
    df1, df2 = n_groups - p, groups.total - n_groups
    wanted = stats.f.isf(probabilities, df1, df2) * df1 * profile.ss_within / df2
    low, high = np.zeros(len(wanted)), z2.sum() / wanted  # the sum is below z2.sum() / theta
    for _ in range(80):
        middle = (low + high) / 2
        above = (z2 / (middle[:, None] + values)).sum(axis=1) > wanted
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return np.where((z2 / values).sum() <= wanted, 0.0, (low + high) / 2)
