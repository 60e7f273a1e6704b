import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from studies import linked, plant

from microresearch.errors import ConvergenceError, SpecError
from microresearch.linking.costs import link_cost
from microresearch.linking.encounters import read_encounters
from microresearch.linking.influence import leave_one_out, with_influence
from microresearch.linking.outcomes import link_outcome
from microresearch.linking.partition import STEPS, variance_partition
from microresearch.units.covariates import code_covariates

GOLDEN = Path(__file__).parents[1] / "golden"


@pytest.fixture(scope="module")
def r_data():
    rows = pd.read_csv(GOLDEN / "glm" / "data.csv").assign(stay_id=lambda d: np.arange(len(d)))
    cells = read_encounters(
        rows, case_mix=["age", "sex"], outcomes={"y": "continuous", "died": "binary", "days": "count"}
    )
    design = code_covariates(rows.drop_duplicates("unit")[["unit", "hospital", "beds"]], ["beds"], "hospital")
    return cells, design, json.loads((GOLDEN / "partition" / "golden.json").read_text())


def test_partition_equals_lme4(r_data):
    cells, design, golden = r_data
    linear = variance_partition(cells, "y", design)
    np.testing.assert_allclose(linear.between, golden["between"], rtol=2e-6)
    np.testing.assert_allclose(linear.within, golden["within"], rtol=2e-6)
    binary = variance_partition(cells, "died", design)
    np.testing.assert_allclose(binary.between, golden["logistic"], rtol=1e-5)
    np.testing.assert_allclose(
        binary.median_odds_ratio, np.exp(0.6744897501960817 * np.sqrt(2 * np.array(golden["logistic"]))), rtol=1e-5
    )
    assert linear.steps == STEPS and linear.median_odds_ratio is None
    frame = binary.to_frame()
    assert frame["icc"].between(0, 1).all() and frame["explained"].notna().tolist() == [False, False, True, True]
    with pytest.raises(SpecError, match="continuous, binary"):
        variance_partition(cells, "days", design)


def test_partition_leaves_out_steps_that_add_nothing(r_data):
    cells, design, _ = r_data
    bare = code_covariates(pd.DataFrame({"unit": design.units}))
    assert variance_partition(cells, "y", bare).steps == STEPS[:2]


def test_leaving_a_unit_out_is_a_fit_without_it():
    planted = plant(21, n_units=24, n_hospitals=4)
    scores, cells = linked(replace(planted, people=planted.people[["unit", "leadership"]]))
    for name in ("experience", "days"):
        whole = link_outcome(scores, cells, name)
        found = leave_one_out(whole, scores, cells)
        assert len(found.table) == 24
        without = replace(cells, table=cells.table[cells.table["unit"] != "U005"])
        alone = link_outcome(scores, without, name).to_frame()["estimate"][0]
        row = found.table[found.table["group"] == "U005"].iloc[0]
        assert row["estimate"] == pytest.approx(alone, rel=1e-12)
        frame = with_influence(whole, found).to_frame()
        assert frame["max_unit_influence"][0] == pytest.approx(found.table["change"].abs().max())
    hospitals = leave_one_out(whole, scores, cells, by="hospital")
    assert sorted(hospitals.table["group"]) == ["H0", "H1", "H2", "H3"]
    with pytest.raises(SpecError, match="cannot leave out by 'ward'"):
        leave_one_out(whole, scores, cells, by="ward")


def test_an_outlier_is_found():
    planted = plant(22, n_units=24, n_hospitals=4)
    mean = planted.people.groupby("unit")["leadership"].mean().to_frame().join(planted.units.set_index("unit"))
    odd = (mean["leadership"] - mean.groupby("hospital")["leadership"].transform("mean")).idxmax()  # high leverage
    far = planted.stays.assign(experience=planted.stays["experience"].where(planted.stays["unit"] != odd, 5.0))
    scores, cells = linked(replace(planted, people=planted.people[["unit", "leadership"]], stays=far))
    largest = leave_one_out(link_outcome(scores, cells, "experience"), scores, cells).largest()
    assert largest["group"].tolist() == [odd]
    assert (largest["lowest"] <= largest["highest"]).all()


def slowly(fit, whole, scores, cells, by):
    """Every effect without each group, each fitted as a study of its own."""
    groups = scores.design.hospital if by == "hospital" else pd.Series(scores.design.units, index=scores.design.units)
    out = {}
    for group in sorted(set(groups)):
        kept = replace(cells, table=cells.table[~cells.table["unit"].isin(groups.index[groups == group])])
        try:
            found = fit(scores, kept)
        except ConvergenceError as error:
            out |= {(row.characteristic, group): str(error) for row in whole.rows}
            continue
        for row in found.rows:
            out[row.characteristic, group] = row.primary.estimate if row.primary else row.primary.reason
    return out


@pytest.mark.parametrize(
    ("outcome", "by"),
    [("experience", "unit"), ("died", "unit"), ("days", "unit"), ("cost", "unit"), ("died", "hospital"),
     ("experience", "hospital")],
)  # fmt: skip
def test_all_at_once_is_each_alone(outcome, by):
    planted = plant(23, n_units=24, n_hospitals=4)
    alone = planted.units["unit"].iloc[0]  # its hospital goes with it
    units = planted.units.assign(hospital=planted.units["hospital"].mask(planted.units["unit"] == alone, "H9"))
    scores, cells = linked(replace(planted, units=units))
    fit = link_cost if outcome == "cost" else partial(link_outcome, outcome=outcome)
    whole = fit(scores, cells)
    table = leave_one_out(whole, scores, cells, by).table.set_index(["characteristic", "group"])
    for key, expected in slowly(fit, whole, scores, cells, by).items():
        if isinstance(expected, str):
            assert table.loc[key, "note"] == expected
        else:
            size = whole.to_frame()["se"].abs().min()
            assert table.loc[key, "estimate"] == pytest.approx(expected, abs=1e-8 * size)


def test_without_its_only_events_a_level_is_separated_and_said():
    planted = plant(24, n_units=22, n_hospitals=2)
    women, first = planted.stays["sex"] == "F", planted.stays["unit"] == planted.units["unit"].iloc[0]
    died = planted.stays["died"].where(women | first, 0)
    scores, cells = linked(replace(planted, stays=planted.stays.assign(died=died)))
    found = leave_one_out(link_outcome(scores, cells, "died"), scores, cells).table.set_index("group")
    assert found.loc[planted.units["unit"].iloc[0], "note"].str.startswith("separation").all()
    assert found.drop(planted.units["unit"].iloc[0])["estimate"].notna().all()
