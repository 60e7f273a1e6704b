"""Do patients fare as their case mix predicts, at every level of risk? Observed against expected by tenths."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats
from scipy.special import expit, logit

from microresearch.errors import DataError, Problem, SpecError
from microresearch.linking.cells import Cells
from microresearch.linking.design import Array, Design, build
from microresearch.linking.two_stage import FAMILIES, by_case_mix
from microresearch.numeric.clusters import cr2, cr2_glm
from microresearch.numeric.concordance import Concordance, concordance
from microresearch.numeric.glm import Family, fit_glm
from microresearch.results import tidy
from microresearch.units.covariates import UnitDesign

DOMINANCE = 0.1
"""Of the p % rule for groups of costs: what has to be left beside the two largest, as a share of the largest."""


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """Observed outcomes against those that the case-mix model expects. Private: counts of patients.

    Attributes
    ----------
    outcome, kind : str
    table : DataFrame
        A row per group of predicted risk (or mean), lowest first: group, n, n_units, n_events (binary), expected and
        observed (means; risks between 0 and 1), ci_low and ci_high of the observed one.
    slope : tuple of (estimate, se, df)
        Of the outcome on the linear predictor; 1 where predictions are as spread as outcomes are.
    intercept : tuple of (estimate, se, df), optional
        Of the same regression, for binary outcomes: log odds at a predicted risk of one half; 0 is ideal.
    explained : float
        1 - mean squared error over the variance: the scaled Brier score of a binary outcome.
    ranking : Concordance, optional
        The c-statistic, for binary outcomes.
    n_units, n_patients : int
    confidence : float
    """

    outcome: str
    kind: str
    table: pd.DataFrame
    slope: tuple[float, float, float]
    intercept: tuple[float, float, float] | None
    explained: float
    ranking: Concordance | None
    n_units: int
    n_patients: int
    confidence: float = 0.95

    def to_frame(self) -> pd.DataFrame:
        """Rows term, estimate, se, ci_low, ci_high, df, p (slope: of 1; intercept: of 0), n."""
        rows: list[dict[str, object]] = []
        for term, null, found in (
            ("calibration slope", 1.0, self.slope),
            ("calibration intercept", 0.0, self.intercept),
        ):
            if found is not None:
                estimate, se, df = found
                half = float(stats.t.ppf(0.5 + self.confidence / 2, df)) * se
                p = float(2 * stats.t.sf(abs(estimate - null) / se, df))
                rows.append({"term": term, "estimate": estimate, "se": se, "df": df, "ci_low": estimate - half,
                             "ci_high": estimate + half, "p": p})  # fmt: skip
        name = "scaled Brier score" if self.kind == "binary" else "share of variance explained"
        rows.append({"term": name, "estimate": self.explained})
        if self.ranking is not None:
            low, high = self.ranking.interval(self.confidence)
            rows.append({"term": "c-statistic", "estimate": self.ranking.estimate, "se": self.ranking.se,
                         "ci_low": low, "ci_high": high})  # fmt: skip
        return tidy([{**row, "n": self.n_patients} for row in rows])


def calibration(
    cells: Cells, outcome: str, units: UnitDesign, groups: int = 10, fewest: int = 10, confidence: float = 0.95
) -> Calibration:
    """How well the case-mix model's predictions agree with what was observed, from cells.

    Predictions are those behind `unit_standing`: slopes of case mix from within units, one intercept for all, so that
    expected outcomes sum to the observed ones. They are judged on the patients they were estimated from, and across
    units: a slope below 1 says that outcomes differ less across all patients than between patients of one unit, as
    where units with sicker patients do better than their case mix says; a slope above 1, that these do worse.

    Parameters
    ----------
    outcome : str
        Kind binary, count, cost or continuous.
    units : UnitDesign
        The units that count, as `scores.design` holds them.
    groups : int
        Groups of about equal size by predicted risk: tenths. Patients with the same prediction stay together, in the
        group that the middle one of them falls into, so that there may be fewer groups.
    fewest : int
        Neighbouring groups are merged until each has two units or more, and more than so many patients: with the event
        and without it, for binary outcomes. For costs also until no stay dominates its group's total.
    confidence : float

    Raises
    ------
    SpecError
        An outcome of another kind, or fewer than two groups.
    DataError, ConvergenceError
        Too few events or patients for one group; as `unit_effects`.

    Notes
    -----
    Observed means have CR2 errors with Satterthwaite df, units as clusters; bounds by the delta method from the logit
    scale (binary) or the log scale (counts, costs). The slope is that of a regression on the linear predictor (Cox
    1958) with the same errors; predictions are taken as given.

    References
    ----------
    Cox (1958), Biometrika 45, 562-565; Steyerberg et al. (2010), Epidemiology 21, 128-138 (slope, scaled Brier score).
    """
    declared = cells.outcome(outcome)
    if declared.kind not in FAMILIES:
        allowed = ", ".join(FAMILIES)
        raise SpecError(Problem("calibration needs another kind of outcome", column=outcome, allowed=allowed))
    if groups < 2:
        raise SpecError(Problem("there must be two groups or more", value=str(groups)))
    design = build(cells, outcome, list(units.units), units, False)
    family = FAMILIES[declared.kind]
    eta = by_case_mix(design, family)
    mu = expit(eta) if family == "binomial" else eta if family == "gaussian" else np.exp(eta)
    group = _merged(design, _tenths(eta, design.n, groups), declared.kind, fewest, outcome)
    slope, intercept = _slope(design, eta, family)
    error = float((design.squares - 2 * mu * design.total + design.n * mu**2).sum())
    mean = design.total.sum() / design.n.sum()
    spread = float(design.squares.sum() - design.total.sum() * mean)
    binary = declared.kind == "binary"
    return Calibration(
        outcome, declared.kind, _table(design, mu, group, declared.kind, confidence), slope,
        intercept if binary else None, 1 - error / spread,
        concordance(eta, design.n, design.total, design.unit) if binary else None,
        len(design.units), int(design.n.sum()), confidence,
    )  # fmt: skip


def _tenths(eta: Array, n: Array, groups: int) -> NDArray[np.intp]:
    """The group of each cell: that of the middle patient among those with its prediction."""
    place = np.unique(eta, return_inverse=True)[1]
    rows = np.bincount(place, n)
    middle = (np.cumsum(rows) - rows / 2) / rows.sum()
    return np.floor(groups * middle).astype(np.intp)[place]


def _merged(design: Design, group: NDArray[np.intp], kind: str, fewest: int, outcome: str) -> NDArray[np.intp]:
    """Groups numbered from 0, each too small one merged with the smaller of its neighbours."""
    group = np.unique(group, return_inverse=True)[1]
    while True:
        small = np.flatnonzero(_small(design, group, kind, fewest))
        if not len(small):
            return group
        last = int(group.max())
        if last == 0:
            lacking = {
                "binary": f"{fewest} or fewer with the event, or without it",
                "cost": "one may dominate the total",
            }
            why = lacking.get(kind, f"{fewest} or fewer, or those of one unit")
            raise DataError(Problem(f"there are too few patients for calibration: {why}", column=outcome))
        rows = np.bincount(group, design.n)
        at = int(small[0])
        beside = [i for i in (at - 1, at + 1) if 0 <= i <= last]
        lower = min(at, min(beside, key=lambda i: rows[i]))
        group = group - (group > lower)


def _small(design: Design, group: NDArray[np.intp], kind: str, fewest: int) -> NDArray[np.bool_]:
    n, total = np.bincount(group, design.n), np.bincount(group, design.total)
    few = (n <= fewest) | (_units(design, group) < 2)
    if kind == "binary":
        few |= (total <= fewest) | (n - total <= fewest)
    elif kind != "continuous":
        few |= total <= 0
    if kind == "cost":
        few |= total < (2 + DOMINANCE) * np.sqrt(np.bincount(group, design.squares))  # no stay is above this root
    return few


def _units(design: Design, group: NDArray[np.intp]) -> NDArray[np.intp]:
    pairs = np.unique(np.column_stack([group, design.unit]), axis=0)
    return np.bincount(pairs[:, 0])


def _table(design: Design, mu: Array, group: NDArray[np.intp], kind: str, confidence: float) -> pd.DataFrame:
    n, total = np.bincount(group, design.n), np.bincount(group, design.total)
    observed = total / n
    within = np.eye(len(n))[group]
    robust = cr2(within, design.n, design.total - design.n * observed[group], np.ones(len(group)), design.unit)
    se = np.sqrt(np.diag(robust.cov))
    half = se * [stats.t.ppf(0.5 + confidence / 2, robust.df(one)) for one in np.eye(len(n))]
    bounds = [_bound(observed, sign * half, kind) for sign in (-1, 1)]
    frame = pd.DataFrame({"group": np.arange(1, len(n) + 1), "n": n.astype(int), "n_units": _units(design, group)})
    if kind == "binary":
        frame["n_events"] = total.astype(int)
    expected = np.bincount(group, design.n * mu) / n
    return frame.assign(expected=expected, observed=observed, ci_low=bounds[0], ci_high=bounds[1])


def _bound(mean: Array, half: Array, kind: str) -> Array:
    """The mean and a half interval beyond it, by the delta method on the scale of the link."""
    if kind == "binary":
        return expit(logit(mean) + half / (mean * (1 - mean)))
    return mean + half if kind == "continuous" else mean * np.exp(half / mean)


def _slope(design: Design, eta: Array, family: str) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Slope and intercept of the outcome on the linear predictor, each with CR2 error and df."""
    if np.ptp(eta) < 1e-9:
        raise DataError("case mix predicts the same for every patient: there is nothing to calibrate.")
    x = np.column_stack([np.ones(len(eta)), eta])
    if family == "gaussian":
        root = np.sqrt(design.n)
        beta = np.asarray(np.linalg.lstsq(x * root[:, None], design.total / root, rcond=None)[0], float)
        robust = cr2(x, design.n, design.total - design.n * (x @ beta), np.ones(len(x)), design.unit)
    else:
        named: Family = "binomial" if family == "binomial" else "poisson" if family == "poisson" else "gamma"
        fit = fit_glm(x, design.n, design.total, named)
        beta, robust = fit.beta, cr2_glm(x, design.n, design.total, fit, design.unit)
    found = [(float(b), float(np.sqrt(v)), robust.df(one))
             for b, v, one in zip(beta, np.diag(robust.cov), np.eye(2), strict=True)]  # fmt: skip
    return found[1], found[0]
