"""How much of a scale score is what its items share? Coefficient omega: total, categorical, hierarchical."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from microresearch.errors import DataError, Problem, SpecError
from microresearch.numeric.moments import Floats
from microresearch.psychometrics.alpha import SINGLE
from microresearch.psychometrics.item_matrix import check_variation
from microresearch.psychometrics.omega_categorical import categorical_omega
from microresearch.psychometrics.omega_estimate import Estimate
from microresearch.psychometrics.omega_hierarchical import hierarchical_omega
from microresearch.psychometrics.omega_total import many_factor_omega, one_factor_omega
from microresearch.psychometrics.scores import pick_items
from microresearch.responses import Responses
from microresearch.results import Interval, tidy

Kind = Literal["total", "hierarchical", "categorical"]
INTERVALS = ("robust", "normal", "bootstrap")


@dataclass(frozen=True, slots=True, eq=False)
class Omega:
    """Coefficient omega of one scale.

    Attributes
    ----------
    kind, scale : str
    estimate, se : float
        `se` on the scale of omega.
    interval : Interval
    loadings : Series
        Of the items on the one factor (or the general factor), in the items' units, or standardised where `method`
        says so.
    uniquenesses : Series
        Variance of each item that its factors leave.
    n_used, n_dropped, n_items, n_factors : int
    method : str
        Every convention behind the number.
    notes : tuple of str
        Named warnings: a Heywood case, an item that loads negatively (nothing is ever turned silently), bootstrap
        samples that had to be left out.
    seed : int or None
        Of the bootstrap.
    total : float
        Omega total; the estimate itself, except for kind "hierarchical".
    """

    kind: str
    scale: str
    estimate: float
    se: float
    interval: Interval
    loadings: pd.Series
    uniquenesses: pd.Series
    n_used: int
    n_dropped: int
    n_items: int
    n_factors: int
    method: str
    notes: tuple[str, ...]
    seed: int | None
    total: float
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
        """One row."""
        row = {"term": f"omega, {self.kind}", "group": self.scale, "estimate": self.estimate, "se": self.se,
               "ci_low": self.ci_low, "ci_high": self.ci_high, "n": self.n_used, "n_items": self.n_items,
               "method": f"{self.method}; {self.interval.method}"}  # fmt: skip
        return tidy([row], extra=("n_items", "method"))


def omega(
    items: pd.DataFrame | Responses,
    n_factors: int | None = None,
    kind: Kind = "total",
    columns: str | Sequence[str] | None = None,
    confidence: float = 0.95,
    interval: Literal["robust", "normal", "bootstrap"] | None = None,
    n_boot: int = 2000,
    seed: int = 1,
) -> Omega:
    """Coefficient omega with an interval, from persons who answered every item.

    Parameters
    ----------
    items : DataFrame (persons x items, keyed) or Responses
    n_factors : int, optional
        Factors behind the items: 1 for "total" and "categorical", 3 for "hierarchical" if left out.
    kind : {"total", "hierarchical", "categorical"}
        "total": reliability of the sum of the items. With one factor by maximum likelihood on covariances (lavaan's,
        semTools'); with more by minimum residuals on correlations, 1 - sum of uniquenesses / sum of R (psych's).
        "categorical": of the sum of ordered answers, from polychorics and thresholds (Green & Yang 2009), loadings by
        diagonally weighted least squares (semTools' on a WLSMV fit).
        "hierarchical": share of the sum due to a general factor: minimum residuals, oblimin, Schmid-Leiman (psych's),
        without turning items.
    columns : str or sequence of str, optional
        Items in a larger frame; with `Responses` the code of a characteristic, whose items come keyed.
    confidence : float, default 0.95
    interval : {"robust", "normal", "bootstrap"}, optional
        "robust" (the default): delta method on the logit of omega, from errors that allow for non-normal answers
        (one factor: Satorra & Bentler 1994; "categorical": Muthén 1984; several factors and "hierarchical": Devlin,
        Gnanadesikan & Kettenring 1975). "normal" (one factor on covariances alone): the same with errors that do not.
        "bootstrap": percentiles of resampled persons. How often each covers: `benchmarks/calibrate/reliability.csv`.
    n_boot, seed : int
        Of the bootstrap.

    Returns
    -------
    Omega

    Raises
    ------
    DataError
        Fewer than three items, constant items, fewer persons than items.
    SpecError
        An unknown kind or interval, or one that the kind does not have; more factors than the items can carry.
    ConvergenceError
        The factor model has no solution; the message says what was tried.

    References
    ----------
    McDonald (1999), Test Theory, eq. 6.20b. Green & Yang (2009), Psychometrika 74, 155-167, eq. 21.
    Zinbarg, Revelle, Yovel & Li (2005), Psychometrika 70, 123-133. doi:10.1007/s11336-003-0974-7

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> items = pd.DataFrame(rng.normal(size=(200, 1)) + rng.normal(size=(200, 4)))
    >>> result = omega(items)
    >>> round(result.estimate, 2), round(result.ci_low, 2), round(result.ci_high, 2)
    (0.78, 0.73, 0.82)
    """
    frame = pick_items(items, columns)
    if frame.shape[1] < 2:
        raise DataError(SINGLE.replace("alpha needs two", "omega needs three") + ".")
    x = frame.dropna().to_numpy(np.float64)
    k = frame.shape[1]
    how, m = _settings(kind, n_factors, interval, k)
    if k < 3:
        raise DataError("omega needs three items or more: one factor behind two items cannot be told; use alpha.")
    if len(x) <= k:
        raise DataError(f"{len(x)} persons answered every item; omega of {k} items needs more persons than items.")
    check_variation([str(name) for name in frame.columns], x)
    found = _estimate(kind, m, how, x, n_boot, seed)
    scale = columns if isinstance(columns, str) else ""
    names = frame.columns.astype(str)
    return Omega(
        kind, scale, found.estimate, found.se, found.interval(confidence, how), pd.Series(found.loadings, names),
        pd.Series(found.psi, names), len(x), len(frame) - len(x), k, m, f"listwise; {found.method}",
        found.notes + _warnings(names, found.loadings, found.psi), seed if how == "bootstrap" else None,
        found.estimate if found.total is None else found.total,
    )  # fmt: skip


def _settings(kind: str, n_factors: int | None, interval: str | None, k: int) -> tuple[str, int]:
    if kind not in ("total", "hierarchical", "categorical"):
        raise SpecError(Problem("unknown kind of omega", value=kind, allowed="total, hierarchical, categorical"))
    m = n_factors if n_factors is not None else (3 if kind == "hierarchical" else 1)
    if kind == "categorical" and m != 1:
        raise SpecError("categorical omega is that of one factor.")
    if kind == "hierarchical" and m < 3:
        raise SpecError(
            "a general factor above fewer than three factors is not determined; omega hierarchical needs 3."
        )
    if m < 1 or (m > 1 and (k - m) ** 2 < k + m):
        raise SpecError(f"{k} items cannot carry {m} factors: the model has no degrees of freedom.")
    allowed = INTERVALS if kind == "total" and m == 1 else ("robust", "bootstrap")
    how = "robust" if interval is None else interval
    if how not in allowed:
        raise SpecError(Problem("this omega has no such interval", value=str(how), allowed=", ".join(allowed)))
    return how, m


def _estimate(kind: str, m: int, how: str, x: Floats, n_boot: int, seed: int) -> Estimate:
    if kind == "categorical":
        return categorical_omega(x, how, n_boot, seed)
    if kind == "hierarchical":
        return hierarchical_omega(x, m, how, n_boot, seed)
    return one_factor_omega(x, how, n_boot, seed) if m == 1 else many_factor_omega(x, m, how, n_boot, seed)


def _warnings(names: pd.Index, loadings: Floats, psi: Floats) -> tuple[str, ...]:
    notes = []
    heywood = [str(name) for name, value in zip(names, psi, strict=True) if value <= 0]
    if heywood:
        notes.append(f"Heywood case: no variance of its own is left to {', '.join(heywood)}")
    against = [str(name) for name, value in zip(names, loadings, strict=True) if value < 0]
    if against:
        notes.append(f"negative loadings: {', '.join(against)}; check the keying, nothing was turned")
    return tuple(notes)
