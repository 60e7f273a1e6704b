"""What did the scores say of an outcome? Each characteristic's effect, naive beside corrected, or why there is none."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from microresearch.linking.multiplicity import bh, holm
from microresearch.results import LINKED, Interval, NotAvailable, tidy

EXTRA = (
    "ratio", "ratio_low", "ratio_high", "effect_absolute_low", "effect_absolute_high",
    "effect_currency_low", "effect_currency_high", "variance_power",
)  # fmt: skip
"""Columns beside LINKED: the estimate as a ratio, the bounds of the absolute effects, a Tweedie model's power."""


@dataclass(frozen=True, slots=True)
class Effect:
    """The effect of one characteristic, per standard deviation of its true scores within hospitals.

    Attributes
    ----------
    estimate : float
        Outcome units, log ratio or log odds ratio.
    se, df, interval, p : optional
        None with fewer than 20 units.
    absolute, absolute_interval : optional
        On the outcome's own scale (days, risk difference per 1,000, money), where that is another one.
    power : optional
        Of the mean in a Tweedie model's variance; `note` says whether it was declared or estimated.
    """

    estimate: float
    se: float | None
    df: float | None
    interval: Interval | None
    p: float | None
    absolute: float | None = None
    absolute_interval: Interval | None = None
    icc: float | None = None
    note: str = ""
    power: float | None = None


@dataclass(frozen=True, slots=True)
class LinkedEstimate:
    """One characteristic and one outcome: the naive and the corrected effect, or why there is none.

    `corrected` regresses on empirical-Bayes scores, `naive` on raw unit means; both per the same true SD.
    """

    characteristic: str
    naive: Effect | NotAvailable
    corrected: Effect | NotAvailable
    n_units: int
    n_hospitals: int | None
    n_staff: int | None
    n_patients: int | None
    n_events: int | None
    tau: float | None
    reliability: float | None
    note: str = ""
    p_holm: float | None = None
    p_bh: float | None = None
    p_maxt: float | None = None
    max_unit_influence: float | None = None

    @property
    def primary(self) -> Effect | NotAvailable:
        """The corrected effect, or the naive one where the correction is refused."""
        return self.corrected if self.corrected else self.naive


@dataclass(frozen=True, slots=True)
class LinkedEstimates:
    """The effects of every characteristic on one outcome.

    Attributes
    ----------
    outcome, model, scale : str
    rows : tuple of LinkedEstimate
        One a characteristic, in the scores' order.
    left_out : tuple of (unit, reason)
        Units of the scores or of the extract that are in no model: units, never people.
    role : str
        "confirmatory", "exploratory" or "".
    cost : bool
        Whether the outcome is a cost.
    """

    outcome: str
    model: str
    scale: str
    rows: tuple[LinkedEstimate, ...]
    left_out: tuple[tuple[str, str], ...]
    confidence: float
    within_hospitals: bool
    currency: str = ""
    currency_year: int | None = None
    plan_hash: str = ""
    role: str = ""
    cost: bool = False

    @property
    def money(self) -> bool:
        """Whether absolute effects are in `currency`: a cost, and not only whether there is one."""
        models = ("gamma", "gamma mixed", "tweedie", "cost if used", "two-part")
        return (self.cost or self.model in models) and not self.scale.startswith("log odds")

    def to_frame(self, naive: bool = False) -> pd.DataFrame:
        """A row a characteristic in the columns LINKED (and `EXTRA`): the primary effect with the naive one beside it.

        Parameters
        ----------
        naive : bool
            Add a row for each naive effect with its own uncertainty, as forest plots of both need.
        """
        rows = [self._row(row, row.primary, _estimand(row)) for row in self.rows]
        if naive:
            rows += [self._row(row, row.naive, "naive") for row in self.rows if _estimand(row) != "naive" and row.naive]
        return tidy(rows, LINKED, EXTRA)

    def _row(self, row: LinkedEstimate, effect: Effect | NotAvailable, estimand: str) -> dict[str, object]:
        found: dict[str, object] = {
            "characteristic": row.characteristic, "outcome": self.outcome, "model": self.model, "estimand": estimand,
            "scale": self.scale, "n_units": row.n_units,
            "converged": bool(effect), "note": _said(row, effect),
        }  # fmt: skip
        found["contrast"] = "+1 SD within hospitals" if self.within_hospitals else "+1 SD between units"
        optional = {
            "plan_hash": self.plan_hash or None, "role": self.role or None, "n_hospitals": row.n_hospitals,
            "n_staff": row.n_staff,
            "n_patients": row.n_patients, "n_events": row.n_events, "tau": row.tau, "reliability": row.reliability,
            "estimate_naive": row.naive.estimate if isinstance(row.naive, Effect) else None,
        }  # fmt: skip
        if estimand == _estimand(row):
            optional |= {"p_holm": row.p_holm, "p_bh": row.p_bh, "p_maxt": row.p_maxt}
            optional["max_unit_influence"] = row.max_unit_influence
        if isinstance(effect, Effect):
            optional |= self._effect(effect)
        return found | {key: value for key, value in optional.items() if value is not None}

    def _effect(self, effect: Effect) -> dict[str, object]:
        found: dict[str, object] = {
            "estimate": effect.estimate,
            "se": effect.se,
            "df": effect.df,
            "p": effect.p,
            "icc_outcome": effect.icc,
        }
        if effect.interval is not None:
            found |= {"ci_low": effect.interval.low, "ci_high": effect.interval.high}
        if effect.power is not None:
            found["variance_power"] = effect.power
        if self.scale.startswith("log"):
            found["ratio"] = float(np.exp(effect.estimate))
            if effect.interval is not None:
                found |= {
                    "ratio_low": float(np.exp(effect.interval.low)),
                    "ratio_high": float(np.exp(effect.interval.high)),
                }
        name = "effect_currency" if self.money else "effect_absolute"
        found[name] = effect.estimate if self.money and effect.absolute is None else effect.absolute
        if effect.absolute_interval is not None:
            found |= {f"{name}_low": effect.absolute_interval.low, f"{name}_high": effect.absolute_interval.high}
        if self.money:
            found["currency_year"] = self.currency_year
        return found

    def left_out_frame(self) -> pd.DataFrame:
        """Units that are in no model, each with its reason: columns unit, reason."""
        return pd.DataFrame(list(self.left_out), columns=["unit", "reason"])


def _estimand(row: LinkedEstimate) -> str:
    return "corrected" if row.corrected or not row.naive else "naive"


def _said(row: LinkedEstimate, effect: Effect | NotAvailable) -> str:
    parts = [row.note, effect.note if isinstance(effect, Effect) else effect.reason]
    if effect is row.naive and isinstance(row.corrected, NotAvailable):
        parts.insert(0, f"not corrected for measurement error: {row.corrected.reason}")
    return "; ".join(part for part in parts if part)


def adjust_family(results: Sequence[LinkedEstimates]) -> tuple[LinkedEstimates, ...]:
    """The same results with Holm and Benjamini-Hochberg p-values over all their primary effects as one family."""
    p = [row.primary.p if isinstance(row.primary, Effect) else None for result in results for row in result.rows]
    pairs = iter(zip(holm(p), bh(p), strict=True))
    adjusted = []
    for result in results:
        rows = []
        for row in result.rows:
            high, low = next(pairs)
            rows.append(
                replace(row, p_holm=None if np.isnan(high) else float(high), p_bh=None if np.isnan(low) else float(low))
            )
        adjusted.append(replace(result, rows=tuple(rows)))
    return tuple(adjusted)
