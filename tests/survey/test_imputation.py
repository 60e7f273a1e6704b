"""Imputed data sets: against R's mice, on planted gaps, and the same whatever the number of workers."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from microresearch.errors import ConvergenceError, SpecError
from microresearch.responses import State
from microresearch.survey import compare_missing, compare_unit_means, impute, pool
from microresearch.survey.chain import _draw

from .builders import responses

GOLDEN = Path(__file__).parents[1] / "golden" / "missing"
ITEMS = [f"x{i}" for i in range(1, 7)]


@pytest.fixture(scope="module")
def golden() -> dict:
    return json.loads((GOLDEN / "golden.json").read_text())


@pytest.fixture(scope="module")
def data():
    table = pd.read_csv(GOLDEN / "impute.csv")
    return responses(table[ITEMS].to_numpy(float), ITEMS, 5, unit=table["unit"].astype(str).tolist())


def estimates(x: np.ndarray) -> tuple[list[float], list[float]]:
    """Item means, mean score, slope of item 1 on item 2, and their sampling variances."""
    n, score = len(x), x.mean(axis=1)
    apart = x[:, 1] - x[:, 1].mean()
    slope = apart @ x[:, 0] / (apart @ apart)
    residual = x[:, 0] - x[:, 0].mean() - slope * apart
    q = [*x.mean(axis=0), score.mean(), slope]
    return q, [*x.var(axis=0, ddof=1) / n, score.var(ddof=1) / n, residual @ residual / (n - 2) / (apart @ apart)]


def pooled(imputations):
    each = [estimates(one) for one in imputations.values]
    return [pool([q[t] for q, _ in each], [u[t] for _, u in each]) for t in range(8)]


def test_pooled_estimates_agree_with_mice(data, golden):
    ours = pooled(impute(data, 60, seed=1, iterations=8, unit=False))
    for name, theirs in (("pmm", golden["pmm"]), ("polr", golden["polr"])):
        for term, mine, q, mc in zip(golden["terms"], ours, theirs["estimate"], theirs["monte_carlo"], strict=True):
            assert abs(mine.estimate - q) <= 4 * np.hypot(mine.monte_carlo_se, mc) + 1e-12, (name, term)
    for mine, se in zip(ours, golden["pmm"]["se"], strict=True):
        assert mine.se == pytest.approx(se, rel=0.05)


def one_way_icc(score: np.ndarray, unit: np.ndarray) -> float:
    codes, units = pd.factorize(unit)
    size = np.bincount(codes)
    means = np.bincount(codes, score) / size
    between = (size * (means - score.mean()) ** 2).sum() / (len(units) - 1)
    within = ((score - means[codes]) ** 2).sum() / (len(score) - len(units))
    k = len(score) / len(units)
    return (between - within) / (between + (k - 1) * within)


def test_estimates_with_units_agree_with_mice(data, golden):
    made = impute(data, 40, seed=2, iterations=8)
    two, unit = golden["two_level"], data.people["unit"].to_numpy()
    found = np.mean([one_way_icc(one.mean(axis=1), unit) for one in made.values])
    assert abs(found - two["icc"]) < 0.01
    for mine, q, se in zip(pooled(made), two["estimate"], two["se"], strict=True):
        assert abs(mine.estimate - q) < 0.25 * se + 1e-12


def test_a_planted_unit_effect_survives_imputation():
    found = []
    for rep in range(4):
        rng = np.random.default_rng(rep)
        unit, trait = rng.integers(60, size=900), rng.normal(size=900)
        own = rng.normal(0, 0.6, 60)[unit]
        x = np.column_stack([3 + 0.5 * trait + own * (j == 0) + rng.normal(0, 0.7, 900) for j in range(4)])
        x = np.clip(np.round(x), 1, 5)
        truth, holes = one_way_icc(x[:, 0], unit), x.copy()
        holes[rng.random(900) < 0.4, 0] = np.nan
        data = responses(holes, ["x1", "x2", "x3", "x4"], 5, unit=unit.astype(str))
        iccs = []
        for use in (True, False):
            made = impute(data, 20, seed=1, iterations=5, unit=use)
            iccs.append(np.mean([one_way_icc(one[:, 0], unit) for one in made.values]) / truth)
        found.append(iccs)
    with_units, without = np.mean(found, axis=0)
    assert 0.9 < with_units < 1.2 and without < 0.6


def test_only_given_answers_are_imputed_and_nothing_else_moves(data):
    made = impute(data, 20, seed=3, iterations=8)
    gaps = (data.state == State.BLANK).to_numpy()
    for one in made.values:
        assert np.isin(one, [1, 2, 3, 4, 5]).all()
        assert np.array_equal(one[~gaps], data.values.to_numpy()[~gaps])
    assert made.n_imputed == gaps.sum() and made.converged
    assert len({one[gaps].tobytes() for one in made.values}) == 20
    assert (made.completed(0).state == State.ANSWERED).to_numpy().all()


def test_the_same_seed_gives_the_same_whatever_the_workers(data):
    small = data.keep(data.values.index[:150])
    one, two = (impute(small, 20, seed=4, iterations=2, workers=workers) for workers in (1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(one.values, two.values, strict=True))
    other = impute(small, 20, seed=5, iterations=2)
    assert not np.array_equal(one.values[0], other.values[0])


def test_states_and_keying_are_kept():
    rng = np.random.default_rng(6)
    trait = rng.normal(size=300)
    x = np.clip(np.round(3.5 + trait[:, None] + rng.normal(0, 0.6, (300, 4))), 1, 6)
    x[:, 0] = 7 - x[:, 0]
    whole = x.copy()
    hole = rng.random((300, 4)) < 0.15
    states = np.where(hole, State.BLANK, State.ANSWERED)
    states[hole & (rng.random((300, 4)) < 0.4)] = State.CANT_RATE
    states[:50, 3] = State.NOT_APPLICABLE
    x[states != State.ANSWERED] = np.nan
    data = responses(x, ["A1", "A2", "A3", "A4"], 6, states)
    made = impute(data, 20, seed=1, iterations=5, states=["blank"])
    first = made.values[0]
    assert np.isnan(first[(states == State.CANT_RATE) | (states == State.NOT_APPLICABLE)]).all()
    blank = (states == State.BLANK) & (np.arange(4) == 0)
    r = np.corrcoef(np.mean([one[blank] for one in made.values], axis=0), whole[blank])[0, 1]
    assert r > 0.6


def test_planted_mean_is_recovered_where_complete_cases_fail():
    rng = np.random.default_rng(8)
    n, names = 3000, ["A2", "A3", "A5"]
    trait = rng.normal(size=n)
    x = np.clip(np.round(3 + trait[:, None] + rng.normal(0, 0.5, (n, 3))), 1, 5)
    truth = x.mean()
    holes = x.copy()
    holes[rng.random(n) < 1 / (1 + np.exp(-2 * (x[:, 2] - 3.5))), 0] = np.nan
    table = compare_missing(impute(responses(holes, names, 5), 20, seed=1, iterations=5)).set_index("method")
    assert abs(table.loc["imputed", "estimate"] - truth) < 0.03
    assert abs(table.loc["complete cases", "estimate"] - truth) > 0.3
    assert (
        table.loc["imputed", "n"] == n and table.loc["complete cases", "n"] < n and 0 < table.loc["imputed", "fmi"] < 1
    )


def test_unit_means_are_compared_and_nearer_the_truth_when_imputed():
    rng = np.random.default_rng(3)
    n, units, names = 900, 20, ["A2", "A3", "A5"]
    unit, level = np.arange(n) % units, rng.normal(0, 0.6, units)
    trait = level[unit] + rng.normal(size=n)
    x = np.clip(np.round(3 + trait[:, None] + rng.normal(0, 0.5, (n, 3))), 1, 5)
    truth = pd.Series(x.mean(axis=1)).groupby(unit).mean()
    holes = x.copy()
    holes[rng.random(n) < 1 / (1 + np.exp(-2 * (x[:, 2] - 3.5))), 0] = np.nan
    made = impute(responses(holes, names, 5, unit=[f"U{u:02d}" for u in unit]), 20, seed=1, iterations=10)
    table = compare_unit_means(made).set_index("method")
    assert (table["n_units"] == units).all() and np.isnan(table.loc["rule: half", "r"])
    assert table.loc["imputed", "r"] > 0.99 > table.loc["complete cases", "r"] > 0.8
    completed = [pd.Series(one.mean(axis=1)).groupby(unit).mean() for one in made.values]
    mine = sum(completed) / len(completed)
    rule = pd.Series(np.nanmean(holes, axis=1)).groupby(unit).mean()
    assert table.loc["imputed", "largest"] == pytest.approx((mine - rule).abs().max(), abs=1e-12)
    assert (mine - truth).abs().mean() < 0.5 * (pd.Series(holes.mean(axis=1)).groupby(unit).mean() - truth).abs().mean()


def test_chains_that_did_not_settle_give_no_estimate(data):
    made = replace(impute(data, 20, seed=3, iterations=5), converged=False)
    table = compare_missing(made).set_index("method")
    assert np.isnan(table.loc["imputed", "estimate"]) and "take more iterations" in table.loc["imputed", "note"]
    with pytest.raises(ConvergenceError, match="did not settle"):
        compare_unit_means(made)


def test_slopes_are_drawn_and_not_only_estimated():
    rng = np.random.default_rng(0)
    root = np.linalg.cholesky(np.linalg.inv(np.array([[4.0, 1.0], [1.0, 2.0]])))
    draws = np.array([_draw(np.array([1.0, -1.0]), root, 2.0, rng) for _ in range(4000)])
    np.testing.assert_allclose(draws.mean(axis=0), [1, -1], atol=0.06)
    np.testing.assert_allclose(np.cov(draws.T), 2 * np.linalg.inv([[4.0, 1.0], [1.0, 2.0]]), atol=0.06)


def test_what_cannot_be_imputed_is_refused(data):
    with pytest.raises(SpecError, match="m of 20 or more"):
        impute(data, 5, seed=1)
    with pytest.raises(SpecError, match="states of blank"):
        impute(data, seed=1, states=["absent"])
    whole = responses(np.tile([[1.0, 2], [2, 1]], (20, 1)), ["A1", "A2"], 5)
    assert "nothing is missing" in impute(whole, seed=1).reason
    few = np.full((30, 2), np.nan)
    few[:, 0], few[:4, 1] = 2, 3
    assert "too few answers to impute from: A2" in impute(responses(few, ["A1", "A2"], 5), seed=1).reason
