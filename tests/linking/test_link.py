import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from studies import SLOPE, TAU, linked, plant

from microresearch.errors import ConvergenceError, DataError, SpecError
from microresearch.linking.cells import Cells, Linkage, Outcome
from microresearch.linking.costs import link_cost
from microresearch.linking.design import Design
from microresearch.linking.encounters import read_encounters
from microresearch.linking.estimates import adjust_family
from microresearch.linking.outcomes import link_outcome
from microresearch.linking.slopes import slope
from microresearch.results import LINKED
from microresearch.units.aggregation import unit_scores
from microresearch.units.given import given_scores

GOLDEN = Path(__file__).parents[1] / "golden"
OUTCOMES = ("experience", "died", "days", "cost")


@pytest.fixture(scope="module")
def study():
    return linked(plant(3))


@pytest.mark.parametrize(("model", "outcome"), [("gamma", "cost"), ("poisson", "days"), ("binomial", "died")])
def test_recycled_predictions_equal_r(model, outcome):
    golden = json.loads((GOLDEN / "recycled" / "golden.json").read_text())
    d = pd.read_csv(GOLDEN / "glm" / "data.csv")
    hospitals = [(d["hospital"] == h).astype(float) for h in sorted(d["hospital"].unique())[1:]]
    mix = [(d["age"] == "b"), (d["age"] == "c"), (d["sex"] == "M")]
    x = np.column_stack([np.ones(len(d)), *hospitals, d["beds"], *mix]).astype(float)
    units = sorted(d["unit"].unique())
    unit = np.asarray(pd.Categorical(d["unit"], categories=units).codes, dtype=np.intp)
    y = d[outcome].to_numpy(float)
    design = Design(x, ("",) * x.shape[1], np.ones(len(d)), y, y**2, unit, tuple(units), (), 6, ())
    score = d.groupby("unit")["score"].first().loc[units].to_numpy()
    got, want = slope(design, design.with_score(score), model, golden["step"]), golden[model]
    ours = [got.estimate, got.se, got.absolute, got.absolute_se, got.absolute_df]
    np.testing.assert_allclose(ours, [want[k] for k in ("slope", "slope_se", "ame", "se", "df")], rtol=1e-7)


def test_cells_equal_rows(study):
    """The same models on cells of one stay each (an identifier as case mix would make them): the same digits."""
    planted = plant(3)
    scores, cells = study
    stays = planted.stays.merge(planted.lines.groupby("stay_id")["amount"].sum().rename("cost"), on="stay_id")
    stays["age"] = np.where(stays["age"] >= 65, "65 and over", "18 to <65")
    rows = stays[["unit", "age", "sex"]].assign(n=1)
    for name in OUTCOMES:
        y = stays[name]
        rows[f"{name}_n"], rows[f"{name}_sum"], rows[f"{name}_sumsq"] = y.notna() * 1, y.fillna(0), (y**2).fillna(0)
        rows[f"{name}_zeros"] = (y == 0) * 1
    single = replace(cells, table=rows)
    for name in OUTCOMES:
        one, other = (link_outcome(scores, c, name).to_frame() for c in (cells, single))
        for column in one.select_dtypes("number"):
            np.testing.assert_allclose(other[column], one[column], rtol=1e-8, atol=1e-10, err_msg=f"{name} {column}")


def test_labels_order_and_units_of_measurement_do_not_matter():
    planted = plant(5)
    scores, cells = linked(planted)
    names = {name: f"W{90 - i}" for i, name in enumerate(planted.units["unit"])}
    other = replace(
        planted,
        units=planted.units.assign(unit=planted.units["unit"].map(names), beds=planted.units["beds"] / 10).sample(
            frac=1, random_state=1
        ),
        people=planted.people.assign(
            unit=planted.people["unit"].map(names), leadership=planted.people["leadership"] * 20
        ).sample(frac=1, random_state=2),
        stays=planted.stays.assign(unit=planted.stays["unit"].map(names)).sample(frac=1, random_state=3),
    )
    other_scores, other_cells = linked(other)
    for name in OUTCOMES:
        one, two = (link_outcome(s, c, name).to_frame() for s, c in ((scores, cells), (other_scores, other_cells)))
        columns = [
            "estimate",
            "estimate_naive",
            "se",
            "df",
            "ci_low",
            "ci_high",
            "p",
            "p_holm",
            "n_units",
            "n_patients",
        ]
        np.testing.assert_allclose(two[columns], one[columns], rtol=2e-5)


