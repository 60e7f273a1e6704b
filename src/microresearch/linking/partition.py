"""How much of an outcome's variance lies between units, and what explains it? ICC and median odds ratio by steps."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import stats

from microresearch.errors import Problem, SpecError
from microresearch.linking.cells import Cells
from microresearch.linking.design import Array, Design, build
from microresearch.numeric.logistic_mixed import fit_logistic_mixed
from microresearch.numeric.mixed import fit_mixed, group_moments
from microresearch.units.covariates import UnitDesign

STEPS = ("units alone", "case mix", "case mix and hospitals", "case mix, hospitals and unit covariates")


@dataclass(frozen=True, slots=True)
class VariancePartition:
    """Variance between units, with more and more held constant.

    Attributes
    ----------
    outcome, model : str
    steps : tuple of str
        What the model holds constant.
    between, within : tuple of float
        Variance between units; within, pi^2 / 3 for a binary outcome (the latent scale).
    n_units, n_patients : int
    """

    outcome: str
    model: str
    steps: tuple[str, ...]
    between: tuple[float, ...]
    within: tuple[float, ...]
    n_units: int
    n_patients: int

    @property
    def icc(self) -> tuple[float, ...]:
        """Share between units."""
        return tuple(b / (b + w) for b, w in zip(self.between, self.within, strict=True))

    @property
    def median_odds_ratio(self) -> tuple[float, ...] | None:
        """Median over pairs of like patients in different units of the higher odds over the lower; binary outcomes."""
        if self.model != "logistic mixed":
            return None
        return tuple(float(np.exp(np.sqrt(2 * b) * stats.norm.ppf(0.75))) for b in self.between)

    def to_frame(self) -> pd.DataFrame:
        """Columns term, between, within, icc, median_odds_ratio (binary), explained (of the case-mix model's), n."""
        base = self.between[1] if len(self.between) > 1 else self.between[0]
        frame = pd.DataFrame({"term": self.steps, "between": self.between, "within": self.within, "icc": self.icc})
        if self.median_odds_ratio is not None:
            frame["median_odds_ratio"] = self.median_odds_ratio
        if base > 0:
            frame["explained"] = [None if i < 2 else 1 - b / base for i, b in enumerate(self.between)]
            frame["explained"] = frame["explained"].astype(float)
        return frame.assign(n_units=self.n_units, n=self.n_patients)


def variance_partition(cells: Cells, outcome: str, units: UnitDesign) -> VariancePartition:
    """Variance of a continuous or binary outcome between units: alone, then given case mix, hospitals, covariates.

    Parameters
    ----------
    cells : Cells
    outcome : str
        Kind continuous (REML) or binary (maximum likelihood by adaptive quadrature, latent scale).
    units : UnitDesign
        Hospitals and unit covariates, as `scores.design` holds them.

    Raises
    ------
    SpecError
        Another kind of outcome.
    DataError, ConvergenceError
        As `fit_mixed` and `fit_logistic_mixed`.

    References
    ----------
    Goldstein, Browne & Rasbash (2002), Understanding Statistics 1, 223-231; Larsen & Merlo (2005), Am J Epidemiol 161,
    81-88 (median odds ratio).
    """
    kind = cells.outcome(outcome).kind
    if kind not in ("continuous", "binary"):
        raise SpecError(
            Problem("a variance partition needs another kind", column=outcome, allowed="continuous, binary")
        )
    whole = build(cells, outcome, list(units.units), units, units.by_hospital)
    between: list[float] = []
    within: list[float] = []
    steps: list[str] = []
    for name in STEPS:
        x = _columns(whole, name)
        if x is None:
            continue
        steps.append(name)
        tau2, sigma2 = _variances(replace(whole, x=x), kind)
        between.append(tau2)
        within.append(sigma2)
    return VariancePartition(
        outcome, "linear mixed" if kind == "continuous" else "logistic mixed", tuple(steps), tuple(between),
        tuple(within), len(whole.units), int(whole.n.sum()),
    )  # fmt: skip


def _columns(design: Design, step: str) -> Array | None:
    """The columns that a step holds constant; None when it adds none to the step before."""
    kinds = ["intercept" if name == "intercept" else "hospital" if name.startswith("hospital: ") else "covariate"
             for name in design.names[: design.n_between]]  # fmt: skip
    kinds += ["mix"] * (len(design.names) - design.n_between)
    wanted = {"intercept", "mix", "hospital", "covariate"} if step == STEPS[3] else {"intercept", "mix", "hospital"}
    wanted = {STEPS[0]: {"intercept"}, STEPS[1]: {"intercept", "mix"}}.get(step, wanted)
    new = {STEPS[1]: "mix", STEPS[2]: "hospital", STEPS[3]: "covariate"}.get(step)
    if new is not None and new not in kinds:
        return None
    return design.x[:, [kind in wanted for kind in kinds]]


def _variances(design: Design, kind: str) -> tuple[float, float]:
    if kind == "continuous":
        fit = fit_mixed(group_moments(design.x, design.n, design.total, design.squares, design.unit))
        return fit.tau2, fit.sigma2
    return fit_logistic_mixed(design.x, design.n, design.total, design.unit).sigma ** 2, float(np.pi**2 / 3)
