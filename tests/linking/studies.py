"""Small linked studies with a planted truth, for the tests of linking."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

TAU, SIGMA = 0.4, 0.8
SLOPE = 0.3  # of the linear predictor on the true score of leadership


@dataclass
class Planted:
    units: pd.DataFrame
    people: pd.DataFrame
    stays: pd.DataFrame
    lines: pd.DataFrame


def plant(seed, n_units=48, n_hospitals=6, stays=40, raters=(6, 25), slope=SLOPE, spread=0.1):
    """Scores that depend on beds and hospital; outcomes on the true score, beds, hospital, age and sex."""
    rng = np.random.default_rng(seed)
    names = np.array([f"U{i:03d}" for i in range(n_units)])
    hospital = np.arange(n_units) % n_hospitals
    beds = rng.integers(8, 40, n_units)
    lift = rng.normal(0, 0.3, n_hospitals)[hospital]
    true = 3.5 + TAU * (0.6 * (beds - 23.5) / 9.23 + 0.8 * rng.normal(size=n_units)) + lift
    who = np.repeat(np.arange(n_units), rng.integers(*raters, n_units))
    people = pd.DataFrame({"unit": names[who], "leadership": true[who] + rng.normal(0, SIGMA, len(who))})
    people["trust"] = 3 + 0.5 * (people["leadership"] - 3) + rng.normal(0, 0.5, len(who))
    where = np.repeat(np.arange(n_units), rng.integers(stays // 2, 2 * stays, n_units))
    n = len(where)
    age, sex = rng.integers(18, 97, n), rng.choice(["F", "M"], n)
    unit = slope * (true - 3.5) + 0.01 * (beds - 23.5) + lift + rng.normal(0, spread, n_units)
    eta = unit[where] + 0.2 * (age >= 65) - 0.1 * (sex == "M")
    stays_table = pd.DataFrame(
        {
            "stay_id": np.arange(n) + 1000,
            "unit": names[where],
            "age": age,
            "sex": sex,
            "experience": np.where(rng.random(n) < 0.6, np.round(70 + 10 * eta + rng.normal(0, 10, n), 3), np.nan),
            "died": rng.binomial(1, 1 / (1 + np.exp(1.5 - eta))),
            "days": rng.poisson(np.exp(1.2 + eta)),
        }
    )
    charge = np.round(rng.gamma(2.0, np.exp(8 + eta) / 2), 2) + 1
    back = np.round(charge * 0.1, 2)
    lines = pd.DataFrame(
        {
            "stay_id": np.tile(stays_table["stay_id"], 2),
            "amount": np.concatenate([charge + back, -back]),
            "line": np.repeat(["charge", "reversal"], n),
        }
    )
    units = pd.DataFrame({"unit": names, "hospital": [f"H{h}" for h in hospital], "beds": beds})
    return Planted(units, people, stays_table, lines)


WARDS = """
[study]
title = "Wards"
seed = 1
[exposure]
file = "units.csv"
unit = "unit"
columns = ["{column}"]
[encounters]
admissions = "stays.csv"
"""
"""A study file up to its [encounters], whose exposure is a column of units.csv."""

CASE_MIX = ({"column": "age", "bands": [18, 65]}, "sex")
KINDS = {"experience": "continuous", "died": "binary", "days": "count"}


def linked(planted, covariates=("beds",), hospital="hospital", only=None):
    """Scores and cells of a planted study; of one outcome alone where that is all a test looks at."""
    from microresearch.linking.encounters import read_encounters
    from microresearch.units.aggregation import unit_scores

    scores = unit_scores(planted.people, planted.units, hospital=hospital, covariates=covariates)
    if only is not None and only != "cost":
        return scores, read_encounters(planted.stays, case_mix=CASE_MIX, outcomes={only: KINDS[only]})
    cells = read_encounters(
        planted.stays, planted.lines, case_mix=CASE_MIX, outcomes=KINDS if only is None else {}, cost_basis="direct",
        currency="EUR", price_year=2024,
    )  # fmt: skip
    return scores, cells
