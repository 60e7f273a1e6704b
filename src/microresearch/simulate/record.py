"""What is written down of a simulated study's truth? Estimands, planted values and counts, with their definitions."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from microresearch.simulate.forms import Form
from microresearch.simulate.hospitals import Setting
from microresearch.simulate.plant import CODES, ROLES, TYPES, Floats, Plant, Spread
from microresearch.simulate.stays import Stays
from microresearch.simulate.submissions import EXCLUSIONS, Submissions
from microresearch.simulate.truth import Population, characteristic_truth, mean_cost, slope_truth, unit_variances

DEFINITIONS = {
    "true score": "expected score (mean of the applicable items answered, at least half of them; reversed items keyed) "
    "of a member of the unit's staff who responds, given the unit",
    "tau": "standard deviation of true scores between the units of a hospital, covariates not held still; "
    "'per SD' is per tau",
    "variance_given_covariates": "what is left of tau squared after projection on type, beds and academic status",
    "sigma2": "variance of scores between the staff of a unit",
    "icc1": "share of the variance of scores that lies between units, hospitals included; ICC(2) at k raters is "
    "k icc1 / (1 + (k - 1) icc1)",
    "retest_icc": "correlation of one person's scores three weeks apart, all staff pooled, straight-liners left out",
    "alpha": "coefficient alpha over staff who answered all items; education_training: in academic units, where all "
    "three items are asked",
    "alpha_items_asked_everywhere": "the same over the items that are asked in every unit",
    "joint_per_point": "generating coefficient: a point of this true score, the other nine held still",
    "per_point": "marginal slope within hospitals given type, beds and academic status, this characteristic alone",
    "per_sd": "per_point times tau: points (experience), logarithm of a ratio (cost, los, falls per patient-day), log "
    "odds given the unit (readmitted, died)",
    "per_sd_without_covariates": "the same where type, beds and academic status are left out",
    "currency_per_sd": "(ratio - 1) times the population mean cost of a stay",
    "currency_per_sd_these_stays": "(ratio - 1) times the mean planted cost of the stays that have finance lines",
    "exclusions": "responses that leave at each rule, in this order; duplicate: all but the fullest of a person and "
    "wave",
}


def study_truth(
    population: Population, setting: Setting, sent: Submissions, misspelt: int, stays: Stays, months: pd.DataFrame,
    linkage: dict[str, int], billed: NDArray[np.bool_], seed: int,
) -> dict[str, Any]:  # fmt: skip
    """Everything in truth.json; numbers with 12 significant digits."""
    outcomes: dict[str, Any] = {o.name: slope_truth(population, o) for o in population.plant.every}
    mean, here = mean_cost(population), float(stays.expected_cost[billed].mean())
    for entry in outcomes["cost"].values():
        entry["ratio_per_sd"] = float(np.exp(entry["per_sd"]))
        entry["currency_per_sd"] = float(np.expm1(entry["per_sd"]) * mean)
        entry["currency_per_sd_these_stays"] = float(np.expm1(entry["per_sd"]) * here)
    truth = {
        "note": "Synthetic data: no person, hospital or stay is real. No notebook reads this file.",
        "seed": seed,
        "definitions": DEFINITIONS,
        "characteristics": characteristic_truth(population, 0),
        "assessment_form": characteristic_truth(population, 1),
        "outcomes": outcomes,
        "outcome_variances": {o.name: unit_variances(population, o) for o in population.plant.every},
        "mean_cost": {"population": mean, "these_stays": here},
        **_counts(setting, sent, misspelt, stays, months),
        "linkage": linkage,
        "planted": _planted(population),
    }
    return {name: _digits(part) for name, part in truth.items()}


def _counts(setting: Setting, sent: Submissions, misspelt: int, stays: Stays, months: pd.DataFrame) -> dict[str, Any]:
    rows = sent.rows
    analysed = rows["kind"] == "analysed"
    table = stays.table
    return {
        "sizes": {
            "hospitals": len(setting.hospital_means), "units": len(setting.units), "roster": len(setting.roster),
            "submissions": len(rows), "analysed_wave_1": (analysed & (rows["wave"] == 1)).sum(),
            "analysed_wave_2": (analysed & (rows["wave"] == 2)).sum(), "stays": len(table),
            "patients": table["patient_id"].nunique(),
            "experience_ratings": table["experience"].notna().sum(), "deaths": table["died"].sum(),
            "unit_months": len(months), "patient_days": months["patient_days"].sum(), "falls": months["falls"].sum(),
        },
        "exclusions": {name: (rows["kind"] == name).sum() for name in EXCLUSIONS},
        "mess": {
            "straight_lining": rows["straight"].sum(), "kept_partial": rows["partial"].sum(),
            "misspelt_units": misspelt,
            "broken_off_before_a_full_one": ((rows["kind"] == "duplicate") & ~rows["finished"]).sum(),
        },
    }  # fmt: skip


def _planted(population: Population) -> dict[str, Any]:
    plant = population.plant
    spreads = {"staff": plant.staff, "unit": plant.unit, "hospital": plant.hospital}
    return {
        "order": list(CODES),
        "covariance_of_latents": {name: spread.covariance() for name, spread in spreads.items()},
        "correlation_of_latents": {name: _correlation(spread) for name, spread in spreads.items()},
        "correlation_of_true_scores_given_covariates": _scaled(population.between[0].adjusted),
        "type_effects": _table(plant.types, TYPES),
        "beds_effect_per_10": dict(zip(CODES, plant.beds, strict=True)),
        "academic_effect": dict(zip(CODES, plant.academic, strict=True)),
        "role_effects": _table(plant.roles, ROLES),
        "response_by_role": dict(zip(ROLES, plant.role_response, strict=True)),
        "items": {form.instrument.code: _items(form) for form in population.forms},
        "outcomes": {outcome.name: _outcome(plant, outcome.name) for outcome in plant.every},
        "straight_lining_share": plant.straight_lining,
        "blank_share": plant.blank,
        "lasting_share": {"person": plant.trait, "item": plant.specific},
    }


def _table(rows: tuple[tuple[float, ...], ...], columns: tuple[str, ...]) -> dict[str, dict[str, float]]:
    return {code: dict(zip(columns, row, strict=True)) for code, row in zip(CODES, rows, strict=True)}


def _items(form: Form) -> dict[str, dict[str, Any]]:
    return {
        item.code: {
            "loading": form.loading[j], "thresholds": form.thresholds[j], "reversed": item.reversed,
            "cant_rate": dict(zip(ROLES, form.cant_rate[j], strict=True)),
        }
        for j, item in enumerate(form.instrument.items)
    }  # fmt: skip


def _outcome(plant: Plant, name: str) -> dict[str, Any]:
    outcome = plant.outcome(name)
    return {
        "intercept": outcome.base, "types": dict(zip(TYPES, outcome.types, strict=True)),
        "beds_per_10_above_20": outcome.beds, "academic": outcome.academic, "age_bands": outcome.ages,
        "male": outcome.male, "comorbidity_groups": outcome.comorbidity, "unit_sd": outcome.unit_sd,
        "hospital_sd": outcome.hospital_sd, "hospital_correlation_with_scores": outcome.hospital_with_scores,
        "spread": outcome.spread,
    }  # fmt: skip


def _correlation(spread: Spread) -> Floats:
    return _scaled(spread.covariance())


def _scaled(covariance: Floats) -> Floats:
    sd = np.sqrt(np.diag(covariance))
    return covariance / np.outer(sd, sd)


def _digits(value: Any) -> Any:
    """Plain values with 12 significant digits, which is fewer than processors differ in."""
    if isinstance(value, dict):
        return {key: _digits(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_digits(part) for part in value]
    if isinstance(value, np.ndarray | np.generic):
        return _digits(value.tolist())
    if isinstance(value, float):
        tidy = float(f"{value:.12g}")
        return 0.0 if abs(tidy) < 1e-13 else tidy
    return value
