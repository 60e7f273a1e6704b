"""Other families of costs and their checks, counts with an exposure, CR3: against R, planted truths, refusals."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from studies import linked, plant

from microresearch.errors import DataError, SpecError
from microresearch.linking.cost_checks import cost_checks
from microresearch.linking.costs import link_cost
from microresearch.linking.encounters import read_encounters
from microresearch.linking.outcomes import link_outcome
from microresearch.linking.unit_months import read_unit_months
from microresearch.numeric.clusters import cr2, cr2_glm
from microresearch.numeric.glm import fit_glm
from microresearch.units.aggregation import unit_scores

HERE = Path(__file__).parents[1] / "golden"
GOLDEN = json.loads((HERE / "costs" / "golden.json").read_text())
D = pd.read_csv(HERE / "glm" / "data.csv")
UNIT = pd.factorize(D["unit"], sort=True)[0]


def design(terms, frame=D):
    made = []
    for term in terms:
        name = next((c for c in ("hospital", "age", "sex") if term.startswith(c)), "")
        made.append(np.ones(len(frame)) if term == "(Intercept)" else (frame[name] == term.removeprefix(name)) if name
                    else frame[term])  # fmt: skip
    return np.column_stack(made).astype(float)


def same(theirs, beta, robust):
    np.testing.assert_allclose(beta, theirs["beta"], rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(np.sqrt(np.diag(robust.cov)), theirs["se"], rtol=1e-6)
    df = [robust.df(row) for row in np.eye(len(beta))]
    np.testing.assert_allclose(df, theirs["df"], rtol=1e-5)


@pytest.mark.parametrize("kind", ["CR2", "CR3"])
def test_tweedie_equals_r(kind):
    theirs = GOLDEN["tweedie" if kind == "CR2" else "tweedie_cr3"]
    x, n = design(theirs["terms"]), np.ones(len(D))
    y = np.where(np.arange(1, len(D) + 1) % 7 == 0, 0, D["cost"])
    fit = fit_glm(x, n, y, "tweedie")
    same(theirs, fit.beta, cr2_glm(x, n, y, fit, UNIT, kind))


def test_cr3_of_least_squares_equals_r():
    theirs = GOLDEN["ols_cr3"]
    x, y = design(theirs["terms"]), D["y"].to_numpy(float)
    beta = np.linalg.lstsq(x, y, rcond=None)[0]
    same(theirs, beta, cr2(x, np.ones(len(D)), y - x @ beta, np.ones(len(D)), UNIT, "CR3"))


def test_a_rate_equals_a_count_with_offset_in_r():
    theirs = GOLDEN["rate"]
    months = D.assign(n=1).groupby(["unit", "age", "hospital", "score"], as_index=False)[["n", "died"]].sum()
    x, unit = design(theirs["terms"], months), pd.factorize(months["unit"], sort=True)[0]
    n, total = months["n"].to_numpy(float), months["died"].to_numpy(float)
    fit = fit_glm(x, n, total, "poisson")
    np.testing.assert_allclose(fit.beta, theirs["beta"], rtol=1e-6)
    robust = cr2_glm(x, n, total, fit, unit)
    same(GOLDEN["rate_of_stays"], fit.beta, robust)
    np.testing.assert_allclose(np.sqrt(np.diag(robust.cov)), theirs["se"], rtol=0.02)  # there a month is a row


def test_park_and_link_tests_equal_r():
    d = D.assign(cost=D["cost"], stay_id=range(len(D)))
    cells = read_encounters(d, case_mix=["age", "sex"], outcomes={"cost": "cost"})
    units = D.groupby("unit", as_index=False)[["hospital", "beds"]].first()
    people = pd.DataFrame({"unit": np.repeat(units["unit"], 4), "trust": np.random.default_rng(1).normal(size=120)})
    found = cost_checks(unit_scores(people, units, hospital="hospital", covariates=["beds"]), cells)
    for ours, theirs in ((found.park, GOLDEN["park"]), (found.link, GOLDEN["link"])):
        np.testing.assert_allclose(ours, [theirs[key][-1] for key in ("beta", "se", "df")], rtol=1e-5)
    assert found.to_frame()["p"].between(0, 1).all()


def months_of(planted, seed, slope=0.3):
    rng = np.random.default_rng(seed)
    true = planted.people.groupby("unit")["leadership"].mean() - 3.5
    days = rng.integers(200, 900, (len(true), 24))
    mean = 0.004 * np.exp(slope * true.to_numpy() + rng.normal(0, 0.1, len(true)))
    falls = rng.poisson(days * (mean[:, None] * rng.gamma(3, 1 / 3, days.shape)))
    month = np.tile(np.arange(24), len(true))
    return pd.DataFrame({"unit": np.repeat(true.index, 24), "month": month, "falls": falls.ravel(),
                         "patient_days": days.ravel()})  # fmt: skip


def test_falls_per_patient_day_by_both_models():
    planted = plant(11, raters=(30, 60))
    months = months_of(planted, 3)
    scores = unit_scores(planted.people, planted.units, hospital="hospital", covariates=["beds"])
    cells = read_unit_months(months, {"falls": "patient_days"}, month="month")
    frames = {m: link_outcome(scores, cells, "falls", model=m).to_frame() for m in ("auto", "negative binomial")}
    for frame in frames.values():
        row = frame[frame["characteristic"] == "leadership"].iloc[0]
        per_point, se = row["estimate"] / row["tau"], row["se"] / row["tau"]
        assert abs(per_point - 0.3) < 3 * se
        assert row["n_events"] == months["falls"].sum() and "n_patients" not in frame
    auto = frames["auto"].iloc[0]
    raised = 1000 * months["falls"].sum() / months["patient_days"].sum() * (np.exp(auto["estimate"]) - 1)
    assert auto["effect_absolute"] == pytest.approx(raised, rel=0.1)  # falls per 1,000 patient-days


def test_months_add_up():
    planted = plant(11)
    months = months_of(planted, 4)
    scores = unit_scores(planted.people, planted.units, hospital="hospital", covariates=["beds"])
    whole = months.groupby("unit", as_index=False)[["falls", "patient_days"]].sum()
    one, two = (link_outcome(scores, read_unit_months(m, {"falls": "patient_days"}), "falls").to_frame()
                for m in (months, whole))  # fmt: skip
    np.testing.assert_allclose(one[["estimate", "se", "df"]], two[["estimate", "se", "df"]], rtol=1e-8)


def test_months_that_cannot_be():
    months = pd.DataFrame({"unit": ["A", "A"], "month": [1, 1], "falls": [1.5, -1], "patient_days": [0, 10]})
    with pytest.raises(DataError, match="stands twice"):
        read_unit_months(months, {"falls": "patient_days"}, month="month")
    with pytest.raises(DataError, match=r"2 counts are no whole numbers[\s\S]*1 exposures are below 1"):
        read_unit_months(months, {"falls": "patient_days"})
    with pytest.raises(DataError, match="no such column"):
        read_unit_months(months, {"falls": "bed_days"})
    empty = months.assign(falls=[0, 2])
    assert read_unit_months(empty, {"falls": "patient_days"}).linkage.missing == (("falls", 1),)


def test_negative_binomial_of_stays_needs_their_counts():
    planted = plant(12)
    scores, cells = linked(planted, only="days")
    with pytest.raises(DataError, match="among case_mix and mediators"):
        link_outcome(scores, cells, "days", model="negative binomial")
    mix = [{"column": "age", "bands": [18, 65]}, "sex", "days"]
    single = read_encounters(planted.stays, case_mix=mix, mediators=["days"], outcomes={"days": "count"})
    frame = link_outcome(scores, single, "days", model="negative binomial").to_frame()
    poisson = link_outcome(scores, cells, "days").to_frame()
    np.testing.assert_allclose(frame["estimate"], poisson["estimate"], atol=1.5 * float(poisson["se"].max()))
    assert frame["ci_low"].lt(frame["estimate"]).all()


def test_every_cost_model_speaks_of_money():
    scores, cells = linked(plant(3))
    frames = {m: link_cost(scores, cells, model=m, power=1.5 if m == "tweedie" else None).to_frame() for m in
              ("gamma", "gamma mixed", "tweedie", "poisson", "ols")}  # fmt: skip
    for name, frame in frames.items():
        money = frame["effect_currency"]
        assert (frame["currency_year"] == 2024).all() and "effect_absolute" not in frame
        np.testing.assert_allclose(money, frames["gamma"]["effect_currency"], rtol=0.5, err_msg=name)
    zeros = cells.table.assign(cost_zeros=[1, *cells.table["cost_zeros"][1:]])
    assert link_cost(scores, replace(cells, table=zeros), model="tweedie").model == "tweedie"
    with pytest.raises(DataError, match="gamma mixed model cannot hold"):
        link_cost(scores, replace(cells, table=zeros), model="gamma mixed")
    with pytest.raises(SpecError, match="this outcome is no cost"):
        cost_checks(scores, cells, "days")


def test_cr3_is_wider_and_says_so():
    scores, cells = linked(plant(3), only="died")
    two, three = (link_outcome(scores, cells, "died", errors=e) for e in ("CR2", "CR3"))
    assert (three.to_frame()["se"] > two.to_frame()["se"]).all()
    assert three.rows[0].naive.interval.method.startswith("CR3")
