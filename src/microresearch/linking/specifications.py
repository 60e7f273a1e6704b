"""Does an effect depend on the choices of the analysis? Every choice crossed with every other, on unit effects."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import pandas as pd
from scipy import stats

from microresearch.errors import ConvergenceError, DataError, Problem, SpecError
from microresearch.linking.cells import Cells
from microresearch.linking.design import Array, Design, build
from microresearch.linking.two_stage import FAMILIES, first_stage
from microresearch.numeric.meta import meta_regression
from microresearch.units.score_table import UnitScores

CHOICES: Mapping[str, tuple[str, ...]] = {
    "score": ("empirical Bayes", "raw mean"),
    "contrast": ("within hospitals", "all units"),
    "case mix": ("adjusted", "not adjusted"),
    "unit covariates": ("adjusted", "not adjusted"),
    "weights": ("random effects", "equal"),
    "units": ("all", "enough raters"),
}
"""What is crossed, the planned choice first."""


@dataclass(frozen=True, slots=True, eq=False)
class Specifications:
    """Effects per true SD of one characteristic on one outcome under every specification that has one.

    Attributes
    ----------
    outcome, characteristic, scale : str
    table : DataFrame
        A row per specification: the columns of `CHOICES` that vary, estimate, se, df, ci_low, ci_high, p, n (units),
        primary (the planned choices, fitted here in two stages).
    left_out : tuple of str
        Specifications without an estimate, each with its reason.
    """

    outcome: str
    characteristic: str
    scale: str
    table: pd.DataFrame
    left_out: tuple[str, ...]

    @property
    def choices(self) -> list[str]:
        """The choices that vary, in order."""
        return [name for name in CHOICES if name in self.table]

    def to_frame(self) -> pd.DataFrame:
        """The table."""
        return self.table


def specifications(
    scores: UnitScores, cells: Cells, outcome: str, characteristic: str, minimum: int = 5, confidence: float = 0.95
) -> Specifications:
    """One effect under every combination of the analysis' choices.

    Unit effects (case mix from within units, or none) are regressed on the score by random effects (REML, Knapp &
    Hartung's t) or with equal weights. Empirical-Bayes scores stand on hospitals and covariates, so that they enter
    only models that hold both; raw means enter all.

    Parameters
    ----------
    scores, cells : UnitScores, Cells
    outcome, characteristic : str
        One of each; the outcome has a declared kind.
    minimum : int
        Raters that "enough raters" asks for.

    Raises
    ------
    SpecError
        An outcome without a kind, an unknown characteristic, or one without a scale.
    DataError
        No specification has an estimate.

    References
    ----------
    Simonsohn, Simmons & Nelson (2020), Nature Human Behaviour 4, 1208-1214.
    """
    kind = cells.outcome(outcome).kind
    if kind not in FAMILIES:
        raise SpecError(
            Problem("this kind of outcome has no unit effects", column=outcome, allowed=", ".join(FAMILIES))
        )
    if characteristic not in scores.characteristics:
        allowed = ", ".join(scores.characteristics)
        raise SpecError(Problem("the scores have no such characteristic", column=characteristic, allowed=allowed))
    tau = float(scores.components.set_index("characteristic")["tau"][characteristic])
    if not tau > 0:
        raise SpecError(Problem("the true variance between units is zero: there is no SD to scale by"))
    table = scores.table[(scores.table["characteristic"] == characteristic) & scores.table["mean"].notna()]
    table = table.set_index("unit")
    rows: list[dict[str, object]] = []
    lost: list[str] = []
    for mix in CHOICES["case mix"]:
        used = cells if mix == "adjusted" else replace(cells, strata=())
        design = build(used, outcome, list(table.index), scores.design, scores.design.by_hospital)
        found, lacking = _second_stages(design, FAMILIES[kind], table.loc[list(design.units)], tau, minimum, confidence)
        rows += [{"case mix": mix, **row} for row in found]
        lost += lacking
    if not rows:
        raise DataError(Problem(f"no specification has an estimate: {'; '.join(dict.fromkeys(lost))}", column=outcome))
    frame = pd.DataFrame(rows)
    varying = [c for c in CHOICES if frame[c].nunique() > 1]
    frame["primary"] = (frame[list(CHOICES)] == [options[0] for options in CHOICES.values()]).all(axis=1)
    results = ["estimate", "se", "df", "ci_low", "ci_high", "p", "n", "primary"]
    scale = {"continuous": "points per SD", "binary": "log odds ratio per SD"}.get(kind, "log ratio per SD")
    return Specifications(outcome, characteristic, scale, frame[[*varying, *results]], tuple(dict.fromkeys(lost)))


def _second_stages(
    design: Design, family: str, table: pd.DataFrame, tau: float, minimum: int, confidence: float
) -> tuple[list[dict[str, object]], list[str]]:
    """Every second stage on one set of unit effects."""
    effects = first_stage(design, family)
    first = np.unique(design.unit, return_index=True)[1]
    kinds = np.array(["hospital" if n.startswith("hospital: ") else "intercept" if n == "intercept" else "covariate"
                      for n in design.names[: design.n_between]])  # fmt: skip
    enough = table["n_raters"].to_numpy(float) >= minimum if "n_raters" in table else np.ones(len(table), bool)
    rows: list[dict[str, object]] = []
    lost: list[str] = []
    for score, contrast, held, weights, units in product(*(CHOICES[c] for c in CHOICES if c != "case mix")):
        chosen = {"score": score, "contrast": contrast, "unit covariates": held, "weights": weights, "units": units}
        if _pointless(chosen, kinds, enough, table):
            continue
        keep = enough if units == "enough raters" else np.ones(len(table), bool)
        wanted = (kinds == "intercept") | ((kinds == "hospital") & (contrast == "within hospitals"))
        wanted |= (kinds == "covariate") & (held == "adjusted")
        column = table["eb" if score == "empirical Bayes" else "mean"].to_numpy(float)
        x = np.column_stack([design.x[first, : design.n_between][:, wanted], column])[keep]
        cov = effects.cov[np.ix_(keep, keep)]
        try:
            rows.append(chosen | _one(effects.effect[keep], cov, x, tau, weights == "equal", confidence))
        except (DataError, ConvergenceError) as error:
            lost.append(str(error))
    return rows, lost


def _pointless(chosen: Mapping[str, str], kinds: np.ndarray, enough: np.ndarray, table: pd.DataFrame) -> bool:
    """Whether these choices repeat others, or ask for scores that do not belong to the model."""
    hospitals, covariates = bool((kinds == "hospital").any()), bool((kinds == "covariate").any())
    if chosen["score"] == "empirical Bayes" and "eb" not in table:
        return True
    if not hospitals and chosen["contrast"] == "all units":
        return True
    if not covariates and chosen["unit covariates"] == "not adjusted":
        return True
    if bool(enough.all()) and chosen["units"] == "enough raters":
        return True
    whole = chosen["contrast"] == "within hospitals" and chosen["unit covariates"] == "adjusted"
    return chosen["score"] == "empirical Bayes" and not whole


def _one(effect: Array, cov: Array, x: Array, tau: float, equal: bool, confidence: float) -> dict[str, object]:
    x = x[:, (np.abs(x) > 0).any(axis=0)]  # hospitals that no unit is left of
    fit = meta_regression(effect, np.full(len(effect), float(np.diag(cov).mean())) if equal else cov, x)
    estimate, se = tau * float(fit.beta[-1]), tau * float(np.sqrt(fit.cov[-1, -1]))
    half = float(stats.t.ppf(0.5 + confidence / 2, fit.df)) * se
    return {"estimate": estimate, "se": se, "df": float(fit.df), "ci_low": estimate - half, "ci_high": estimate + half,
            "p": float(2 * stats.t.sf(abs(estimate) / se, fit.df)), "n": len(effect)}  # fmt: skip
