from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from studies import linked, plant

from microresearch.errors import ConvergenceError, DataError, SpecError
from microresearch.linking.cost_checks import cost_checks
from microresearch.linking.costs import link_cost
from microresearch.linking.outcomes import link_outcome
from microresearch.linking.specifications import specifications
from microresearch.linking.zero_costs import link_two_part


def with_zeros(planted, share=0.3, slope=0.0, seed=1):
    """Some stays cost nothing, more of them where `slope` and the unit's true standing say so."""
    rng = np.random.default_rng(seed)
    mean = planted.people.groupby("unit")["leadership"].mean()
    lift = slope * (planted.stays["unit"].map(mean) - mean.mean())
    free = planted.stays.loc[
        rng.random(len(planted.stays)) < 1 / (1 + np.exp(lift - np.log(share / (1 - share)))), "stay_id"
    ]
    lines = planted.lines.assign(amount=planted.lines["amount"].where(~planted.lines["stay_id"].isin(free), 0.0))
    return replace(planted, lines=lines, people=planted.people[["unit", "leadership"]])


@pytest.fixture(scope="module")
def study():
    return linked(with_zeros(plant(41, n_units=30, stays=120), slope=0.5))


def test_parts_are_the_models_of_the_parts(study):
    scores, cells = study
    found = link_two_part(scores, cells)
    table = cells.table.assign(
        used_n=cells.table["cost_n"], used_sum=cells.table["cost_n"] - cells.table["cost_zeros"], used_zeros=0.0,
        paid_n=cells.table["cost_n"] - cells.table["cost_zeros"], paid_sum=cells.table["cost_sum"], paid_zeros=0.0,
        paid_sumsq=cells.table["cost_sumsq"],
    )  # fmt: skip
    table["used_sumsq"] = table["used_sum"]
    outcomes = (*cells.outcomes, *(replace(cells.outcome("cost"), name=n) for n in ("used", "paid")))
    split = replace(cells, table=table, outcomes=outcomes)
    columns = ["estimate", "estimate_naive", "se", "df", "p"]
    any_use = link_outcome(scores, split, "used", "binomial").to_frame()
    np.testing.assert_allclose(found.any_use.to_frame()[columns], any_use[columns], rtol=1e-9)
    np.testing.assert_allclose(found.any_use.to_frame()["effect_absolute"], any_use["effect_absolute"], rtol=1e-9)
    paid = link_cost(scores, split, "paid").to_frame()
    np.testing.assert_allclose(found.if_used.to_frame()[columns], paid[columns], rtol=1e-9)
    total = found.total.to_frame().iloc[0]
    parts = found.any_use.to_frame()["estimate"][0], found.if_used.to_frame()["estimate"][0]
    assert parts[1] < total["estimate"] < parts[0] + parts[1]  # the odds ratio counts for a part of the share
    assert {"effect_currency", "effect_currency_low", "ratio"} <= set(found.total.to_frame())


def test_hardly_any_zeros_tends_to_the_gamma_model():
    planted = with_zeros(plant(42, stays=120), share=0.002)
    scores, cells = linked(planted)
    total = link_two_part(scores, cells).total.to_frame().iloc[0]
    table = cells.table.assign(cost_zeros=0.0, cost_n=cells.table["cost_n"] - cells.table["cost_zeros"])
    gamma = link_cost(scores, replace(cells, table=table)).to_frame().iloc[0]
    assert total["effect_currency"] == pytest.approx(gamma["effect_currency"], rel=0.05)
    assert total["se"] == pytest.approx(gamma["se"], rel=0.05)


def test_joint_error_equals_the_jackknife_of_units(study):
    """CR2 of the total is close to the leave-one-unit-out variance of its estimate, which errs on the large side."""
    scores, cells = study
    whole = link_two_part(scores, cells).total.rows[0].naive
    left = []
    for unit in cells.units:
        without = replace(cells, table=cells.table[cells.table["unit"] != unit])
        left.append(link_outcome(scores, without, "cost", "two-part").rows[0].naive.estimate)
    left = np.array(left)
    jackknife = np.sqrt((len(left) - 1) / len(left) * ((left - left.mean()) ** 2).sum())
    assert 0.75 < whole.se / jackknife < 1.02


def test_recovers_a_planted_total():
    errors = []
    for seed in range(12):
        planted = with_zeros(plant(seed + 700, stays=120, raters=(30, 60)), share=0.2, seed=seed)
        scores, cells = linked(planted, only="cost")
        tau = scores.components["tau"].iloc[0]
        errors.append(link_two_part(scores, cells).total.rows[0].corrected.estimate / tau - 0.3)
    assert abs(np.mean(errors)) < 3 * np.std(errors, ddof=1) / np.sqrt(12)


def test_the_total_by_link_cost_and_checks_of_the_stays_that_cost_something(study):
    scores, cells = study
    total = link_two_part(scores, cells).total.to_frame()
    pd.testing.assert_frame_equal(link_cost(scores, cells, model="two-part").to_frame(), total)
    used = cells.table["cost_n"] - cells.table["cost_zeros"]
    paid = replace(cells, table=cells.table.assign(cost_n=used, cost_zeros=0.0))
    assert cost_checks(scores, cells).park == cost_checks(scores, paid).park
    with pytest.raises(DataError, match="every stay costs something"):
        link_cost(scores, paid, model="two-part")
    with pytest.raises(DataError, match='declare model = "two-part"'):
        link_cost(scores, cells)


def test_choices_and_draws_take_zeros_by_quasi_likelihood(study):
    """Unit effects of a cost with zeros come from the Poisson family; its log ratio is near the two-part total's."""
    scores, cells = study
    found = specifications(scores, cells, "cost", "leadership").to_frame()
    total = link_two_part(scores, cells).total.to_frame().iloc[0]
    planned = found[found["primary"]].iloc[0]
    assert abs(planned["estimate"] - total["estimate"]) < total["se"]


def test_refusals(study):
    scores, cells = study
    with pytest.raises(SpecError, match="no cost"):
        link_two_part(scores, cells, "days")
    with pytest.raises(DataError, match="use link_cost"):
        link_two_part(scores, replace(cells, table=cells.table.assign(cost_zeros=0.0)))
    table = cells.table.copy()
    table.loc[table["sex"] == "M", "cost_zeros"] = 0
    with pytest.raises(ConvergenceError, match=r"separation in any use: .*sex: M"):
        link_two_part(scores, replace(cells, table=table))
