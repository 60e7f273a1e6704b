"""Polychorics against lavaan and psych, against planted truths, and against what may not change them."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microresearch.errors import DataError, SpecError
from microresearch.numeric.positive_definite import smooth
from microresearch.psychometrics.polychoric import polychoric

GOLDEN = Path(__file__).parents[1] / "golden" / "polychoric"
EXPECTED = json.loads((GOLDEN / "golden.json").read_text())
SMOOTH = EXPECTED.pop("smooth")
LAVAAN = ["five", "skew", "three", "binary", "holes", "reversed", "uneven", "rare"]


def data(name):
    return pd.read_csv(GOLDEN / f"{name}.csv")


def lower(frame):
    return frame.to_numpy()[np.tril_indices(len(frame), -1)]


def lavaan_order(result):
    """Places of lavaan's gamma rows (lower triangle by columns) among our terms (by rows)."""
    names = list(result.rho.columns)
    thresholds = sum(len(t) for t in result.thresholds.values())
    places = {term: k for k, term in enumerate(result.terms)}
    pairs = [places[f"{names[i]}~~{names[j]}"] for j in range(len(names)) for i in range(j + 1, len(names))]
    return [*range(thresholds), *pairs]


def ordinal(seed, n=300, p=4, cuts=(-0.8, 0.2, 1.0)):
    rng = np.random.default_rng(seed)
    z = 0.7 * rng.normal(size=(n, 1)) + 0.71 * rng.normal(size=(n, p))
    return pd.DataFrame(np.digitize(z, cuts), columns=[f"v{j}" for j in range(p)])


@pytest.mark.parametrize("name", LAVAAN)
def test_rho_thresholds_and_errors_are_lavaans(name):
    expected = EXPECTED[name]
    result = polychoric(data(name), acov=True)
    np.testing.assert_allclose(lower(result.rho), expected["rho"], atol=1e-7)
    thresholds = np.concatenate(list(result.thresholds.values()))
    np.testing.assert_allclose(thresholds, list(expected["thresholds"].values()), atol=1e-10)
    diagonal = np.diag(result.acov)[lavaan_order(result)] * expected["n"]
    np.testing.assert_allclose(diagonal, expected["gamma_diagonal"], rtol=1e-6)
    from_tables = polychoric(data(name))
    np.testing.assert_allclose(from_tables.se, result.se, rtol=1e-10)


@pytest.mark.parametrize("name", ["three", "holes", "uneven"])
def test_whole_covariance_is_lavaans(name):
    result = polychoric(data(name), acov=True)
    order = lavaan_order(result)
    ours = result.acov[np.ix_(order, order)] * EXPECTED[name]["n"]
    np.testing.assert_allclose(ours, EXPECTED[name]["gamma"], atol=1e-6)


@pytest.mark.parametrize("name", [name for name in EXPECTED if "psych" in EXPECTED[name]])
def test_rho_is_psychs(name):
    rule = "psych" if name in ("binary", "rare") else "none"
    result = polychoric(data(name), empty_cells=rule, smooth=False)
    np.testing.assert_allclose(lower(result.rho), EXPECTED[name]["psych"], atol=1e-4)


def test_a_nearly_copied_item_is_fitted_at_the_top_of_the_likelihood():
    # lavaan stops at its bound .999 here; the likelihood, integrated by quadrature, is highest at .9932 as psych says
    assert polychoric(data("near"), smooth=False).rho.loc["v5", "v1"] == pytest.approx(0.99322, abs=5e-5)


def test_mixed_variables_are_lavaans():
    expected = EXPECTED["mixed"]
    result = polychoric(data("mixed"), kind="mixed")
    assert list(result.thresholds) == ["v3", "v4", "v5", "v6"]
    np.testing.assert_allclose(lower(result.rho), expected["rho"], atol=1e-7)
    np.testing.assert_allclose(lower(result.se), expected["rho_se"], rtol=1e-6)


def test_planted_correlations_are_recovered():
    rng = np.random.default_rng(5)
    truth = np.array([[1, 0.6, -0.3], [0.6, 1, 0.0], [-0.3, 0.0, 1]])
    z = rng.multivariate_normal(np.zeros(3), truth, size=40_000)
    x = pd.DataFrame({"a": np.digitize(z[:, 0], [-1, 1]), "b": np.digitize(z[:, 1], [0.8, 1.6]), "c": z[:, 2] > 0.3})
    result = polychoric(x)
    assert (np.abs(lower(result.rho) - lower(pd.DataFrame(truth))) < 4 * lower(result.se)).all()
    assert lower(result.se).max() < 0.02
    np.testing.assert_allclose(result.thresholds["b"], [0.8, 1.6], atol=0.03)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000))
