"""How does each unit stand once its patients are accounted for? Observed over expected, in a funnel."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats
from scipy.special import expit

from microresearch.errors import Problem, SpecError
from microresearch.linking.cells import Cells
from microresearch.linking.design import Array, build
from microresearch.linking.two_stage import by_case_mix
from microresearch.units.covariates import UnitDesign


@dataclass(frozen=True, slots=True, eq=False)
class UnitStanding:
    """Observed and expected events of every unit, adjusted for case mix within units.

    Attributes
    ----------
    outcome : str
    table : DataFrame
        A row a unit: unit, n, observed, expected, ratio (observed / expected), z (of the log ratio, plain), shrunken
        (ratio after empirical-Bayes shrinkage) with shrunken_low and shrunken_high, outside95 and outside998 (of the
        overdispersed limits).
    phi : float
        Overdispersion: winsorised mean of z squared (1 where units vary by chance alone).
    tau2 : float
        Variance between units of the log ratio beyond chance (DerSimonian & Laird on the winsorised z).
    n_units, n_patients, n_events : int
    """

    outcome: str
    table: pd.DataFrame
    phi: float
    tau2: float
    n_units: int
    n_patients: int
    n_events: int

    def limits(self, expected: Array, confidence: float = 0.95) -> tuple[Array, Array]:
        """Funnel limits of the ratio at these expected counts, with the additive overdispersion tau2.

        Parameters
        ----------
        expected : array
            Expected events, above 0.
        """
        half = stats.norm.ppf(0.5 + confidence / 2) * np.sqrt(1 / expected + self.tau2)
        return np.exp(-half), np.exp(half)

    def to_frame(self) -> pd.DataFrame:
        """The table: counts of patients, so private."""
        return self.table


def unit_standing(cells: Cells, outcome: str, units: UnitDesign, confidence: float = 0.95) -> UnitStanding:
    """Observed over expected events by unit; slopes of case mix from within units, one intercept for all.

    The intercept is solved so that expected events sum to the observed ones. Limits are overdispersed: the spread of
    units beyond chance widens them, after the 10 % most extreme z on either side are pulled in.

    Parameters
    ----------
    outcome : str
        Kind binary.
    units : UnitDesign
        The units that count, as `scores.design` holds them.

    Raises
    ------
    SpecError
        Another kind of outcome.
    DataError, ConvergenceError
        As `unit_effects`.

    References
    ----------
    Spiegelhalter (2005), Stat Med 24, 1185-1202, sections 3 and 4; Spiegelhalter et al. (2012), J R Stat Soc A 175,
    1-47.
    """
    if cells.outcome(outcome).kind != "binary":
        raise SpecError(Problem("observed over expected needs a binary outcome", column=outcome))
    design = build(cells, outcome, list(units.units), units, False)
    size = len(design.units)
    observed = np.bincount(design.unit, design.total, size).astype(np.float64)
    risk = expit(by_case_mix(design, "binomial"))
    expected = np.bincount(design.unit, design.n * risk, size).astype(np.float64)
    z, phi, tau2 = _overdispersion(observed, expected)
    table = pd.DataFrame(
        {"unit": design.units, "n": np.bincount(design.unit, design.n, size).astype(int),
         "observed": observed.astype(int), "expected": expected, "ratio": observed / expected, "z": z}
    )  # fmt: skip
    shrunken, low, high = _shrink(observed, expected, tau2, confidence)
    table["shrunken"], table["shrunken_low"], table["shrunken_high"] = shrunken, low, high
    made = UnitStanding(outcome, table, phi, tau2, size, int(design.n.sum()), int(observed.sum()))
    for level, name in ((0.95, "outside95"), (0.998, "outside998")):
        lower, upper = made.limits(expected, level)
        table[name] = (table["ratio"] < lower) | (table["ratio"] > upper)
    return made


def _overdispersion(observed: Array, expected: Array) -> tuple[Array, float, float]:
    """z of the square root of the ratio, doubled (it has variance 1 / expected), phi and tau2 after winsorising."""
    z = 2 * (np.sqrt(observed) - np.sqrt(expected))
    low, high = np.quantile(z, [0.1, 0.9])
    size = len(z)
    phi = float((np.clip(z, low, high) ** 2).mean())
    weight = expected
    spread = weight.sum() - (weight**2).sum() / weight.sum()
    tau2 = max(0.0, (size * phi - (size - 1)) / spread) if size > 1 else 0.0
    return z, phi, float(tau2)


def _shrink(observed: Array, expected: Array, tau2: float, confidence: float) -> tuple[Array, Array, Array]:
    """Posterior ratios under a gamma prior of mean 1 and variance tau2; 1 for all units when tau2 is zero."""
    if tau2 == 0:
        return np.ones_like(expected), np.ones_like(expected), np.ones_like(expected)
    shape = observed + 1 / tau2
    scale = 1 / (expected + 1 / tau2)
    tail = (1 - confidence) / 2
    return shape * scale, stats.gamma.ppf(tail, shape, scale=scale), stats.gamma.ppf(1 - tail, shape, scale=scale)
