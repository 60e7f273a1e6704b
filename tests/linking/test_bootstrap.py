from dataclasses import replace

import numpy as np
import pytest
from studies import SLOPE, TAU, linked, plant

from microresearch.errors import DataError, SpecError
from microresearch.linking.bootstrap import bootstrap_effects
from microresearch.linking.outcomes import link_outcome
from microresearch.results import NotAvailable

OUTCOMES = ("experience", "died", "days", "cost")


@pytest.fixture(scope="module")
def study():
    planted = plant(31, stays=120, raters=(25, 60))
    return planted, *linked(planted)


def test_whole_estimate_is_near_the_primary_models(study):
    planted, scores, cells = study
    found = bootstrap_effects(planted.people, scores, cells, OUTCOMES, n_boot=200, seed=3)
    for i, outcome in enumerate(OUTCOMES):
        frame = link_outcome(scores, cells, outcome).to_frame()
        assert (np.abs(found.estimate[i] - frame["estimate"]) < 0.8 * frame["se"]).all(), outcome
        assert np.all((found.se[i] / frame["se"] > 0.6) & (found.se[i] / frame["se"] < 1.6)), outcome
    assert found.failed.max() < 0.05


def test_same_digits_whatever_the_workers_and_the_seed_matters(study):
    planted, scores, cells = study
    made = [
        bootstrap_effects(planted.people, scores, cells, ["days"], 260, seed, workers=w)
        for seed, w in ((1, 1), (1, 2), (2, 1))
    ]
    assert made[0].draws.tobytes() == made[1].draws.tobytes()
    assert made[0].draws.tobytes() != made[2].draws.tobytes()
    assert made[0].draws.shape == (1, 2, 260)


def test_order_of_rows_and_labels_does_not_matter(study):
    planted, scores, cells = study
    one = bootstrap_effects(planted.people, scores, cells, ["days"], 150)
    two = bootstrap_effects(planted.people.sample(frac=1, random_state=3), scores, cells, ["days"], 150)
    np.testing.assert_allclose(two.draws, one.draws, rtol=1e-6)


def test_max_t_lies_between_single_tests_and_bonferroni(study):
    planted, scores, cells = study
    found = bootstrap_effects(planted.people, scores, cells, OUTCOMES, n_boot=500, seed=5)
    frame = found.to_frame()
    assert len(frame) == 8 and frame["p_maxt"].between(0, 1).all()
    single = (
        1 + (np.abs(np.nan_to_num(found.t, nan=np.inf)) >= np.abs(found.estimate / found.se)[:, :, None]).sum(axis=2)
    ) / 501
    assert (found.p_maxt() >= single - 1e-12).all() and (found.p_maxt() <= np.minimum(1, 8 * single) + 0.02).all()
    assert (frame["ci_low"] < frame["estimate"]).all() and (frame["estimate"] < frame["ci_high"]).all()
    single_member = bootstrap_effects(planted.people, scores, cells, ["days"], 500, 5, ["trust"])
    assert single_member.p_maxt()[0, 0] == pytest.approx(single[2, 1])  # one effect: nothing to adjust for


def test_covers_a_planted_effect():
    covered = []
    for seed in range(14):
        planted = plant(seed + 900, n_units=36, stays=60, raters=(20, 40))
        planted = replace(planted, people=planted.people[["unit", "leadership"]])
        scores, cells = linked(planted, only="days")
        bounds = bootstrap_effects(planted.people, scores, cells, ["days"], n_boot=199, seed=seed).interval(
            "days", "leadership"
        )
        if not isinstance(bounds, NotAvailable):
            covered.append(bounds[0] <= SLOPE * TAU <= bounds[1])
    assert len(covered) >= 12 and np.mean(covered) >= 0.8


def test_refusals(study):
    planted, scores, cells = study
    with pytest.raises(SpecError, match="99 draws"):
        bootstrap_effects(planted.people, scores, cells, ["days"], 50)
    with pytest.raises(DataError, match="no such column"):
        bootstrap_effects(planted.people.drop(columns="trust"), scores, cells, ["days"])
    with pytest.raises(DataError, match="not the ratings behind the scores"):
        bootstrap_effects(planted.people.iloc[1:], scores, cells, ["days"])
    weak = plant(2, n_units=24, raters=(2, 4))
    flat = weak.people.assign(
        leadership=weak.people["leadership"] - weak.people.groupby("unit")["leadership"].transform("mean")
    )[["unit", "leadership"]]
    scores, cells = linked(replace(weak, people=flat))
    found = bootstrap_effects(flat, scores, cells, ["days"], 99)
    assert isinstance(found.interval("days", "leadership"), NotAvailable)
    assert "variance between units" in found.to_frame()["note"][0]
