"""Specification curves, the plane of outcome and cost, effects without each unit, dose and response."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from studies import linked, plant

from microresearch.errors import DataError, SpecError
from microresearch.linking.between_hospitals import between_hospitals
from microresearch.linking.bootstrap import bootstrap_effects
from microresearch.linking.costs import link_cost
from microresearch.linking.dose import dose_curve
from microresearch.linking.outcomes import link_outcome
from microresearch.linking.specifications import specifications
from microresearch.linking.together import effects_left_out, plane_draws


@pytest.fixture(scope="module")
def study():
    planted = plant(3)
    return planted, *linked(planted)


def test_the_planned_specification_is_the_two_stage_model(study):
    _, scores, cells = study
    found = specifications(scores, cells, "died", "leadership", minimum=10)
    planned = found.table[found.table["primary"]]
    full = link_outcome(scores, cells, "died", model="two-stage").rows[0]
    assert len(planned) == 1
    assert planned["estimate"].iloc[0] == pytest.approx(full.corrected.estimate, rel=1e-9)
    assert planned["se"].iloc[0] == pytest.approx(full.corrected.se, rel=1e-9)
    rest = [c for c in found.choices if c != "score"]
    raw = found.table[(found.table[rest] == planned[rest].iloc[0]).all(axis=1) & (found.table["score"] == "raw mean")]
    assert raw["estimate"].iloc[0] == pytest.approx(full.naive.estimate, rel=1e-9)
    assert found.choices == ["score", "contrast", "case mix", "unit covariates", "weights", "units"]
    assert len(found.table) == 2 * 2 * (2 * 1 + 2 * 4) and not found.table.duplicated(found.choices).any()


def test_equal_weights_are_least_squares(study):
    _, scores, cells = study
    table = specifications(scores, cells, "experience", "trust").table
    one = table.query("contrast == 'all units' and `unit covariates` == 'not adjusted' and weights == 'equal' and "
                      "`case mix` == 'not adjusted'").iloc[0]  # fmt: skip
    sums = cells.table.groupby("unit")[["experience_n", "experience_sum"]].sum()
    mean = sums["experience_sum"] / sums["experience_n"]
    x = scores.wide("mean")["trust"].loc[mean.index]
    slope = np.polyfit(x, mean, 1)[0] * scores.components.set_index("characteristic")["tau"]["trust"]
    assert one["estimate"] == pytest.approx(slope, rel=1e-9)


def test_specifications_that_cannot_be(study):
    _, scores, cells = study
    with pytest.raises(SpecError, match="no such characteristic"):
        specifications(scores, cells, "died", "charm")


def test_leaving_out_equals_a_study_without_the_unit(study):
    planted, scores, cells = study
    table = effects_left_out(planted.people, scores, cells, ["experience"])
    assert (table.loc[table["group"] == "", "change"] == 0).all()
    gone = "U007"
    rest = planted.people[planted.people["unit"] != gone]
    other, _ = linked(replace(planted, people=rest), only="experience")
    whole = bootstrap_effects(rest, other, cells, ["experience"], n_boot=99)
    ours = table[(table["group"] == gone) & (table["characteristic"] == "leadership")]["estimate"].iloc[0]
    assert ours == pytest.approx(whole.estimate[0, 0], rel=1e-6)
    assert effects_left_out(planted.people, scores, cells, ["experience"], "hospital")["group"].nunique() == 7
    with pytest.raises(SpecError, match="cannot leave out"):
        effects_left_out(planted.people, scores, cells, ["experience"], "ward")


def test_plane_holds_draws_on_their_own_scales(study):
    planted, scores, cells = study
    found = bootstrap_effects(planted.people, scores, cells, ["died", "cost"], n_boot=99)
    plane = plane_draws(found, cells, "died", "cost", "leadership", better="lower")
    mean = cells.table["cost_sum"].sum() / cells.table["cost_n"].sum()
    assert len(plane) == 100
    assert plane["cost"][0] == pytest.approx(mean * np.expm1(found.estimate[1, 0]))
    p = cells.table["died_sum"].sum() / cells.table["died_n"].sum()
    odds = p / (1 - p) * np.exp(found.estimate[0, 0])
    assert plane["outcome"][0] == pytest.approx(-1000 * (odds / (1 + odds) - p))
    with pytest.raises(DataError, match="not among"):
        plane_draws(found, cells, "days", "cost", "leadership")


def test_dose_and_response(study):
    _, scores, cells = study
    money = link_cost(scores, cells)
    curve = dose_curve(money, cells, "leadership")
    effect = money.rows[0].corrected
    one = curve[curve["score"].round(6) == 1.0].iloc[0]
    mean = cells.table["cost_sum"].sum() / cells.table["cost_n"].sum()
    np.testing.assert_allclose(one[["estimate", "ci_low", "ci_high"]].to_numpy(float),
                               mean * np.exp([effect.estimate, effect.interval.low, effect.interval.high]))  # fmt: skip
    assert (curve["ci_low"] <= curve["estimate"]).all() and curve["ci_low"][20] == curve["ci_high"][20]
    with pytest.raises(DataError, match="odds have no mean"):
        dose_curve(link_outcome(scores, cells, "died"), cells, "leadership")
    assert isinstance(curve, pd.DataFrame)


def test_between_hospitals_is_the_line_through_their_means():
    planted = plant(7, n_hospitals=8)
    scores, cells = linked(planted, only="experience")
    frame = between_hospitals(scores, replace(cells, strata=()), "experience").to_frame()
    sums = cells.table.groupby("unit")[["experience_n", "experience_sum"]].sum()
    units = pd.DataFrame({"y": sums["experience_sum"] / sums["experience_n"], "x": scores.wide("mean")["leadership"]})
    means = units.groupby(planted.units.set_index("unit")["hospital"]).mean()
    tau = scores.components.set_index("characteristic")["tau"]["leadership"]
    assert frame["estimate"][0] == pytest.approx(np.polyfit(means["x"], means["y"], 1)[0] * tau, rel=1e-9)
    assert frame["n"][0] == 8 and frame["df"][0] == 6 and "not adjusted" in frame["note"][0]
    few, few_cells = linked(plant(7, n_hospitals=3), only="experience")
    with pytest.raises(DataError, match="3 hospitals are too few"):
        between_hospitals(few, few_cells, "experience")
    alone, _ = linked(planted, hospital=None, only="experience")
    with pytest.raises(SpecError, match="needs scores with hospitals"):
        between_hospitals(alone, cells, "experience")
