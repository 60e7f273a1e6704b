"""Who was admitted to each unit and how did it go? Two years of stays after the survey, with outcomes and costs."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit

from microresearch.errors import DataError
from microresearch.simulate.case_mix import SHAPE, TILT_SHARE, case_mix_effects, case_mix_shares
from microresearch.simulate.hospitals import Setting
from microresearch.simulate.plant import AGE_BANDS, COMORBIDITY_GROUPS, SEXES, Floats, Outcome
from microresearch.simulate.truth import Population, hospital_direction, kind_effect

OPENED, DAYS = np.datetime64("2024-03-01"), 730
MEAN_STAYS = 625
GAP = 30


@dataclass(frozen=True, slots=True, eq=False)
class Stays:
    """Stays in the order of admission; S rows.

    Attributes
    ----------
    table : DataFrame, S rows
        As admissions.parquet.
    cost, expected_cost : arrays, shape (S,)
        What each stay cost, and its planted expectation.
    """

    table: pd.DataFrame
    cost: Floats
    expected_cost: Floats


def draw_stays(
    population: Population, setting: Setting, stays_per_unit: float,
    patients: np.random.Generator, outcomes: np.random.Generator,
) -> Stays:  # fmt: skip
    """Draw stays, their patients, and every outcome."""
    plant, kind = population.plant, setting.kind.type
    volume = np.array(plant.type_stays)[kind] * patients.choice(plant.stays_multipliers, len(kind))
    size = np.maximum(np.rint(volume * stays_per_unit / MEAN_STAYS), 1).astype(np.int64)
    unit = np.repeat(np.arange(len(kind)), size)
    pattern = _patterns(kind, unit, patients)
    age, male, comorbidity = np.unravel_index(pattern, SHAPE)
    day = np.sort(patients.integers(0, DAYS, len(unit)))
    shuffled = patients.permutation(len(unit))
    unit, age, male, comorbidity = (part[shuffled] for part in (unit, age, male, comorbidity))
    table = pd.DataFrame({
        "unit": setting.units["unit"].to_numpy()[unit],
        "admitted": (OPENED + day.astype("timedelta64[D]")).astype("datetime64[us]"),
        "age": _within(np.array(AGE_BANDS), age, patients), "sex": np.array(SEXES)[male],
        "comorbidity": _within(np.array(COMORBIDITY_GROUPS), comorbidity, patients),
    })  # fmt: skip
    levels = {
        outcome.name: unit_level(population, setting, outcome, outcomes)[unit]
        + case_mix_effects(outcome)[age, male, comorbidity]
        for outcome in plant.outcomes
    }
    cost = _outcomes(population, table, levels, outcomes)
    table["patient_id"] = _patients(table, unit, patients)
    table["stay_id"] = [f"A{number:07d}" for number in range(1, len(table) + 1)]
    return Stays(table[list(COLUMNS)], cost, np.exp(levels["cost"]))


COLUMNS = (
    "stay_id", "patient_id", "unit", "admitted", "discharged", "age", "sex", "comorbidity", "los_days",
    "readmitted_30d", "died", "experience",
)  # fmt: skip


def _patterns(kind: NDArray[np.int64], unit: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """The case-mix pattern of each stay; a unit's patients are older or younger than its type's by chance."""
    tilt = np.searchsorted(np.cumsum(TILT_SHARE), rng.random(len(kind)), side="right")
    shares = case_mix_shares().reshape(*case_mix_shares().shape[:2], -1)[kind, tilt]
    sums = np.cumsum(shares, axis=1)
    sums[:, -1] = 1.0
    # one sorted search over all units: unit u's sums stand between u and u + 1
    ladder = (sums + np.arange(len(kind))[:, None]).ravel()
    return np.searchsorted(ladder, rng.random(len(unit)) + unit, side="right") - unit * shares.shape[1]


def _within(bands: NDArray[np.int64], band: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int16]:
    """A whole number from each band, all equally likely."""
    low, high = bands[band].T
    return rng.integers(low, high + 1).astype(np.int16)


def unit_level(population: Population, setting: Setting, outcome: Outcome, rng: np.random.Generator) -> Floats:
    """Linear predictor of each unit at the reference case mix."""
    along = outcome.hospital_with_scores
    own = rng.standard_normal(len(setting.hospital_means))
    hospital = along * setting.hospital_means @ hospital_direction(population.plant) + np.sqrt(1 - along**2) * own
    scores = (setting.true - population.between[0].mean) @ population.joint(outcome)
    chance = outcome.unit_sd * rng.standard_normal(len(setting.hospital))
    kind = kind_effect(outcome, setting.kind)
    return outcome.base + kind + scores + outcome.hospital_sd * hospital[setting.hospital] + chance


def _outcomes(
    population: Population, table: pd.DataFrame, levels: dict[str, Floats], rng: np.random.Generator
) -> Floats:
    """Add what happened to each stay; returns what it cost."""
    n, plant = len(table), population.plant
    died = rng.random(n) < expit(levels["died"])
    back = rng.random(n) < expit(levels["readmitted"])
    size, shape = plant.outcome("los").spread, plant.outcome("cost").spread
    days = rng.poisson(np.exp(levels["los"]) * rng.standard_gamma(size, n) / size)
    table["los_days"] = days.astype(np.int16)
    table["discharged"] = table["admitted"] + pd.to_timedelta(days, unit="D")
    table["died"] = died.astype(np.int8)
    table["readmitted_30d"] = pd.Series(back, dtype="Int8").mask(died)
    mean = levels["experience"] / 100
    if mean.min() < 0.01 or mean.max() > 0.99:
        raise DataError("the planted effects take mean experience outside 1 to 99; make them smaller.")
    precision = plant.outcome("experience").spread
    rated = np.round(100 * rng.beta(mean * precision, (1 - mean) * precision), 1)
    asked = (rng.random(n) < plant.experience_sampled) & ~died
    table["experience"] = np.where(asked, rated, np.nan)
    return np.exp(levels["cost"]) * rng.standard_gamma(shape, n) / shape


def _patients(table: pd.DataFrame, unit: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.str_]:
    """Patient ids: stays of one unit that could be one person's, within a year, are sometimes joined.

    Where a stay began within 30 days of an earlier one, the earlier one is flagged as followed by readmission; a
    flagged stay need not be followed by one here, because patients also return to hospitals outside the study.
    """
    sex = (table["sex"] == SEXES[1]).to_numpy()
    order = np.lexsort([table["admitted"], table["comorbidity"], table["age"], sex, unit])
    same = np.ones(len(order) - 1, dtype=bool)
    for part in (unit, sex, table["age"].to_numpy(), table["comorbidity"].to_numpy()):
        same &= part[order][1:] == part[order][:-1]
    begin, end = (table[name].to_numpy()[order].astype("datetime64[D]") for name in ("admitted", "discharged"))
    gap = (begin[1:] - end[:-1]).astype(np.int64)
    flagged = table["readmitted_30d"].fillna(0).to_numpy(dtype=np.int8)[order][:-1] == 1
    died = table["died"].to_numpy()[order][:-1] == 1
    joined = same & ~died & (gap > 0) & (begin[1:] - begin[:-1] < np.timedelta64(360, "D"))
    joined &= np.where(gap <= GAP, flagged, rng.random(len(gap)) < 0.5)
    person = np.concatenate([[0], np.cumsum(~joined)])
    number = rng.permutation(person[-1] + 1)[person] + 1
    ids = np.empty(len(order), dtype=object)
    ids[order] = [f"P{k:06d}" for k in number]
    return ids
