import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from microresearch.errors import DataError, SpecError
from microresearch.linking.calibration import calibration
from microresearch.linking.encounters import read_encounters
from microresearch.numeric.concordance import concordance
from microresearch.units.covariates import code_covariates

GOLDEN = Path(__file__).parents[1] / "golden" / "calibration"
KINDS = {"died": "binary", "days": "count", "cost": "cost", "y": "continuous"}


def reduced(rows, kinds=KINDS):
    stays = rows.assign(stay_id=np.arange(len(rows)))
    cells = read_encounters(stays, case_mix=["age", "sex", "ill"], outcomes=kinds)
    return cells, code_covariates(pd.DataFrame({"unit": sorted(set(rows["unit"]))}))


def alone(rows, outcome, groups=10):
    cells, units = reduced(rows, {outcome: KINDS[outcome]})
    return calibration(cells, outcome, units, groups)


@pytest.fixture(scope="module")
def r_data():
    return reduced(pd.read_csv(GOLDEN / "data.csv")), json.loads((GOLDEN / "golden.json").read_text())


@pytest.mark.parametrize("outcome", KINDS)
def test_calibration_equals_r(r_data, outcome):
    (cells, units), golden = r_data
    found, want = calibration(cells, outcome, units, fewest=0), golden[outcome]
    table = found.table
    assert table["n"].tolist() == want["n"]
    np.testing.assert_allclose(table["expected"], want["expected"], rtol=1e-8)
    np.testing.assert_allclose(table["observed"], want["observed"], rtol=1e-12)
    mean = table["observed"].to_numpy()
    slope = {"died": mean * (1 - mean), "y": np.ones(len(mean))}.get(outcome, mean)
    link = (lambda p: np.log(p / (1 - p))) if outcome == "died" else (np.log if outcome != "y" else np.array)
    for sign, column in ((-1, "ci_low"), (1, "ci_high")):
        half = sign * (link(table[column].to_numpy()) - link(mean)) * slope
        np.testing.assert_allclose(half, want["half"], rtol=1e-6)
    for got, i in ((found.slope, 1), *([(found.intercept, 0)] if found.intercept else [])):
        expected = [want["calibration"][part][i] for part in ("estimate", "se", "df")]
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-9)
    assert (found.intercept is not None) == (found.ranking is not None) == (outcome == "died")
    assert found.explained == pytest.approx(want["explained"], rel=1e-9)


def test_the_c_statistic_equals_that_of_all_pairs(r_data):
    (cells, units), golden = r_data
    found = calibration(cells, "died", units).ranking
    assert found.estimate == pytest.approx(golden["c"]["estimate"], rel=1e-12)
    assert found.estimate == pytest.approx(golden["c"]["wilcox"], rel=1e-12)
    assert found.se == pytest.approx(golden["c"]["se"], rel=1e-10)
    low, high = found.interval()
    assert low < found.estimate < high and high - low == pytest.approx(2 * 1.96 * found.se, rel=0.01)


def planted(seed, within, between, n_units=60, n=300):
    """Severity moves the log odds by `within` in every unit, and units by `between` with the share of severe cases."""
    rng = np.random.default_rng(seed)
    share = np.repeat(rng.uniform(0.1, 0.9, n_units), n)
    ill = rng.random(len(share)) < share
    rows = pd.DataFrame({"unit": np.repeat([f"U{i:02d}" for i in range(n_units)], n)})
    rows["sex"], rows["age"] = rng.choice(["F", "M"], len(ill)), rng.choice(list("abcdef"), len(ill))
    rows["ill"] = np.where(ill, "severe", "none")
    age = rows["age"].map({a: i - 2.5 for i, a in enumerate("abcdef")})
    eta = -1.5 + within * (ill - 0.5) + 0.15 * age + between * (share - 0.5)
    return rows.assign(died=rng.binomial(1, 1 / (1 + np.exp(-eta))))


