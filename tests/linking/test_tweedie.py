"""The Tweedie model's variance power: R by both of its ways, a planted power, what leaves it as it is, refusals."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from studies import linked, plant

from microresearch.errors import DataError, SpecError
from microresearch.linking.costs import link_cost
from microresearch.linking.influence import leave_one_out
from microresearch.linking.outcomes import link_outcome
from microresearch.numeric.tweedie import tweedie_power
from microresearch.report.beside import families_table
from microresearch.results import NotAvailable

HERE = Path(__file__).parents[1] / "golden" / "tweedie"
GOLDEN = json.loads((HERE / "golden.json").read_text())
D = pd.read_csv(HERE / "data.csv")


def summed(frame, design=("unit", "score", "age")):
    """Cells of the golden data: design, rows, sums, sums of squares, units."""
    made = frame.assign(n=1.0, square=frame["cost"] ** 2).groupby(list(design), as_index=False)
    cells = made[["n", "cost", "square"]].sum()
    x = np.column_stack([np.ones(len(cells)), cells["score"], cells["age"]])
    unit = pd.factorize(cells["unit"], sort=True)[0]
    return x, *(cells[c].to_numpy(float) for c in ("n", "cost", "square")), unit


def test_the_power_from_cells_equals_r_on_rows():
    found = tweedie_power(*summed(D))
    ours = (found.power, found.se, found.df)
    assert ours == pytest.approx([GOLDEN[key] for key in ("power", "se", "df")], rel=1e-6)
    ml = GOLDEN["ml"]  # glmmTMB's maximum likelihood, another estimator of the same power
    assert abs(found.power - ml["power"]) < 2 * np.hypot(found.se, ml["se"])
    assert found.se < 0.1


def test_the_power_is_near_that_of_statsmodels():
    import statsmodels.api as sm

    x = np.column_stack([np.ones(len(D)), D["score"], D["age"]])
    family = sm.families.Tweedie(var_power=GOLDEN["power"], link=sm.families.links.Log())
    model = sm.GLM(D["cost"], x, family=family)
    theirs = model.estimate_tweedie_power(model.fit().mu)  # the same equation but for the dispersion, over n less 3
    assert tweedie_power(*summed(D)).power == pytest.approx(theirs, abs=0.02)


def compound(power, seed, per=2000, scale=2.0):
    """Sums per cell of compound Poisson-gamma draws: 60 units in a design of two columns."""
    rng = np.random.default_rng(seed)
    x = np.column_stack([np.ones(120), np.tile([0.0, 1.5], 60), np.repeat(rng.normal(0, 0.5, 60), 2)])
    mu = np.exp(x @ [1.0, 1.0, 0.5])
    rows, events = np.repeat(mu, per), rng.poisson(np.repeat(mu ** (2 - power) / (scale * (2 - power)), per))
    shape = np.maximum(events, 1) * (2 - power) / (power - 1)
    y = np.where(events > 0, rng.gamma(shape, scale * (power - 1) * rows ** (power - 1)), 0.0).reshape(120, per)
    return x, np.full(120, float(per)), y.sum(axis=1), (y**2).sum(axis=1), np.repeat(np.arange(60), 2)


@pytest.mark.parametrize("power", [1.2, 1.5, 1.8])
def test_a_planted_power_is_recovered(power):
    found = tweedie_power(*compound(power, 5))
    assert found.se < 0.03 and abs(found.power - power) < 3 * found.se and found.inside


def test_currency_and_order_leave_the_power_as_it_is():
    x, n, total, squares, unit = compound(1.5, 6, per=200)
    whole = tweedie_power(x, n, total, squares, unit)
    again = tweedie_power(x, n, 7.5 * total, 7.5**2 * squares, unit)
    assert (again.power, again.se) == pytest.approx((whole.power, whole.se), rel=1e-7)
    order = np.random.default_rng(1).permutation(len(n))
    mixed = tweedie_power(x[order], n[order], total[order], squares[order], unit[order])
    assert (mixed.power, mixed.se) == pytest.approx((whole.power, whole.se), rel=1e-7)


def test_means_that_do_not_differ_say_nothing_of_the_power():
    unit = np.arange(4)
    with pytest.raises(DataError, match="means do not differ"):
        tweedie_power(np.ones((4, 1)), np.full(4, 9.0), np.array([9.0, 8, 7, 9]), np.full(4, 30.0), unit)


def spread(cells, power, scale=9.0):
    """The same cells with sums of squares as a variance of scale x mu^power within each has them."""
    table = cells.table
    n, mean = table["cost_n"], table["cost_sum"] / table["cost_n"]
    return replace(cells, table=table.assign(cost_sumsq=n * (mean**2 + scale * mean**power)))


def test_the_model_says_which_power_it_has_and_how():
    scores, cells = linked(plant(3))
    frame = link_cost(scores, spread(cells, 1.5), model="tweedie").to_frame()
    assert frame["variance_power"].nunique() == 1
    assert frame["note"].str.contains(r"variance power 1\.\d\d \(SE 0\.\d\d\), estimated by pseudo-likelihood").all()
    declared = link_cost(scores, cells, model="tweedie", power=1.5).to_frame()
    assert (declared["variance_power"] == 1.5).all() and declared["note"].str.contains("1.5, declared").all()
    steep = link_cost(scores, cells, model="tweedie", power=1.7).to_frame()
    assert not np.allclose(declared["estimate"], steep["estimate"], rtol=1e-4)
    assert "variance_power" not in link_cost(scores, cells).to_frame()


def test_a_power_at_the_bound_gives_the_reason():
    scores, cells = linked(plant(3))
    for power, scale, said in ((2.3, 9, "becomes a gamma model"), (0.5, 1e7, "becomes Poisson quasi-likelihood")):
        made = link_cost(scores, spread(cells, power, scale), model="tweedie")
        assert all(isinstance(row.primary, NotAvailable) for row in made.rows)
        assert made.to_frame()["note"].str.contains(said).all()


def test_the_table_of_families_says_the_power():
    scores, cells = linked(plant(3))
    gamma = link_cost(scores, cells)
    shown = families_table([gamma, link_cost(scores, spread(cells, 1.5), model="tweedie")], {}, "Cost")
    assert any(label.startswith("Tweedie (1.") for label in shown.labels.values())
    assert "estimated by pseudo-likelihood" in " ".join(shown.notes)
    absent = families_table([gamma, link_cost(scores, spread(cells, 2.3), model="tweedie")], {}, "Cost")
    assert "tweedie" not in absent.frame and "Tweedie is not shown: " in " ".join(absent.notes)


def test_leaving_units_out_keeps_the_power():
    scores, cells = linked(plant(3))
    made = link_cost(scores, cells, model="tweedie", power=1.3, characteristics=["leadership"])
    gone = leave_one_out(made, scores, cells).table
    unit = gone["group"].iloc[0]
    rest = replace(cells, table=cells.table[cells.table["unit"] != unit])
    alone = link_cost(scores, rest, model="tweedie", power=1.3, characteristics=["leadership"]).rows[0].primary
    assert gone["estimate"].iloc[0] == pytest.approx(alone.estimate, rel=1e-6)


def test_powers_that_cannot_be():
    scores, cells = linked(plant(3))
    with pytest.raises(SpecError, match="above 1 and below 2"):
        link_cost(scores, cells, model="tweedie", power=2.0)
    with pytest.raises(SpecError, match="no variance power to declare"):
        link_outcome(scores, cells, "cost", model="gamma", power=1.5)
