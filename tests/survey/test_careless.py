"""Careless indices as defined: by hand, against R, planted, and never an exclusion that was not declared."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from microresearch.errors import SpecError
from microresearch.responses import Responses, State
from microresearch.results import NotAvailable
from microresearch.survey import careless, clean, order_note, rule_order
from microresearch.survey.careless_indices import individual_variability, longest_run, mahalanobis

from .builders import responses

GOLDEN = Path(__file__).parents[1] / "golden" / "careless"


@pytest.fixture(scope="module")
def bfi() -> Responses:
    data = pd.read_csv(GOLDEN / "bfi.csv")
    return responses(data.to_numpy(), list(data.columns), 6)


@pytest.fixture(scope="module")
def golden() -> dict:
    return json.loads((GOLDEN / "golden.json").read_text())


def test_indices_agree_with_r(bfi, golden):
    high, low = careless(bfi, pair_r=0.40).indices, careless(bfi, pair_r=0.35).indices
    for name in ("longest_run", "irv", "mahalanobis", "mahalanobis_p", "even_odd", "synonyms"):
        want = np.array(golden[name], dtype=float)
        np.testing.assert_allclose(high[name], want, rtol=1e-8, atol=1e-10, err_msg=name)
    np.testing.assert_allclose(low["antonyms"], np.array(golden["antonyms"], dtype=float), rtol=1e-8, atol=1e-10)


def test_longest_run_by_hand():
    nan = np.nan
    rows = np.array([[3, 3, 3, 2, 2], [1, 2, 1, 2, 1], [4, nan, 4, 4, 1], [nan] * 5, [2, 2, nan, nan, 2]])
    states = np.where(np.isnan(rows), State.BLANK, State.ANSWERED)
    states[4, 2:4] = State.CANT_RATE
    assert longest_run(responses(rows, ["a1", "a2", "a3", "a4", "a5"], 5, states))[[0, 1, 2, 4]].tolist() == [
        3,
        1,
        3,
        2,
    ]
    assert np.isnan(longest_run(responses(rows, ["a1", "a2", "a3", "a4", "a5"], 5, states))[3])


def test_distance_by_hand():
    # means (2, 2), variances 2/3, covariance 0, so each squared distance is 1 / (2/3) = 1.5
    squared, p = mahalanobis(np.array([[1.0, 2], [3, 2], [2, 1], [2, 3]]))
    assert squared == pytest.approx([1.5] * 4, abs=1e-12) and p == pytest.approx([np.exp(-0.75)] * 4, abs=1e-12)


def test_distance_with_a_missing_answer_uses_the_rest():
    rng = np.random.default_rng(3)
    x = rng.normal(size=(400, 3))
    x[0] = [9.0, np.nan, 0.0]
    squared, p = mahalanobis(x)
    rest = x[:, [0, 2]] - x[:, [0, 2]].mean(axis=0)
    by_hand = rest[0] @ np.linalg.solve(np.cov(rest.T), rest[0])
    assert squared[0] == pytest.approx(by_hand, rel=0.01) and p[0] < 1e-9


def test_variability_by_hand():
    found = individual_variability(np.array([[1.0, 3, np.nan], [2, 2, 2], [5, np.nan, np.nan]]))
    assert found[:2] == pytest.approx([np.sqrt(2), 0]) and np.isnan(found[2])


def test_distance_ignores_keying_and_order(bfi):
    x = bfi.values.to_numpy()
    turned = x[:, ::-1].copy()
    turned[:, :3] = 7 - turned[:, :3]
    np.testing.assert_allclose(mahalanobis(x)[0], mahalanobis(turned)[0], rtol=1e-9)


def test_planted_carelessness_is_flagged(bfi):
    rng = np.random.default_rng(5)
    x = bfi.values.to_numpy(copy=True)
    x[:20] = rng.integers(1, 7, (20, 25))
    x[20:30] = 4
    seconds = np.full(400, 300.0)
    seconds[30:35] = 25
    found = careless(responses(x, list(bfi.values.columns), 6, duration=seconds), pair_r=0.40)
    assert found.flags["longest_run"].to_numpy()[20:30].all() and found.flags["longest_run"].sum() < 30
    assert found.flags["seconds_per_item"].to_numpy().nonzero()[0].tolist() == [*range(30, 35)]
    careful, random = found.flags["even_odd"].to_numpy()[40:].mean(), found.flags["even_odd"].to_numpy()[:20].mean()
    assert random > 2 * careful
    table = found.to_frame().set_index("index")
    assert table.loc["longest_run", "flagged"] == found.flags["longest_run"].sum() and np.isnan(table.loc["irv", "cut"])


def test_what_cannot_be_had_says_why():
    few = responses(np.array([[1.0, 2], [2, 1], [3, 3], [1, 1]]), ["a1", "a2"], 5)
    missing = careless(few).not_available
    assert set(missing) == {"even_odd", "synonyms", "antonyms", "seconds_per_item"}
    assert all(isinstance(one, NotAvailable) and one.reason for one in missing.values())
    same = responses(np.array([[1.0, 1], [2, 2], [3, 3], [1, 1]]), ["a1", "a2"], 5)
    assert "linear combinations" in careless(same).not_available["mahalanobis_p"].reason
    with pytest.raises(SpecError, match="no careless index is called guttman"):
        careless(few, {"guttman": 3})


def test_nobody_leaves_unless_the_study_says_so(bfi):
    with pytest.raises(SpecError, match="names no index"):
        clean(bfi, [{"rule": "careless"}])
    done = clean(bfi, [{"rule": "careless", "longest_run": 6, "mahalanobis_p": 0.001}])
    flags = careless(bfi, {"longest_run": 6, "mahalanobis_p": 0.001}).flags.any(axis=1)
    assert set(done.ledger.steps[0].ids) == set(flags.index[flags]) and 0 < flags.sum() < 60
    assert "longest_run above 6" in done.ledger.steps[0].reason
    again = clean(done, [{"rule": "careless", "longest_run": 6, "mahalanobis_p": 0.001}])
    assert again.equals(done) and again.ledger == done.ledger
    both = clean(bfi, [{"rule": "careless", "longest_run": 6, "mahalanobis_p": 0.001, "minimum_flags": 2}])
    assert len(both) > len(done)
    with pytest.raises(SpecError, match="has no duration"):
        clean(bfi, [{"rule": "careless", "seconds_per_item": 2}])


def test_too_few_pairs_make_no_index(bfi):
    found = careless(bfi, pair_r=0.65)
    assert "fewer than 10 item pairs with r above 0.65" in found.not_available["synonyms"].reason
    assert "synonyms" not in found.flags


def test_the_order_of_rules_is_told():
    x = np.array([[1, np.nan, np.nan], [1, 2, 3.0], [2, 2, 2], [3, 2, 1]])
    data = responses(x, ["a1", "a2", "a3"], 5, person=["p", "p", "q", "s"], duration=[300.0, 300, 20, 300])
    rules = [
        {"rule": "duplicate", "keep": "first"},
        {"rule": "time", "minimum": 60},
        {"rule": "answered", "share": 0.5},
    ]
    table = rule_order(data, rules).set_index(["first", "second"])
    assert table["commute"].tolist() == [True, False, True] and table["differ"].tolist() == [0, 1, 0]
    assert table.loc[("time", "answered"), "why"].startswith("each judges")
    assert order_note(table.reset_index()) == (
        "The order of these cleaning rules matters, so the declared one stands: duplicate and answered. Others may be "
        "exchanged."
    )
    assert clean(data, rules).values.index.tolist() == ["r3"]
    assert clean(data, [rules[2], rules[1], rules[0]]).values.index.tolist() == ["r1", "r3"]
