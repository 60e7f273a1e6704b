from dataclasses import replace

import numpy as np
import pytest
from studies import SLOPE, TAU, linked, plant

from microresearch.errors import ConvergenceError
from microresearch.linking.outcomes import link_outcome


def leadership(planted):
    return linked(replace(planted, people=planted.people[["unit", "leadership"]]), only="died")


def test_three_models_tell_the_same_story():
    scores, cells = leadership(plant(11, stays=400))
    found = {
        m: link_outcome(scores, cells, "died", model=m).to_frame().iloc[0]
        for m in ("two-stage", "quadrature", "binomial")
    }
    base = found["two-stage"]
    for other in found.values():
        assert abs(other["estimate"] - base["estimate"]) < 0.35 * base["se"]
        assert abs(other["effect_absolute"] - base["effect_absolute"]) < 0.35 * (
            base["effect_absolute_high"] - base["effect_absolute"]
        )
        assert 0.7 < other["se"] / base["se"] < 1.4
    assert base["df"] == 48 - 6 - 2
    assert (base["n_events"] > 0) and 0 <= base["icc_outcome"] < 0.1


def test_cells_equal_rows():
    planted = plant(12)
    scores, cells = leadership(planted)
    rows = planted.stays.assign(age=np.where(planted.stays["age"] >= 65, "65 and over", "18 to <65"), n=1)
    rows = rows.assign(died_n=1, died_sum=rows["died"], died_sumsq=rows["died"], died_zeros=1 - rows["died"])
    for model in ("two-stage", "quadrature"):
        one, other = (
            link_outcome(scores, c, "died", model=model).to_frame() for c in (cells, replace(cells, table=rows))
        )
        for column in one.select_dtypes("number"):
            np.testing.assert_allclose(other[column], one[column], rtol=2e-6, err_msg=f"{model} {column}")


def test_auto_takes_the_model_that_holds_its_level():
    scores, cells = leadership(plant(13, stays=30))
    assert link_outcome(scores, cells, "died").model == "binomial"


@pytest.mark.parametrize("model", ["two-stage", "quadrature"])
def test_recovers_the_planted_effect(model):
    errors, covered, steps = [], [], 0.0
    for seed in range(14):
        scores, cells = leadership(plant(seed + 500, stays=150))
        tau = scores.components["tau"].iloc[0]
        effect = link_outcome(scores, cells, "died", model=model).rows[0].corrected
        errors.append(effect.estimate / tau - SLOPE)
        covered.append(SLOPE * tau in effect.interval)
        steps += tau / TAU
    errors = np.array(errors)
    assert abs(errors.mean()) < 3 * errors.std(ddof=1) / np.sqrt(len(errors))
    assert np.mean(covered) > 0.8 and 0.85 < steps / 14 < 1.15


def test_units_without_events_and_levels_without_events():
    planted = plant(14, stays=60)
    none = planted.stays.assign(died=planted.stays["died"].where(~planted.stays["unit"].isin(["U001", "U002"]), 0))
    scores, cells = leadership(replace(planted, stays=none))
    frame = link_outcome(scores, cells, "died", model="two-stage").to_frame()
    assert "2 units have no events" in frame["note"][0] and np.isfinite(frame["estimate"][0])
    for model in ("two-stage", "quadrature", "binomial"):
        table = cells.table.copy()
        table.loc[table["sex"] == "M", ["died_sum", "died_sumsq"]] = 0
        with pytest.raises(ConvergenceError, match="sex: M"):
            link_outcome(scores, replace(cells, table=table), "died", model=model)