def test_recovers_the_planted_effect_per_true_sd():
    """Corrected slopes are unbiased for the marginal slope; naive ones are too small by about the reliability."""
    corrected, naive, covered = [], [], []
    for seed in range(24):
        planted = plant(seed + 100, stays=60)
        scores, cells = linked(replace(planted, people=planted.people[["unit", "leadership"]]), only="experience")
        tau = scores.components.set_index("characteristic").loc["leadership", "tau"]
        row = link_outcome(scores, cells, "experience", characteristics=["leadership"]).rows[0]
        truth = 10 * SLOPE * TAU
        corrected.append(row.corrected.estimate / tau * TAU - truth)
        naive.append(row.naive.estimate / tau * TAU - truth)
        covered.append(truth * tau / TAU in row.corrected.interval)
    corrected, naive = np.array(corrected), np.array(naive)
    assert abs(corrected.mean()) < 3 * corrected.std(ddof=1) / np.sqrt(24)
    assert naive.mean() < -3 * naive.std(ddof=1) / np.sqrt(24)
    assert np.mean(covered) > 0.85


def test_columns_and_twins(study):
    frame = link_outcome(*study, "died", plan_hash="abc", role="exploratory").to_frame(naive=True)
    assert list(frame.columns)[: len([c for c in LINKED if c in frame])] == [c for c in LINKED if c in frame]
    assert frame["estimand"].tolist() == ["corrected", "corrected", "naive", "naive"]
    assert (frame["plan_hash"] == "abc").all() and (frame["n_events"] > 0).all()
    np.testing.assert_allclose(frame["ratio"], np.exp(frame["estimate"]))
    money = link_cost(*study).to_frame()
    assert {"effect_currency", "effect_currency_low", "effect_currency_high"} <= set(money)
    assert (money["currency_year"] == 2024).all() and "effect_absolute" not in money
    assert "ratio" not in link_outcome(*study, "experience").to_frame()


def test_one_family_over_outcomes(study):
    results = [link_outcome(*study, name) for name in ("experience", "died")]
    joint = adjust_family(results)
    p = np.concatenate([r.to_frame()["p"] for r in results])
    holm = np.concatenate([r.to_frame()["p_holm"] for r in joint])
    smallest = int(np.argmin(p))
    assert holm[smallest] == pytest.approx(min(1, 4 * p[smallest]))
    assert (holm >= np.concatenate([r.to_frame()["p_holm"] for r in results]) - 1e-15).all()


def test_few_units_have_an_estimate_and_no_test():
    scores, cells = linked(plant(2, n_units=18, n_hospitals=3, raters=(60, 90)))
    frame = link_outcome(scores, cells, "days", characteristics=["leadership"]).to_frame()
    assert frame["estimate"].notna().all() and not {"se", "p", "ci_low", "df"} & set(frame)
    assert "18 units that can be compared are fewer than 20" in frame["note"][0]


def test_correction_is_refused_with_its_reason():
    weak = plant(1, n_units=30, raters=(3, 5))
    scores, cells = linked(weak)
    frame = link_outcome(scores, cells, "days").to_frame()
    refused = ~scores.components["correctable"].to_numpy()
    assert refused.any() and (scores.components["tau"] > 0).all()
    assert (frame["estimand"].to_numpy() == np.where(refused, "naive", "corrected")).all()
    assert frame.loc[refused, "note"].str.contains("not corrected for measurement error").all()
    assert frame.loc[refused, "p"].notna().all()


def test_given_values_have_no_correction():
    planted = plant(4)
    _, cells = linked(planted)
    values = planted.people.groupby("unit")[["leadership"]].mean()
    frame = link_outcome(given_scores(values, planted.units, "hospital", ["beds"]), cells, "days").to_frame()
    assert frame["estimand"].tolist() == ["naive"] and "reliability" not in frame and "n_staff" not in frame
    assert "without raters" in frame["note"][0]


def test_no_variance_between_units_has_no_scale():
    planted = plant(4)
    flat = planted.people.assign(
        leadership=lambda d: d["leadership"] - d.groupby("unit")["leadership"].transform("mean")
    )
    scores, cells = linked(replace(planted, people=flat))
    row = link_outcome(scores, cells, "days", characteristics=["leadership"]).rows[0]
    assert not row.naive and not row.corrected and "no SD to scale by" in row.naive.reason
    frame = link_outcome(scores, cells, "days").to_frame()
    assert frame["converged"].tolist() == [False, True] and np.isnan(frame["estimate"][0])


def test_units_without_staff_or_patients_are_listed():
    planted = plant(6)
    stays = planted.stays[planted.stays["unit"] != "U001"]
    people = planted.people[planted.people["unit"] != "U002"]
    alone = stays[(stays["unit"] != "U003") | ~stays["unit"].duplicated()]  # U003 keeps one stay
    extra = alone.iloc[[0]].assign(unit="X999", stay_id=1)
    scores, cells = linked(replace(planted, people=people, stays=pd.concat([alone, extra])))
    result = link_outcome(scores, cells, "days")
    assert dict(result.left_out) == {"U001": "no patients", "U002": "no score", "X999": "no staff"}
    assert result.left_out_frame()["unit"].tolist() == ["U001", "U002", "X999"]
    assert (result.to_frame()["n_units"] == 46).all()
    sampled = link_outcome(scores, cells, "experience")
    assert result.to_frame()["n_patients"][0] > sampled.to_frame()["n_patients"][0]


