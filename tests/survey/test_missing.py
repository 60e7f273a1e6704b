"""Patterns, Little's test, can't rate and Rubin's rules, against R, by hand and on planted data."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from microresearch.errors import DataError
from microresearch.responses import State
from microresearch.results import NotAvailable
from microresearch.survey import cant_rate_rates, little_mcar, missing_patterns, pool
from microresearch.survey.em import em_normal

from .builders import responses

GOLDEN = Path(__file__).parents[1] / "golden" / "missing"


@pytest.fixture(scope="module")
def golden() -> dict:
    return json.loads((GOLDEN / "golden.json").read_text())


def test_moments_agree_with_lavaan(golden):
    data = pd.read_csv(GOLDEN / "bfi_holes.csv").to_numpy(float)
    found = em_normal(data[~np.isnan(data).all(axis=1)], 1e-12)
    np.testing.assert_allclose(found.mean, golden["bfi"]["mean"], atol=1e-8)
    np.testing.assert_allclose(found.cov, golden["bfi"]["cov"], atol=1e-8)


@pytest.mark.parametrize("name", ["bfi", "airquality"])
def test_little_agrees_with_r(golden, name):
    data = pd.read_csv(GOLDEN / {"bfi": "bfi_holes.csv", "airquality": "airquality.csv"}[name])
    found, want = little_mcar(data, tolerance=1e-12), golden[name]
    assert found.df == want["df"] and found.statistic == pytest.approx(want["statistic"], rel=1e-6)
    assert found.p == pytest.approx(want["p"], rel=1e-5)


def test_little_as_published_for_airquality():
    # statistic 35.1, df 14, p .00142, 4 patterns: the example in the manual of R's naniar (mcar_test)
    found = little_mcar(pd.read_csv(GOLDEN / "airquality.csv"))
    assert (round(found.statistic, 1), found.df, round(found.p, 5), found.n_patterns) == (35.1, 14, 0.00142, 4)


def test_little_holds_its_level_and_has_power():
    rng = np.random.default_rng(4)
    p_chance, p_chosen = [], []
    for _ in range(100):
        x = rng.multivariate_normal([0, 0, 0], [[1, 0.5, 0.5], [0.5, 1, 0.5], [0.5, 0.5, 1]], 200)
        chance, chosen = pd.DataFrame(x.copy()), pd.DataFrame(x.copy())
        chance[rng.random((200, 3)) < 0.15] = np.nan
        chosen.loc[x[:, 0] > 0.5, 1] = np.nan
        p_chance.append(little_mcar(chance, tolerance=1e-6).p)
        p_chosen.append(little_mcar(chosen, tolerance=1e-6).p)
    assert np.mean(np.array(p_chance) < 0.05) < 0.12  # 3 Monte Carlo SEs above .05
    assert np.mean(np.array(p_chosen) < 0.05) > 0.95


def test_little_says_why_it_cannot_be_had():
    rng = np.random.default_rng(1)
    whole = pd.DataFrame(rng.normal(size=(50, 3)), columns=list("abc"))
    for data, why in [(whole, "nothing is missing"), (whole.head(3).where(whole > 9), "")]:
        found = little_mcar(data)
        assert isinstance(found, NotAvailable) and why in found.reason
    with pytest.raises(DataError, match="no such item"):
        little_mcar(whole, ["d"])


def test_gaps_by_design_are_not_tested():
    rng = np.random.default_rng(2)
    x = rng.integers(1, 6, (200, 4)).astype(float)
    x[rng.random((200, 4)) < 0.1] = np.nan
    states = np.where(np.isnan(x), State.BLANK, State.ANSWERED)
    x[:100, 3], states[:100, 3] = np.nan, State.NOT_APPLICABLE
    found = little_mcar(responses(x, ["a1", "a2", "a3", "a4"], 5, states))
    assert found.left_out == ("a4",) and found.columns == ("a1", "a2", "a3")
    assert not missing_patterns(responses(x, ["a1", "a2", "a3", "a4"], 5, states)).table["a4"].all()


def test_patterns_add_up():
    data = pd.DataFrame({"a": [1, np.nan, np.nan, 2, 3], "b": [1, 2, 3, np.nan, 3], "c": [1.0] * 5})
    found = missing_patterns(data)
    assert found.table["n"].tolist() == [2, 2, 1] and found.n_complete == 2 and found.n_used == 5
    assert found.table["n"].sum() == 5 and found.table["share"].sum() == pytest.approx(1)
    assert (found.table["n"] * found.table["n_missing"]).sum() == data.isna().to_numpy().sum()


def test_cant_rate_by_role():
    states = np.array([[1, 0], [1, 2], [0, 0], [0, 3]])
    x = np.where(states == 0, 3.0, np.nan)
    table = cant_rate_rates(responses(x, ["a1", "a2"], 5, states, role=["nurse", "nurse", "support", "support"]))
    row = table.set_index(["role", "item"])
    assert row.loc[("nurse", "a1"), ["n", "cant_rate", "estimate"]].tolist() == [2, 2, 1]
    assert row.loc[("support", "a2"), ["n", "cant_rate"]].tolist() == [1, 0]
    assert row.loc[("nurse", "all items"), "estimate"] == pytest.approx(0.5)
    # Wilson's interval for 2 of 2: z = 1.959964, lower 1 / (1 + z^2 / 2) = 0.342380
    assert row.loc[("nurse", "a1"), "ci_low"] == pytest.approx(0.342380, abs=1e-6)


def test_pooling_agrees_with_mice(golden):
    for case in golden["pools"]:
        df = case.get("df_complete")
        found = pool(case["q"], case["u"], np.inf if df is None or isinstance(df, dict) else df)
        for name in ("estimate", "se", "df", "fmi"):
            assert getattr(found, name) == pytest.approx(case[name], rel=1e-10), name


def test_pooling_refuses_what_it_cannot_pool():
    for q, u in [([1.0], [1.0]), ([1, 2], [1, 0]), ([1, np.nan], [1, 1]), ([1, 2], [1])]:
        with pytest.raises(DataError, match="pooling needs"):
            pool(q, u)
    same = pool([2.0, 2.0], [0.04, 0.04], df_complete=30)
    assert same.se == pytest.approx(0.2) and same.df == pytest.approx(31 / 33 * 30)
