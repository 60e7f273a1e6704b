"""From one characteristic's scores to its effect on one outcome: naive and corrected, or the reason why not."""

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from scipy import stats

from microresearch.linking.cells import Cells
from microresearch.linking.design import Array, Design, build
from microresearch.linking.estimates import Effect, LinkedEstimate
from microresearch.linking.slope import Model, Slope
from microresearch.linking.slopes import slope
from microresearch.linking.variance_power import power_of
from microresearch.numeric.clusters import Errors
from microresearch.numeric.pivots import scaled_interval
from microresearch.results import Interval, NotAvailable
from microresearch.units.score_table import UnitScores

FEWEST_UNITS = 20
"""Below this number of units that tell something there is an estimate and no test."""
FEWEST_DF = 4
"""Below this number of Satterthwaite df a t approximation is poor (Tipton 2015, Psychol Methods 20, 375-393)."""
ABSOLUTE: dict[Model, float] = {"binomial": 1000.0, "two-stage": 1000.0, "quadrature": 1000.0, "any use": 1000.0}
"""Risk differences are told per 1,000 stays, differences of rates per 1,000 patient-days."""
METHODS: dict[Model, str] = {
    "mixed": "t, Satterthwaite df", "poisson": "CR2, Satterthwaite df", "binomial": "CR2, Satterthwaite df",
    "gamma": "CR2, Satterthwaite df", "two-stage": "Knapp-Hartung t", "quadrature": "t, units less coefficients",
    "any use": "CR2, Satterthwaite df", "cost if used": "CR2, Satterthwaite df",
    "two-part": "joint CR2, smaller Satterthwaite df", "ols": "CR2, Satterthwaite df",
    "tweedie": "CR2, Satterthwaite df", "gamma mixed": "t, units less coefficients",
    "negative binomial": "t, units less coefficients",
}  # fmt: skip


