"""Between which bounds does alpha lie? Free of any distribution by the jackknife, by bootstrap, or Feldt's."""

from typing import Literal

import numpy as np
from scipy import stats

from microresearch.errors import Problem, SpecError
from microresearch.numeric.moments import Floats, PairMoments, pair_moments
from microresearch.psychometrics.coefficients import alpha_of
from microresearch.results import Interval

Kind = Literal["robust", "feldt", "bootstrap"]
FEWEST = "on the fewest persons behind a pair"


def alpha_interval(
    kind: Kind, x: Floats, moments: PairMoments, confidence: float = 0.95, n_boot: int = 2000, seed: int = 1
) -> Interval:
    """The interval of raw alpha by name; its `method` says the convention.

    Parameters
    ----------
    kind : {"robust", "feldt", "bootstrap"}
    x : array, shape (n, k)
        NaN for holes; its `moments` pairwise.
    """
    if kind == "robust":
        return robust_interval(x, moments, confidence)
    if kind == "feldt":
        return feldt_interval(float(alpha_of(moments.covariance)), int(moments.n.min()), x.shape[1], confidence)
    if kind == "bootstrap":
        return _bootstrap(x, confidence, n_boot, seed)
    raise SpecError(Problem("alpha has no such interval", value=str(kind), allowed="robust, feldt, bootstrap"))


def robust_interval(x: Floats, moments: PairMoments, confidence: float = 0.95) -> Interval:
    """Jackknife of log(1 - alpha) over persons, with t on the fewest persons behind a pair, less one.

    Supposes neither normal answers nor parallel items. In large samples it is the delta method of Maydeu-Olivares,
    Coffman & Hartmann (2007), which stands in where leaving one person out leaves no logarithm.

    References
    ----------
    Pandey & Hubert (1975), Psychometrika 40, 169-181. Miller (1974), Biometrika 61, 1-15. doi:10.1093/biomet/61.1.1
    Maydeu-Olivares, Coffman & Hartmann (2007), Psychological Methods 12, 157-176. doi:10.1037/1082-989X.12.2.157
    """
    left = 1 - float(alpha_of(moments.covariance))
    n, fewest = len(x), int(moments.n.min())
    if left <= 1e-12:
        return Interval(1.0, 1.0, confidence, "every item says the same: alpha is 1 in this sample, without an error")
    without = 1 - leave_one_out(x, moments)
    if (without > 1e-10).all():
        logs = np.log(without)
        se, how = float(np.sqrt((n - 1) / n * ((logs - logs.mean()) ** 2).sum())), "jackknife"
    else:
        se, how = alpha_error(x, moments) / left, "delta method"
    wide = float(stats.t.ppf(0.5 + confidence / 2, fewest - 1)) * se
    method = f"robust to non-normal answers: {how} of log(1 - alpha), {FEWEST}"
    return Interval(float(1 - left * np.exp(wide)), float(1 - left * np.exp(-wide)), confidence, method)


def leave_one_out(x: Floats, moments: PairMoments) -> Floats:
    """Alpha without each person in turn, shape (n,), holes as in the pairwise covariances; no loop over persons."""
    n, k = x.shape
    total, trace = np.zeros(n), np.zeros(n)
    for i in range(k):
        for j in range(i + 1):
            size, value = moments.n[i, j], moments.covariance[i, j]
            both = ~np.isnan(x[:, i]) & ~np.isnan(x[:, j])
            a, b = x[both, i], x[both, j]
            changed = np.full(n, value)
            away = (a - a.mean()) * (b - b.mean()) * size / (size - 1)
            changed[both] = (value * (size - 1) - away) / (size - 2)
            total += changed if i == j else 2 * changed
            if i == j:
                trace += changed
    # a total that no longer varies has no alpha: 1 - alpha below is not positive, as for alpha of 1
    return np.where(total > 0, k / (k - 1) * (1 - trace / np.where(total > 0, total, 1.0)), 1.0)


def feldt_interval(estimate: float, n: int, k: int, confidence: float = 0.95) -> Interval:
    """Feldt's interval: (1 - estimate) / (1 - alpha) is F with n - 1 and (n - 1) (k - 1) degrees of freedom.

    References
    ----------
    Feldt (1965), Psychometrika 30, 357-370, eq. 14. doi:10.1007/BF02289499
    """
    tail = (1 - confidence) / 2
    df1, df2 = n - 1, (n - 1) * (k - 1)
    low = 1 - (1 - estimate) * float(stats.f.isf(tail, df1, df2))
    high = 1 - (1 - estimate) * float(stats.f.ppf(tail, df1, df2))
    return Interval(low, high, confidence, f"Feldt (1965), normal answers and parallel items supposed, {FEWEST}")


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


def _bootstrap(x: Floats, confidence: float, n_boot: int, seed: int) -> Interval:
    rng, values = np.random.default_rng(seed), np.empty(n_boot)
    for b in range(n_boot):
        values[b] = alpha_of(pair_moments(x[rng.integers(0, len(x), len(x))]).covariance)
    tail = (1 - confidence) / 2
    low, high = np.nanquantile(values, [tail, 1 - tail])
    return Interval(float(low), float(high), confidence, f"bootstrap percentiles of {n_boot} samples")
