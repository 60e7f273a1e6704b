from dataclasses import replace

import numpy as np
import pytest
from studies import linked, plant
from test_two_part import with_zeros

from microresearch.errors import DataError, SpecError
from microresearch.linking.zero_cost_bootstrap import PARTS, bootstrap_two_part
from microresearch.linking.zero_costs import link_two_part


@pytest.fixture(scope="module")
def study():
    planted = with_zeros(plant(43, stays=80, raters=(25, 60)), slope=0.5)
    return planted, *linked(planted, only="cost")


def test_whole_data_give_the_two_part_model(study):
    """The estimates are those of `link_two_part`; plain cluster errors are near its bias-reduced ones, and below."""
    planted, scores, cells = study
    found = bootstrap_two_part(planted.people, scores, cells, n_boot=99, workers=1)
    both = link_two_part(scores, cells)
    rows = [part.rows[0].corrected for part in (both.any_use, both.if_used, both.total)]
    np.testing.assert_allclose(found.estimate[:3, 0], [row.estimate for row in rows], rtol=1e-5)
    assert found.estimate[3, 0] == pytest.approx(rows[2].absolute, rel=1e-5)
    ratio = found.se[:3, 0] / [row.se for row in rows]
    assert (ratio < 1).all() and (ratio > 0.75).all()
    assert found.outcomes == PARTS and found.failed.max() < 0.05


def test_bootstrap_intervals_are_near_those_of_the_joint_cr2(study):
    planted, scores, cells = study
    found = bootstrap_two_part(planted.people, scores, cells, n_boot=399, seed=4, workers=1).to_frame()
    total = link_two_part(scores, cells).total.to_frame().iloc[0]
    row = found[found["group"] == "total"].iloc[0]
    wide, known = row["ci_high"] - row["ci_low"], total["ci_high"] - total["ci_low"]
    assert 0.7 < wide / known < 1.4
    money = found[found["group"] == "total in money"].iloc[0]
    assert money["ci_low"] < total["effect_currency"] < money["ci_high"]


def test_scale_and_order_and_workers_do_not_matter(study):
    planted, scores, cells = study
    one = bootstrap_two_part(planted.people, scores, cells, n_boot=130, workers=1)
    two = bootstrap_two_part(planted.people.sample(frac=1, random_state=2), scores, cells, n_boot=130, workers=2)
    np.testing.assert_allclose(two.draws, one.draws, rtol=1e-6)
    table = cells.table.assign(cost_sum=cells.table["cost_sum"] * 100)
    cents = bootstrap_two_part(planted.people, scores, replace(cells, table=table), n_boot=130, workers=1)
    np.testing.assert_allclose(cents.draws[:3], one.draws[:3], rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(cents.draws[3], 100 * one.draws[3], rtol=1e-6, atol=1e-7)


def test_refusals(study):
    planted, scores, cells = study
    with pytest.raises(SpecError, match="99 draws"):
        bootstrap_two_part(planted.people, scores, cells, n_boot=20)
    with pytest.raises(DataError, match="use bootstrap_effects"):
        bootstrap_two_part(planted.people, scores, replace(cells, table=cells.table.assign(cost_zeros=0)))
    with pytest.raises(SpecError, match="no cost"):
        both = linked(planted, only="days")
        bootstrap_two_part(planted.people, *both, "days")
