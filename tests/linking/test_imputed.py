"""Multiple imputation of linked effects: missing case mix, outcomes and staff answers."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from microresearch.errors import ConvergenceError, DataError, SpecError
from microresearch.linking.encounters import read_encounters
from microresearch.linking.imputed_cells import impute_cells
from microresearch.linking.imputed_effects import link_imputed
from microresearch.linking.outcomes import link_outcome
from microresearch.numeric.pattern_chain import draw_outcomes, log_density
from microresearch.survey.pooling import pool
from microresearch.units.given import given_scores

MIX = ("sick", "sex")


def made(seed, n_units, stays):
    """Stays whose severity drives every outcome and differs between units; nothing missing."""
    rng = np.random.default_rng(seed)
    score = rng.normal(size=n_units)
    unit = np.repeat(np.arange(n_units), stays)
    n = len(unit)
    sick = (rng.random(n)[:, None] > np.array([0.5, 0.8]) + 0.1 * np.tanh(rng.normal(size=n_units))[unit, None]).sum(1)
    eta = 0.15 * score[unit] + rng.normal(0, 0.1, n_units)[unit] + 0.5 * sick
    stays_table = pd.DataFrame({
        "stay_id": np.arange(n), "unit": [f"U{u:02d}" for u in unit], "sick": np.array(["no", "some", "very"])[sick],
        "sex": rng.choice(["F", "M"], n), "experience": np.round(10 * eta + rng.normal(0, 6, n), 2),
        "died": rng.binomial(1, 1 / (1 + np.exp(1.5 - eta))), "days": rng.poisson(rng.gamma(2, np.exp(eta) / 2)),
        "cost": np.round(rng.gamma(2, np.exp(7 + eta) / 2) + 1),
    })  # fmt: skip
    units = pd.DataFrame({"unit": sorted(set(stays_table["unit"])), "hospital": [f"H{u % 4}" for u in range(n_units)]})
    return given_scores(units.assign(score=score).set_index("unit")[["score"]], units, "hospital"), stays_table, score


def with_gaps(stays, score, outcome, seed=1):
    """Severity is missing by the outcome: of bad outcomes where units score high, of good ones where they score low."""
    rng = np.random.default_rng(seed)
    high = stays[outcome] > stays[outcome].median()
    where = score[stays["unit"].str[1:].astype(int)] > 0
    gone = rng.random(len(stays)) < np.where(high == where, 0.35, 0.02)
    return stays.assign(sick=stays["sick"].where(~gone))


def effect(scores, cells, outcome):
    return link_outcome(scores, cells, outcome).rows[0].naive


def test_complete_cases_mislead_and_imputed_ones_do_not():
    """Missing at random given unit and outcome: the effect without gaps, of complete cases, and over imputations."""
    scores, stays, score = made(2, 24, 120)
    outcome, kinds = "experience", {"experience": "continuous"}
    full = effect(scores, read_encounters(stays, case_mix=MIX, outcomes=kinds), outcome)
    gaps = with_gaps(stays, score, outcome)
    cells = read_encounters(gaps, case_mix=MIX, outcomes=kinds, keep_incomplete=True)
    imputed = link_imputed([scores], impute_cells(cells, outcome, seed=1, iterations=12), outcome).rows[0].pooled
    assert effect(scores, cells, outcome).estimate < full.estimate - 1.5 * full.se
    assert abs(imputed.estimate - full.estimate) < 0.3 * full.se


def test_what_was_observed_stays_as_it_is():
    scores, stays, score = made(4, 24, 60)
    gaps = with_gaps(stays, score, "days")
    cells = read_encounters(gaps, case_mix=MIX, outcomes={"days": "count"}, keep_incomplete=True)
    found = impute_cells(cells, "days", seed=3, iterations=4)
    assert found.n_imputed == gaps["sick"].isna().sum() and found.n_unlike == 0
    by_unit = stays.groupby("unit")["days"].sum()
    for one in found.cells:
        sums = one.table.groupby("unit")[["n", "days_sum"]].sum()
        assert sums["days_sum"].to_dict() == by_unit.to_dict() and (sums["n"] == 60).all()
        known = one.table.merge(cells.table, on=["unit", *MIX], suffixes=("", "_known"), how="right")
        assert (known["days_sum"] >= known["days_sum_known"]).all() and (known["n"] >= known["n_known"]).all()
    assert len({one.table["days_sumsq"].iloc[0] for one in found.cells}) > 1
    # neither the order of the rows nor a name changes a digit
    other = read_encounters(gaps.sample(frac=1, random_state=1), case_mix=MIX, outcomes={"days": "count"},
                            keep_incomplete=True)  # fmt: skip
    pd.testing.assert_frame_equal(
        impute_cells(other, "days", seed=3, iterations=4, workers=2).cells[7].table, found.cells[7].table
    )
    # with nothing missing every data set is the data, and pooling changes no estimate
    whole = read_encounters(stays, case_mix=MIX, outcomes={"days": "count"}, keep_incomplete=True)
    same = link_imputed([scores], impute_cells(whole, "days", seed=1, iterations=2), "days").rows[0].pooled
    direct = effect(scores, whole, "days")
    assert same.estimate == pytest.approx(direct.estimate, rel=1e-10) and same.between < 1e-20
    assert same.se == pytest.approx(direct.se, rel=1e-8) and same.df <= direct.df


def test_outcomes_are_drawn_by_an_auxiliary_variable():
    """Outcomes of the sick are missing in units that score high: severity, no covariate here, tells of them."""
    scores, stays, score = made(9, 24, 300)
    rng = np.random.default_rng(2)
    where = score[stays["unit"].str[1:].astype(int)] > 0
    gone = rng.random(len(stays)) < np.where((stays["sick"] != "no") & where, 0.7, 0.1)
    gaps = stays.assign(experience=stays["experience"].where(~gone))
    kinds = {"experience": "continuous"}
    full = effect(scores, read_encounters(stays, case_mix=["sex"], outcomes=kinds), "experience")
    complete = effect(scores, read_encounters(gaps, case_mix=["sex"], outcomes=kinds), "experience")
    cells = read_encounters(gaps, case_mix=MIX, outcomes=kinds, keep_incomplete=True)
    found = impute_cells(cells, "experience", seed=1, auxiliary=["sick"], outcomes=True, iterations=2)
    imputed = link_imputed([scores], found, "experience").rows[0].pooled
    assert found.n_outcomes == gone.sum() and [s.name for s in found.cells[0].strata] == ["sex"]
    assert complete.estimate < full.estimate - 1.5 * full.se
    assert abs(imputed.estimate - full.estimate) < 0.4 * full.se


@pytest.mark.parametrize("family", ["gaussian", "binomial", "poisson", "gamma"])
def test_densities_are_those_of_the_draws(family):
    """The ratio of two densities, averaged over draws of the one in the denominator, is one."""
    one, other = np.array(0.3), np.array(0.45)
    y = draw_outcomes(family, np.full(200_000, float(one)), 1.5, np.random.default_rng(1))
    ratio = np.exp(log_density(family, y, other, 1.5) - log_density(family, y, one, 1.5))
    assert ratio.mean() == pytest.approx(1, abs=4 * ratio.std() / np.sqrt(len(y)))


def test_scores_and_cells_go_together_and_df_are_capped():
    scores, stays, score = made(5, 24, 60)
    gaps = with_gaps(stays, score, "died")
    cells = read_encounters(gaps, case_mix=MIX, outcomes={"died": "binary"}, keep_incomplete=True)
    found = impute_cells(cells, "died", seed=5, iterations=12)
    rng = np.random.default_rng(1)
    sets = [replace(scores, table=scores.table.assign(mean=scores.table["mean"] + rng.normal(0, 0.1, 24)))
            for _ in range(20)]  # fmt: skip
    pooled = link_imputed(sets, found, "died")
    each = [effect(s, c, "died") for s, c in zip(sets, found.cells, strict=True)]
    df = np.mean([e.df for e in each])
    by_hand = pool([e.estimate for e in each], [e.se**2 for e in each], min(df, 24 - 4 - 1))
    row = pooled.to_frame().iloc[0]
    assert pooled.most_df == 24 - 4 - 1
    assert [row["estimate"], row["se"], row["df"], row["ci_low"]] == pytest.approx(
        [by_hand.estimate, by_hand.se, by_hand.df, by_hand.interval.low]
    )
    assert row["estimand"] == "naive" and row["fmi"] > 0


def test_imputations_that_cannot_be():
    scores, stays, score = made(6, 24, 20)
    gaps = with_gaps(stays, score, "days")
    kinds = {"days": "count"}
    cells = read_encounters(gaps, case_mix=MIX, outcomes=kinds, keep_incomplete=True)
    with pytest.raises(DataError, match="without their incomplete stays"):
        impute_cells(read_encounters(gaps, case_mix=MIX, outcomes=kinds), "days", seed=1)
    with pytest.raises(SpecError, match="m of 20 or more"):
        impute_cells(cells, "days", m=5, seed=1)
    with pytest.raises(SpecError, match="no such stratum"):
        impute_cells(cells, "days", seed=1, auxiliary=["height"])
    with pytest.raises(SpecError, match="20 or more data sets"):
        link_imputed([scores], cells, "days")
    found = impute_cells(cells, "days", seed=1, iterations=2)
    with pytest.raises(ConvergenceError, match="did not settle"):
        link_imputed([scores], replace(found, converged=False, largest_r_hat=1.4), "days")
    zero = gaps.assign(cost=0.0)
    cells = read_encounters(zero, case_mix=MIX, outcomes={"cost": "cost"}, keep_incomplete=True)
    with pytest.raises(DataError, match="costs of zero"):
        impute_cells(cells, "cost", seed=1)
    strange = gaps.assign(sex=np.where(np.arange(len(gaps)) == 3, "X", gaps["sex"]))
    strange.loc[3, "sick"] = np.nan
    cells = read_encounters(strange, case_mix=MIX, outcomes=kinds, keep_incomplete=True)
    assert impute_cells(cells, "days", seed=1, iterations=2).n_unlike == 1