@dataclass(slots=True, eq=False)
class Linker:
    """The models of one outcome; designs (and variance powers) are shared by characteristics that have the same units.

    `power` is the declared variance power of a Tweedie model; without one it is estimated.
    """

    scores: UnitScores
    cells: Cells
    outcome: str
    model: Model
    within: bool
    confidence: float
    errors: Errors = "CR2"
    power: float | None = None
    _designs: dict[tuple[str, ...], Design] = field(default_factory=dict)
    _powers: dict[tuple[str, ...], tuple[float, str] | NotAvailable] = field(default_factory=dict)

    def rows(self, characteristics: list[str]) -> tuple[LinkedEstimate, ...]:
        """One estimate a characteristic, in order."""
        return tuple(self._row(name) for name in characteristics)

    def scored(self, name: str) -> tuple[Design, pd.DataFrame]:
        """The design of a characteristic's units, and their scores in the same order."""
        table = self.scores.table[self.scores.table["characteristic"] == name].set_index("unit")
        table = table[table["mean"].notna()]
        design = self._design(tuple(table.index))
        return design, table.loc[list(design.units)]

    def _row(self, name: str) -> LinkedEstimate:
        design, table = self.scored(name)
        components = self.scores.components
        facts = components[components["characteristic"] == name].iloc[0]
        tau = _number(facts.get("tau"))
        if not tau:
            why = (
                "the true variance between units within hospitals was estimated as zero, so there is no SD to scale by"
            )
            naive: Effect | NotAvailable = NotAvailable(why)
            corrected: Effect | NotAvailable = NotAvailable(why)
        else:
            naive = self._effect(design, table["mean"].to_numpy(float), tau, np.ones(1))
            refused = self._refusal(bool(facts["correctable"]), str(facts["note"]), name)
            if refused is None:
                corrected = self._effect(design, table["eb"].to_numpy(float), tau, self._factors(name))
            else:
                corrected = refused
        kind = self.cells.outcome(self.outcome).kind
        events = int(design.total.sum()) if kind in ("binary", "rate") else None
        return LinkedEstimate(
            name, naive, corrected, len(design.units), len(set(design.hospitals)) if self.within else None,
            int(table["n_raters"].sum()) if "n_raters" in table else None,
            None if kind == "rate" else int(design.n.sum()), events, tau,
            _number(facts.get("reliability")), self._note(design),
        )  # fmt: skip

    def _design(self, scored: tuple[str, ...]) -> Design:
        if scored not in self._designs:
            self._designs[scored] = build(self.cells, self.outcome, scored, self.scores.design, self.within)
        return self._designs[scored]

    def _refusal(self, correctable: bool, note: str, name: str) -> NotAvailable | None:
        if self.scores.design.by_hospital and not self.within:
            return NotAvailable("the scores were made within hospitals and the model compares all units")
        if not correctable:
            return NotAvailable(note)
        if np.isinf(self._factors(name)).mean() >= (1 - self.confidence) / 2:
            return NotAvailable(f"at confidence {self.confidence:g} nothing bounds a corrected slope")
        return None

    def _factors(self, name: str) -> Array:
        """What a corrected effect would be multiplied by under other variance ratios that fit the raters."""
        known = self.scores.factors
        return known[known["characteristic"] == name].drop(columns="characteristic").to_numpy(np.float64).ravel()

    def _effect(self, design: Design, score: Array, tau: float, factors: Array) -> Effect | NotAvailable:
        x = design.with_score(score)
        if x is None:
            held = "hospitals and covariates" if self.within else "the covariates"
            return NotAvailable(f"the score does not vary between units once {held} are held constant")
        if len(design.units) - design.n_between - 1 < 1:
            return NotAvailable(
                f"{len(design.units)} units are too few for {design.n_between + 1} unit-level coefficients"
            )
        if self.model != "tweedie":
            return self._report(slope(design, x, self.model, tau, self.errors), design, factors)
        if design.units not in self._powers:
            self._powers[design.units] = power_of(design, self.power)
        known = self._powers[design.units]
        if isinstance(known, NotAvailable):
            return known
        found = slope(design, x, self.model, tau, self.errors, known[0])
        return self._report(replace(found, note=_join(found.note, known[1])), design, factors)

    def _report(self, found: Slope, design: Design, factors: Array) -> Effect:
        scale = 1000.0 if design.exposed else ABSOLUTE.get(self.model, 1.0)
        absolute = None if found.absolute is None else found.absolute * scale
        informative = len(design.units) - design.alone
        if informative < FEWEST_UNITS:
            note = f"no test: {informative} units that can be compared are fewer than {FEWEST_UNITS}"
            note = _join(found.note, note)
            return Effect(found.estimate, None, None, None, None, absolute, None, found.icc, note, found.power)
        p = float(2 * stats.t.sf(abs(found.estimate) / found.se, found.df))
        interval = self._interval(found.estimate, found.se, found.df, factors)
        wide = None
        if absolute is not None and found.absolute_se is not None and found.absolute_df is not None:
            wide = self._interval(absolute, found.absolute_se * scale, found.absolute_df, factors)
        few = f"{found.df:.1f} df: the t approximation is poor below {FEWEST_DF}" if found.df < FEWEST_DF else ""
        return Effect(
            found.estimate, found.se, found.df, interval, p, absolute, wide, found.icc, _join(found.note, few),
            found.power,
        )  # fmt: skip

    def _interval(self, estimate: float, se: float, df: float, factors: Array) -> Interval:
        method = METHODS[self.model].replace("CR2", self.errors)
        if len(factors) > 1:
            low, high = scaled_interval(estimate, se, df, factors, self.confidence)
            return Interval(low, high, self.confidence, f"{method}, mixed over the pivot of the scores' variance ratio")
        half = float(stats.t.ppf(0.5 + self.confidence / 2, df)) * se
        return Interval(estimate - half, estimate + half, self.confidence, method)

    def _note(self, design: Design) -> str:
        parts = []
        if self.within and len(set(design.hospitals)) == 1:
            parts.append("one hospital: there is no contrast between hospitals to remove")
        if self.within and design.alone:
            parts.append(f"{design.alone} units are alone in their hospital and tell nothing within hospitals")
        if design.largest_share > 0.5:
            parts.append("one unit holds more than half of the patients")
        if design.aliased:
            parts.append(f"left out as combinations of other columns: {', '.join(design.aliased)}")
        return "; ".join(parts)


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float, np.number)) and np.isfinite(float(value)) else None


def _join(*parts: str) -> str:
    return "; ".join(part for part in parts if part)