def test_a_model_that_holds_is_calibrated_and_one_that_does_not_is_found():
    good = alone(planted(1, 1.0, 0.0), "died")
    assert abs(good.slope[0] - 1) < 2.5 * good.slope[1] and abs(good.intercept[0]) < 2.5 * good.intercept[1]
    table = good.table
    assert (table["ci_low"] < table["expected"]).sum() >= len(table) - 1 <= (table["expected"] < table["ci_high"]).sum()
    # Units with more severe cases do better: differences across units are smaller than those within.
    bad = alone(planted(2, 1.0, -2.0), "died")
    assert bad.slope[0] + 3 * bad.slope[1] < 1
    assert bad.to_frame().set_index("term").loc["calibration slope", "p"] < 0.01
    assert bad.table["observed"].iloc[-1] < bad.table["expected"].iloc[-1]


def test_neither_the_order_of_rows_nor_the_names_of_units_matter(r_data):
    (cells, units), _ = r_data
    rows = pd.read_csv(GOLDEN / "data.csv").sample(frac=1, random_state=3)
    rows["unit"] = "W" + rows["unit"].str[::-1]
    again = alone(rows, "died")
    first = calibration(cells, "died", units)
    pd.testing.assert_frame_equal(again.table, first.table, rtol=1e-9)
    pd.testing.assert_frame_equal(again.to_frame(), first.to_frame(), rtol=1e-7, atol=1e-9)
    assert (first.table["n"] @ first.table["expected"]) == pytest.approx(first.table["n_events"].sum(), rel=1e-9)


def test_survival_is_the_mirror_of_death(r_data):
    (cells, units), _ = r_data
    rows = pd.read_csv(GOLDEN / "data.csv").assign(died=lambda d: 1 - d["died"])
    first, other = calibration(cells, "died", units), alone(rows, "died")
    np.testing.assert_allclose(other.table["n"], first.table["n"][::-1])
    np.testing.assert_allclose(1 - other.table["ci_high"], first.table["ci_low"][::-1], rtol=1e-8)
    np.testing.assert_allclose(other.slope, first.slope, rtol=1e-6)
    assert other.intercept[0] == pytest.approx(-first.intercept[0], abs=1e-8)
    assert other.ranking.estimate == pytest.approx(first.ranking.estimate, rel=1e-12)
    few = alone(rows, "died", 30).table
    assert len(few) < 30 and (few["n"] - few["n_events"] > 10).all()


def test_groups_with_few_events_are_merged_and_nobody_is_lost(r_data):
    (cells, units), _ = r_data
    for fewest, groups in ((10, 10), (30, 10), (100, 10), (10, 30)):
        table = calibration(cells, "died", units, groups, fewest).table
        assert table["n"].sum() == 1910 and (table["n_events"] > fewest).all()
        assert (table["n"] - table["n_events"] > fewest).all() and table["group"].tolist() == list(
            range(1, len(table) + 1)
        )
        assert table["expected"].is_monotonic_increasing
    assert len(calibration(cells, "died", units, fewest=100).table) < 5
    with pytest.raises(DataError, match="too few patients"):
        calibration(cells, "died", units, fewest=2000)


def test_a_cost_that_one_stay_dominates_is_merged():
    rows = pd.read_csv(GOLDEN / "data.csv")
    plain = alone(rows, "cost")
    lowest = (rows["age"] == "a") & (rows["ill"] == "none") & (rows["sex"] == "M")
    rows.loc[rows.index[lowest][0], "cost"] = 3 * rows.loc[lowest, "cost"].sum()
    assert len(alone(rows, "cost").table) < len(plain.table)


def test_what_cannot_be_had_is_said(r_data):
    (cells, units), _ = r_data
    with pytest.raises(SpecError, match="two groups"):
        calibration(cells, "died", units, groups=1)
    rows = pd.read_csv(GOLDEN / "data.csv").assign(stay_id=lambda d: np.arange(len(d)))
    bare = read_encounters(rows, case_mix=[], outcomes={"died": "binary"})
    with pytest.raises(DataError, match="the same for every patient"):
        calibration(bare, "died", units)
    with pytest.raises(DataError, match="two clusters"):
        concordance(np.arange(3.0), np.full(3, 10.0), np.array([0.0, 4, 0]), np.array([0, 1, 1]))
