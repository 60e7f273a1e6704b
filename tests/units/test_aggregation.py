"""Empirical-Bayes unit scores against lme4 and Henderson's equations; slopes on them; boundaries and refusals."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from microresearch.errors import DataError, SpecError
from microresearch.units.aggregation import unit_scores
from microresearch.units.given import given_scores

GOLDEN = Path(__file__).parents[1] / "golden" / "agreement"
UNITS = pd.read_csv(GOLDEN / "eb_units.csv")
PEOPLE = pd.read_csv(GOLDEN / "eb_people.csv")


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("none", {}),
        ("hospital", {"hospital": "hospital"}),
        ("covariates", {"hospital": "hospital", "covariates": ["type", "beds"]}),
    ],
)
def test_eb_scores_agree_with_lme4(name: str, settings: dict) -> None:
    theirs = json.loads((GOLDEN / "eb.json").read_text())[name]
    ours = unit_scores(PEOPLE, units=UNITS, **settings)
    table = ours.table.set_index("unit").loc[theirs["unit"]]
    np.testing.assert_allclose(table["eb"], theirs["eb"], rtol=0, atol=1e-6)
    np.testing.assert_allclose(table["eb_se"], theirs["eb_se"], rtol=0, atol=1e-6)
    part = ours.components.iloc[0]
    assert part["tau2_residual"] == pytest.approx(theirs["tau2"], abs=1e-6)
    assert part["sigma2"] == pytest.approx(theirs["sigma2"], abs=1e-6)
    shrinkage = theirs["tau2"] / (theirs["tau2"] + theirs["sigma2"] / table["n_raters"])
    np.testing.assert_allclose(table["shrinkage"], shrinkage, atol=1e-6)


def test_tau_is_within_hospitals_whatever_the_covariates() -> None:
    theirs = json.loads((GOLDEN / "eb.json").read_text())["hospital"]
    for covariates in ([], ["type", "beds"]):
        part = unit_scores(PEOPLE, units=UNITS, hospital="hospital", covariates=covariates).components.iloc[0]
        assert part["tau"] == pytest.approx(theirs["tau2"] ** 0.5, abs=1e-6)
        assert part["tau_low"] < part["tau"] < part["tau_high"]


def study(rng: np.random.Generator, sizes: np.ndarray, strong: bool) -> tuple[pd.DataFrame, pd.DataFrame, np.ndarray]:
    """Hospitals of eight units; half of the true variance may be explained by a covariate."""
    n = len(sizes)
    hospital = np.arange(n) // 8
    x = rng.normal(size=n)
    true = 3.5 + rng.normal(0, 0.2, n // 8)[hospital] + (0.21 * x if strong else 0) + rng.normal(0, 0.21, n)
    units = pd.DataFrame({"unit": [f"U{i:03d}" for i in range(n)], "hospital": hospital.astype(str), "x": x})
    people = pd.DataFrame({"unit": np.repeat(units["unit"], sizes), "trust": np.repeat(true, sizes)})
    people["trust"] += rng.normal(0, 0.8, len(people))
    return units, people, true


def slope(y: np.ndarray, score: np.ndarray, design: np.ndarray) -> float:
    return float(np.linalg.lstsq(np.column_stack([score, design]), y, rcond=None)[0][0])


def test_planted_slope_is_unbiased_on_eb_scores_and_attenuated_on_means() -> None:
    """80 studies of 96 units with 5 to 40 raters; the outcome also depends on the covariate and the hospital."""
    rng = np.random.default_rng(77)
    sizes = rng.integers(5, 41, 96)
    eb, raw, tau = [], [], []
    for _ in range(80):
        units, people, true = study(rng, sizes, strong=True)
        y = 2.0 * true + 0.5 * units["x"].to_numpy() + rng.normal(0, 0.3, 96)
        scores = unit_scores(people, units=units, hospital="hospital", covariates=["x"])
        design = scores.design.matrix()
        eb.append(slope(y, scores.wide("eb").loc[units["unit"], "trust"].to_numpy(), design))
        raw.append(slope(y, scores.wide("mean").loc[units["unit"], "trust"].to_numpy(), design))
        tau.append(scores.components["tau"].iloc[0])
    error = np.std(eb) / 80**0.5
    assert abs(np.mean(eb) - 2.0) < 3 * error + 0.04  # 1/lambda is estimated: a bias of the order of 1 / units
    assert np.mean(raw) < 1.6
    truth = (0.21**2 * 2) ** 0.5
    assert abs(np.mean(tau) - truth) < 3 * np.std(tau) / 80**0.5 + 0.01


def test_prediction_errors_are_as_large_as_they_say() -> None:
    rng = np.random.default_rng(78)
    sizes = rng.integers(2, 30, 96)
    squares = []
    for _ in range(40):
        units, people, true = study(rng, sizes, strong=True)
        table = unit_scores(people, units=units, hospital="hospital", covariates=["x"]).table
        squares.append((((table["eb"] - true) / table["eb_se"]) ** 2).mean())
    assert abs(np.mean(squares) - 1) < 3 * np.std(squares) / 40**0.5 + 0.05


def test_no_difference_between_units_refuses_the_correction() -> None:
    people = pd.DataFrame({"unit": np.repeat([f"U{i}" for i in range(6)], 4), "trust": np.tile([1.0, 2, 4, 5], 6)})
    found = unit_scores(people)
    part = found.components.iloc[0]
    assert part["tau2_residual"] == 0
    assert not part["correctable"]
    assert "cannot be had" in part["note"]
    np.testing.assert_allclose(found.table["eb"], 3.0)
    assert part["converged"]


def test_unreliable_means_of_few_units_refuse_the_correction() -> None:
    rng = np.random.default_rng(3)
    units, people, _ = study(rng, np.full(16, 3), strong=False)
    part = unit_scores(people, units=units, hospital="hospital").components.iloc[0]
    assert part["shrinkage"] < 0.5
    assert not part["correctable"]


def test_a_unit_alone_in_its_hospital_keeps_its_own_mean_and_is_noted() -> None:
    found = unit_scores(PEOPLE, units=UNITS, hospital="hospital", covariates=["type", "beds"])
    lone = UNITS["hospital"].value_counts().loc[lambda n: n == 1].index[0]
    row = found.table[found.table["hospital"] == lone].iloc[0]
    assert row["eb"] == pytest.approx(row["mean"], abs=1e-10)
    assert "1 hospital has a single unit" in found.components.iloc[0]["note"]


def test_units_without_raters_stay_and_are_not_scored() -> None:
    more = pd.concat([UNITS, UNITS.tail(1).assign(unit="U99", hospital="H1")])
    found = unit_scores(PEOPLE, units=more, hospital="hospital")
    row = found.table.set_index("unit").loc["U99"]
    assert row["n_raters"] == 0
    assert np.isnan(row["eb"])
    assert np.isnan(row["mean"])
    assert found.components["n_units"].iloc[0] == 40


def test_a_known_roster_raises_reliability_up_to_one() -> None:
    sizes = PEOPLE["unit"].value_counts()
    everyone = pd.DataFrame({"unit": np.repeat(sizes.index, sizes), "role": "nurse"}).assign(
        staff_id=lambda d: d.index.astype(str)
    )
    twice = pd.concat([everyone, everyone], ignore_index=True)
    process = unit_scores(PEOPLE, units=UNITS, roster=twice).table
    half = unit_scores(PEOPLE, units=UNITS, roster=twice, population="roster").table
    full = unit_scores(PEOPLE, units=UNITS, roster=everyone, population="roster")
    assert (half["reliability"] > process["reliability"]).all()
    np.testing.assert_allclose(full.table["reliability"], 1.0)
    np.testing.assert_allclose(full.table["eb"], full.table["mean"])
    assert (half["n_roster"] == 2 * half["n_raters"]).all()


def test_planted_roster_means_are_predicted_without_bias_of_slope() -> None:
    """The true score is the mean of the K staff on the roster, half of whom answer."""
    rng = np.random.default_rng(79)
    staff = rng.integers(6, 24, 80)
    roster = pd.DataFrame({"unit": np.repeat([f"U{i:02d}" for i in range(80)], staff), "role": "nurse"})
    roster["staff_id"] = roster.index.astype(str)
    slopes = []
    for _ in range(50):
        y = rng.normal(0, 0.3, 80)[np.repeat(np.arange(80), staff)] + rng.normal(0, 0.8, len(roster))
        true = pd.Series(y).groupby(roster["unit"].to_numpy()).mean()
        answer = rng.random(len(roster)) < 0.5
        people = pd.DataFrame({"unit": roster["unit"], "trust": y})[answer]
        table = unit_scores(people, roster=roster, population="roster").table.set_index("unit")
        slopes.append(np.polyfit(table["eb"], true.loc[table.index], 1)[0])
    assert abs(np.mean(slopes) - 1) < 3 * np.std(slopes) / 50**0.5 + 0.03


def test_order_shift_and_scale() -> None:
    first = unit_scores(PEOPLE, units=UNITS, hospital="hospital", covariates=["type", "beds"])
    moved = PEOPLE.sample(frac=1, random_state=5).assign(score=lambda d: 2 * d["score"] + 10)
    other = unit_scores(
        moved, units=UNITS.sample(frac=1, random_state=6), hospital="hospital", covariates=["beds", "type"]
    )
    a, b = (r.table.set_index("unit").sort_index() for r in (first, other))
    np.testing.assert_allclose(2 * a["eb"] + 10, b["eb"], atol=1e-8)
    np.testing.assert_allclose(2 * a["eb_se"], b["eb_se"], atol=1e-8)
    np.testing.assert_allclose(first.components["icc1"], other.components["icc1"], atol=1e-9)


def test_a_declined_correction_keeps_the_scores_and_says_so() -> None:
    plain, declined = (unit_scores(PEOPLE, units=UNITS, hospital="hospital", shrink=s) for s in (True, False))
    pd.testing.assert_frame_equal(plain.table, declined.table)
    assert not declined.components["correctable"].any() and declined.factors.empty
    assert "declines a correction" in declined.components["note"][0]


def test_refusals() -> None:
    with pytest.raises(DataError, match="not in the table of units"):
        unit_scores(PEOPLE, units=UNITS.head(5))
    with pytest.raises(SpecError, match="unknown population"):
        unit_scores(PEOPLE, population="sample")
    with pytest.raises(SpecError, match="needs a roster"):
        unit_scores(PEOPLE, population="roster")
    with pytest.raises(DataError, match="no such column"):
        unit_scores(PEOPLE.rename(columns={"unit": "ward"}))


def test_one_rater_a_unit_says_why_there_is_no_reliability() -> None:
    found = unit_scores(PEOPLE.drop_duplicates("unit"))
    part = found.components.iloc[0]
    assert not part["converged"]
    assert "no group has 2 or more values" in part["note"]
    assert found.table["eb"].isna().all()
    assert found.table["mean"].notna().all()


def test_given_values_have_no_reliability_and_say_so() -> None:
    values = pd.DataFrame({"share": np.linspace(0, 1, 40)}, index=UNITS["unit"])
    found = given_scores(values, UNITS, hospital="hospital")
    assert "eb" not in found.table
    assert "reliability" not in found.table
    assert "reliability is unknown" in found.components.iloc[0]["note"]
    within = values["share"] - values["share"].groupby(UNITS.set_index("unit")["hospital"]).transform("mean")
    assert found.components.iloc[0]["tau"] == pytest.approx(((within**2).sum() / (40 - 6)) ** 0.5, abs=1e-12)
    assert list(found.to_frame().columns) == ["term", "group", "estimate"]