def test_unit_ids_that_only_look_different():
    planted = plant(6)
    stays = planted.stays.assign(unit=planted.stays["unit"].str.replace("U0", "u-"))
    with pytest.raises(DataError, match="only in case, spaces or padding"):
        link_outcome(*linked(replace(planted, stays=stays)), "days")


def test_zero_costs_need_two_parts(study):
    scores, cells = study
    table = cells.table.assign(cost_zeros=[1, *cells.table["cost_zeros"][1:]])
    with pytest.raises(DataError, match=r"stays cost nothing, .*two-part"):
        link_cost(scores, replace(cells, table=table))


def test_separation_is_named(study):
    scores, cells = study
    table = cells.table.copy()
    table.loc[table["sex"] == "M", ["died_sum", "died_sumsq"]] = 0
    with pytest.raises(ConvergenceError, match=r"no finite estimate for .*sex: M"):
        link_outcome(scores, replace(cells, table=table), "died")


def test_notes_say_what_a_reader_must_know():
    planted = plant(7)
    big = planted.stays.loc[planted.stays["unit"].isin(["U000"]).to_numpy().nonzero()[0]]
    many = pd.concat([planted.stays, *[big.assign(stay_id=big["stay_id"] + 10**6 * (i + 1)) for i in range(150)]])
    units = planted.units.assign(hospital=planted.units["hospital"].where(planted.units["unit"] != "U005", "H99"))
    scores, cells = linked(replace(planted, stays=many, units=units))
    note = link_outcome(scores, cells, "days").to_frame()["note"][0]
    assert "one unit holds more than half of the patients" in note
    assert "1 units are alone in their hospital" in note
    one = planted.units.assign(hospital="H1")
    frame = link_outcome(*linked(replace(planted, units=one)), "days").to_frame()
    assert frame["note"].str.contains("one hospital").all() and (frame["n_hospitals"] == 1).all()


def test_zero_variance_between_units_caps_df():
    planted = plant(8)
    rng = np.random.default_rng(0)
    flat = planted.stays.assign(experience=np.round(rng.normal(50, 10, len(planted.stays)), 2))
    flat["experience"] -= flat.groupby("unit")["experience"].transform("mean")
    row = link_outcome(*linked(replace(planted, stays=flat)), "experience").rows[0]
    assert row.corrected.icc == 0 and row.corrected.df == 48 - 6 - 1 - 1
    assert "variance between units was estimated as zero" in row.corrected.note


def test_without_hospitals():
    scores, cells = linked(plant(9), hospital=None)
    frame = link_outcome(scores, cells, "days").to_frame()
    assert (frame["contrast"] == "+1 SD between units").all() and "n_hospitals" not in frame
    scores, cells = linked(plant(9))
    frame = link_outcome(scores, cells, "days", hospital=None).to_frame()
    assert (frame["estimand"] == "naive").all() and frame["note"].str.contains("made within hospitals").all()


def test_settings_that_cannot_be_meant(study):
    scores, cells = study
    with pytest.raises(SpecError, match="no such outcome"):
        link_outcome(scores, cells, "falls")
    with pytest.raises(SpecError, match="no such model"):
        link_outcome(scores, cells, "days", model="probit")
    with pytest.raises(SpecError, match="no such characteristic"):
        link_outcome(scores, cells, "days", characteristics=["charm"])
    with pytest.raises(SpecError, match="covariates differ"):
        link_outcome(scores, cells, "days", covariates=["type"])
    with pytest.raises(SpecError, match="this outcome is no cost"):
        link_cost(scores, cells, "days")
    bare = replace(cells, outcomes=tuple(Outcome(o.name, o.column) for o in cells.outcomes))
    with pytest.raises(SpecError, match="no declared kind"):
        link_outcome(scores, bare, "days")
    with pytest.raises(DataError, match="no unit has both"):
        link_outcome(scores, replace(cells, table=cells.table.assign(unit="elsewhere")), "days")


def test_score_that_covariates_explain():
    planted = plant(9)
    values = planted.units.set_index("unit")[["beds"]].astype(float)
    _, cells = linked(planted)
    row = link_outcome(given_scores(values, planted.units, "hospital", ["beds"]), cells, "days").rows[0]
    assert not row.naive and "does not vary" in row.naive.reason


def test_linkage_value():
    assert isinstance(Cells(pd.DataFrame(), (), (), Linkage(0, 0, (), ())).outcomes, tuple)
    assert unit_scores and read_encounters