def test_what_may_not_change_rho(seed):
    x = ordinal(seed)
    result = polychoric(x)
    rng = np.random.default_rng(seed)
    shuffled = polychoric(x.iloc[rng.permutation(len(x))])
    np.testing.assert_allclose(shuffled.rho, result.rho, atol=1e-9)
    turned = polychoric(x[x.columns[::-1]])
    np.testing.assert_allclose(turned.rho.loc[x.columns, x.columns], result.rho, atol=1e-8)
    relabelled = polychoric(x.replace({0: -7, 1: 0, 2: 3, 3: 100}))
    np.testing.assert_allclose(relabelled.rho, result.rho, atol=1e-12)
    flipped = polychoric(x.assign(v0=-x["v0"]))
    np.testing.assert_allclose(flipped.rho.loc["v0", "v1":], -result.rho.loc["v0", "v1":], atol=1e-8)
    np.testing.assert_allclose(flipped.se, result.se, atol=1e-8)
    twice = polychoric(pd.concat([x, x]))
    np.testing.assert_allclose(twice.rho, result.rho, atol=1e-8)
    np.testing.assert_allclose(twice.se * np.sqrt(2), result.se, atol=1e-8)


def test_listwise_equals_the_complete_rows_alone():
    x = data("holes")
    result = polychoric(x, missing="listwise")
    alone = polychoric(x.dropna())
    pd.testing.assert_frame_equal(result.rho, alone.rho)
    assert result.n_dropped == len(x) - len(x.dropna())
    assert result.n_used + result.n_dropped == len(x)


def test_clusters_of_one_give_the_plain_errors_and_copied_persons_do_not_add_certainty():
    x = ordinal(3)
    plain = polychoric(x)
    n = len(x)
    alone = polychoric(x, cluster=pd.Series(np.arange(n), index=x.index))
    np.testing.assert_allclose(alone.se, plain.se * np.sqrt(n / (n - 1)), rtol=1e-9)
    pairs = polychoric(pd.concat([x, x]).assign(unit=np.tile(np.arange(n), 2)), cluster="unit")
    np.testing.assert_allclose(pairs.se, plain.se * np.sqrt(n / (n - 1)), rtol=1e-7)


def test_intervals_stay_inside_minus_one_and_one():
    frame = polychoric(ordinal(8, n=40)).to_frame()
    assert list(frame.columns) == ["term", "estimate", "se", "ci_low", "ci_high", "n"]
    assert (frame.ci_low < frame.estimate).all()
    assert (frame.estimate < frame.ci_high).all()
    assert frame.ci_high.max() < 1


def test_a_matrix_that_is_not_positive_definite_is_smoothed_and_said():
    # too few persons, answers missing here and there
    rng = np.random.default_rng(2)
    x = ordinal(4, n=30, p=12).astype(float).mask(rng.random((30, 12)) < 0.4)
    raw, mended = polychoric(x, smooth=False), polychoric(x)
    assert np.linalg.eigvalsh(raw.rho).min() < 0 < np.linalg.eigvalsh(mended.rho).min()
    assert any("smoothed" in note for note in mended.notes)
    assert any("not positive definite" in note for note in raw.notes)


def test_smoothing_is_psychs():
    result = smooth(np.array(SMOOTH["matrix"]))
    assert result.changed
    np.testing.assert_allclose(result.matrix, SMOOTH["smoothed"], atol=1e-9)
    untouched = smooth(result.matrix)
    assert not untouched.changed
    np.testing.assert_array_equal(untouched.matrix, result.matrix)


def test_a_perfect_pair_is_named_and_has_no_error():
    x = ordinal(1)
    result = polychoric(x.assign(copy=x["v0"]), smooth=False)
    assert np.isnan(result.se.loc["copy", "v0"])
    assert "copy~~v0" in result.notes[0]


def test_a_perfect_two_by_two_table_is_left_by_lavaans_rule_and_filled_by_psychs():
    x = pd.DataFrame({"a": [0] * 40 + [1] * 30, "b": [0] * 40 + [1] * 30})
    left, filled = polychoric(x, smooth=False), polychoric(x, empty_cells="psych")
    assert left.rho.loc["b", "a"] == pytest.approx(0.9999)  # lavaan: 1, with a warning
    assert "climbs" in left.notes[0]
    assert left.rho.loc["b", "a"] > filled.rho.loc["b", "a"] > 0.98
    assert "filled" in filled.notes[0]


def test_fewer_persons_than_items_is_noted():
    assert any("fewer persons" in note for note in polychoric(ordinal(4, n=11, p=12)).notes)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda x: x.assign(v0=3), "v0: every answer is the same"),
        (lambda x: x.assign(v0=np.nan), "no answers"),
        (lambda x: x.assign(v0=x["v0"] + 0.5), "whole numbers"),
        (lambda x: x.assign(v0=np.arange(len(x))), "too many"),
        (lambda x: x.assign(v0="agree"), "not numbers"),
        (lambda x: x.assign(v0=np.inf), "infinite"),
        (lambda x: x.assign(v0=x["v0"].where(x.index < 9), v1=x["v1"].where(x.index > 9)), "nobody answered both"),
    ],
)
def test_bad_items_are_refused(change, word):
    with pytest.raises(DataError, match=word):
        polychoric(change(ordinal(1)))


@pytest.mark.parametrize(
    "arguments",
    [
        {"columns": ["v0", "nothing"]},
        {"columns": ["v0"]},
        {"columns": ["v0", "v0"]},
        {"empty_cells": "half"},
        {"missing": "drop"},
        {"continuous": ["v0"]},
        {"cluster": "nothing"},
        {"confidence": 95},
    ],
)
def test_options_that_cannot_be_meant_are_refused(arguments):
    with pytest.raises(SpecError):
        polychoric(ordinal(1), **arguments)
