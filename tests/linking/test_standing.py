import numpy as np
import pandas as pd
import pytest
from studies import linked, plant

from microresearch.errors import SpecError
from microresearch.linking.encounters import read_encounters
from microresearch.linking.standing import unit_standing
from microresearch.units.covariates import code_covariates


def by_rates(rates, n=400, seed=1):
    """Units with these event rates; men die twice as often, and units differ in their share of men."""
    rng = np.random.default_rng(seed)
    units = np.repeat([f"U{i:03d}" for i in range(len(rates))], n)
    share = np.repeat(rng.uniform(0.2, 0.8, len(rates)), n)
    male = rng.random(len(units)) < share
    odds = np.repeat(rates, n) / (1 - np.repeat(rates, n)) * np.where(male, 2.0, 1.0)
    stays = pd.DataFrame({"stay_id": range(len(units)), "unit": units, "sex": np.where(male, "M", "F")})
    stays["died"] = rng.binomial(1, odds / (1 + odds))
    return read_encounters(stays, case_mix=["sex"], outcomes={"died": "binary"}), code_covariates(
        pd.DataFrame({"unit": sorted(set(units))})
    )


def test_expected_sums_to_observed_and_ratios_are_near_one_by_chance():
    found = unit_standing(by_rates([0.1] * 60)[0], "died", by_rates([0.1] * 60)[1])
    table = found.table
    assert table["expected"].sum() == pytest.approx(table["observed"].sum(), rel=1e-10)
    assert 0.4 < found.phi < 1.3 and found.tau2 < 0.02
    assert table["outside95"].mean() < 0.12 and not table["outside998"].any()
    again = unit_standing(by_rates([0.1] * 60)[0], "died", by_rates([0.1] * 60)[1])
    pd.testing.assert_frame_equal(again.table, table)


def test_case_mix_is_not_the_units_merit():
    """Units with more men have more deaths, and are not called worse for it."""
    cells, design = by_rates([0.1] * 80, n=800)
    table = unit_standing(cells, "died", design).table
    men = (
        cells.table.assign(men=cells.table["n"].where(cells.table["sex"] == "M", 0)).groupby("unit")[["men", "n"]].sum()
    )
    share = (men["men"] / men["n"]).loc[table["unit"]].to_numpy()
    crude = (table["observed"] / table["n"]).to_numpy()
    assert np.corrcoef(crude, share)[0, 1] > 0.4
    assert abs(np.corrcoef(table["ratio"], share)[0, 1]) < 0.3


def test_overdispersion_widens_the_limits_and_an_outlier_still_shows():
    rng = np.random.default_rng(4)
    rates = np.clip(0.1 * np.exp(rng.normal(0, 0.25, 60)), 0.02, 0.6)
    rates[7] = 0.45
    found = unit_standing(by_rates(rates)[0], "died", by_rates(rates)[1])
    assert found.phi > 2 and found.tau2 == pytest.approx(0.0625, abs=0.05)
    plain = np.exp(1.96 / np.sqrt(found.table["expected"]))
    assert (found.limits(found.table["expected"].to_numpy())[1] > plain).all()
    assert found.table.set_index("unit").loc["U007", "outside998"]
    assert found.table["outside95"].mean() < 0.15
    assert (np.abs(np.log(found.table["shrunken"])) <= np.abs(np.log(found.table["ratio"])) + 1e-9).all()
    assert (found.table["shrunken_low"] < found.table["shrunken"]).all()


def test_shrunken_ratios_recover_the_truth_better():
    raw, shrunken = [], []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        truth = np.exp(rng.normal(0, 0.2, 50))
        cells, design = by_rates(0.05 * truth, n=150, seed=seed)
        table = unit_standing(cells, "died", design).table
        raw.append(((table["ratio"] - truth) ** 2).mean())
        shrunken.append(((table["shrunken"] - truth) ** 2).mean())
    assert np.mean(shrunken) < 0.7 * np.mean(raw)


def test_only_binary_outcomes():
    scores, cells = linked(plant(3))
    with pytest.raises(SpecError, match="binary"):
        unit_standing(cells, "days", scores.design)
