"""Criteria for the number of factors against psych and semTools, planted truths, and what may not change them."""

import json
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest

from microresearch.errors import DataError, SpecError
from microresearch.numeric.retention import (
    adequacy,
    component_eigenvalues,
    ekc_reference,
    factor_eigenvalues,
    leading,
    map_averages,
    sphericity,
)
from microresearch.psychometrics.correlations import pearson
from microresearch.psychometrics.efa import efa
from microresearch.psychometrics.polychoric import polychoric
from microresearch.psychometrics.retention import n_factors
from microresearch.results import NotAvailable

ROOT = Path(__file__).parents[1] / "golden"
EXPECTED = json.loads((ROOT / "retention" / "golden.json").read_text())
SETS = ["clean", "ordinal", "reversed", "near", "holes"]


def data(name):
    return pd.read_csv(ROOT / "efa" / f"{name}.csv")


def matrix(name):
    return pearson(data(name).to_numpy(float))


@pytest.mark.parametrize("name", SETS)
def test_eigenvalues(name):
    expected = EXPECTED[name]
    np.testing.assert_allclose(component_eigenvalues(matrix(name)), expected["components"], atol=1e-10)
    # psych's own one-factor minres stops a little before its optimum
    np.testing.assert_allclose(factor_eigenvalues(matrix(name)), expected["factors"], atol=2e-3)


@pytest.mark.parametrize("name", SETS)
def test_map(name):
    ours = map_averages(matrix(name))
    theirs = EXPECTED[name]["map"]  # psych starts after one component was taken out
    np.testing.assert_allclose(ours[1:], theirs[: len(ours) - 1], atol=1e-8)
    assert len(ours) > len(theirs) - 2  # the last one, between two components, is 1 and never the smallest


@pytest.mark.parametrize("name", SETS)
def test_kmo_and_bartlett(name):
    expected = EXPECTED[name]
    fit = adequacy(matrix(name))
    assert fit.kmo == pytest.approx(expected["kmo"], abs=1e-8)
    np.testing.assert_allclose(fit.msa, expected["msa"], atol=1e-8)
    test = sphericity(matrix(name), len(data(name)))
    assert test.chi2 == pytest.approx(expected["bartlett"]["chisq"], rel=1e-8)
    assert test.df == expected["bartlett"]["df"]


@pytest.mark.parametrize("name", [name for name in SETS if name != "holes"])
def test_empirical_kaiser(name):
    expected = EXPECTED[name]["ekc"]
    eigenvalues = component_eigenvalues(matrix(name))
    ours = ekc_reference(eigenvalues, len(data(name)))
    # semTools leaves out the paper's lower bound of 1
    np.testing.assert_allclose(ours, np.maximum(expected["reference"], 1), atol=1e-8)


def test_parallel_analysis_is_psychs_within_monte_carlo_error():
    expected = EXPECTED["parallel"]
    result = n_factors(data("clean"), n_sets=200)
    table = result.eigenvalues
    for kind, draw, theirs in [
        ("components", "normal", "pc_sim"), ("components", "permuted", "pc_perm"),
        ("factors", "normal", "fa_sim"), ("factors", "permuted", "fa_perm"),
    ]:  # fmt: skip
        ours = table[(table.kind == kind) & (table.random == draw)]
        np.testing.assert_allclose(ours["random_mean"], expected[theirs], atol=0.012)
    counts = result.criteria.set_index("criterion").n_factors
    assert counts["parallel analysis, factors, normal mean"] == expected["n_factors"]
    assert counts["parallel analysis, components, normal mean"] == expected["n_components"]


def test_polychoric_parallel_analysis_is_psychs_within_monte_carlo_error():
    expected = EXPECTED["parallel_poly"]
    result = n_factors(data("ordinal"), "polychoric", n_sets=20)
    table = result.eigenvalues
    components = table[(table.kind == "components") & (table.random == "permuted")]
    np.testing.assert_allclose(components.observed, expected["pc_values"], atol=1e-3)
    np.testing.assert_allclose(components["random_mean"], expected["pc_perm"], atol=0.05)
    counts = result.criteria.set_index("criterion").n_factors
    assert counts["parallel analysis, components, permuted mean"] == expected["n_components"]
    assert counts["parallel analysis, factors, permuted mean"] == expected["n_factors"]


def test_the_planted_number_of_factors_is_found_by_every_criterion():
    rng = np.random.default_rng(3)
    factors = rng.normal(size=(1500, 3))
    x = factors[:, np.repeat([0, 1, 2], 5)] * 0.75 + 0.66 * rng.normal(size=(1500, 15))
    result = n_factors(pd.DataFrame(x).add_prefix("v"), n_sets=30)
    assert (result.criteria.n_factors == 3).all()
    cut = pd.DataFrame(np.digitize(x, [-0.5, 0.8])).add_prefix("v")
    assert (n_factors(cut, "polychoric", n_sets=20).criteria.n_factors == 3).all()


def test_no_factor_is_found_in_noise():
    x = pd.DataFrame(np.random.default_rng(0).normal(size=(500, 10))).add_prefix("v")
    counts = n_factors(x, n_sets=50).criteria.set_index("criterion").n_factors
    assert counts["parallel analysis, components, normal 95th percentile"] == 0
    assert counts["MAP, squared (1976)"] == 0


def test_order_and_scale_change_nothing_and_the_seed_repeats():
    x = data("clean")
    result = n_factors(x, n_sets=10, seed=3)
    again = n_factors(x, n_sets=10, seed=3)
    pd.testing.assert_frame_equal(result.eigenvalues, again.eigenvalues)
    other = n_factors(x.sample(frac=1, random_state=1)[x.columns[::-1]] * 3 + 1, n_sets=10, seed=4)
    np.testing.assert_allclose(other.eigenvalues.observed, result.eigenvalues.observed, atol=1e-8)
    assert other.kmo == pytest.approx(result.kmo)
    np.testing.assert_allclose(other.map, result.map, atol=1e-10)
    assert not np.allclose(other.eigenvalues["random_mean"], result.eigenvalues["random_mean"])


def test_two_workers_give_the_digits_of_one():
    x = data("ordinal").iloc[:, :6]
    with joblib.parallel_config("threading"):
        one, two = (n_factors(x, "polychoric", n_sets=6, seed=5, workers=w).eigenvalues for w in (1, 2))
        pd.testing.assert_frame_equal(one, two, check_exact=True)
        first, second = (efa(x, 2, correlation="polychoric", n_boot=6, seed=5, workers=w) for w in (1, 2))
        pd.testing.assert_frame_equal(first.se, second.se, check_exact=True)


def test_splitting_the_sample_and_pooling_it_changes_no_criterion():
    x = data("clean")
    halves = pd.concat([x.iloc[::2], x.iloc[1::2]])
    one, two = n_factors(x, random="normal", n_sets=2), n_factors(halves, random="normal", n_sets=2)
    np.testing.assert_allclose(two.eigenvalues.observed, one.eigenvalues.observed, atol=1e-9)
    assert (two.kmo, two.bartlett.chi2) == (pytest.approx(one.kmo), pytest.approx(one.bartlett.chi2))


def test_holes_are_copied_to_the_random_sets():
    x = data("clean")
    rng = np.random.default_rng(1)
    holed = x.mask(rng.random(x.shape) < 0.5)
    whole, sparse = (n_factors(f, n_sets=20).eigenvalues.query("kind == 'components'") for f in (x, holed))
    for draw in ("normal", "permuted"):
        first = [table[table.random == draw]["random_mean"].iloc[0] for table in (whole, sparse)]
        assert first[1] > first[0] + 0.1


def test_a_matrix_alone_with_and_without_n():
    r = data("clean").corr()
    alone = n_factors(r)
    assert list(alone.criteria.criterion) == ["MAP, squared (1976)", "MAP, fourth power (2000)"]
    assert isinstance(alone.bartlett, NotAvailable)
    assert set(alone.eigenvalues.random) == {"none"}
    known = n_factors(r, n_obs=600, n_sets=10)
    assert set(known.eigenvalues.random) == {"normal"}
    assert known.n_used == 600
    given = n_factors(polychoric(data("ordinal")), n_sets=5)
    assert any("give the items" in note for note in given.notes)


def test_the_part_for_a_scree():
    result = n_factors(data("clean"), n_sets=5, random="permuted")
    part = result.scree("components")
    assert list(part.columns) == ["number", "observed", "random_mean", "random_percentile"]
    np.testing.assert_allclose(part.observed.sum(), 16)
    assert (part.random_percentile >= part.random_mean).iloc[0]
    with pytest.raises(SpecError, match="permuted"):
        result.scree(random="normal")


def test_leading_stops_at_the_first_that_is_not_larger():
    assert leading(np.array([3.0, 1.0, 2.0]), np.array([1.0, 1.5, 1.0])) == 1
    assert leading(np.array([3.0, 2.0]), np.array([1.0, 1.0])) == 2


def test_squared_multiple_correlations_as_communalities():
    r = matrix("clean")
    reduced = r.copy()
    np.fill_diagonal(reduced, 1 - 1 / np.diag(np.linalg.inv(r)))
    np.testing.assert_allclose(factor_eigenvalues(r, "smc"), np.linalg.eigvalsh(reduced)[::-1], atol=1e-10)


@pytest.mark.parametrize(
    "arguments",
    [
        {"random": "bootstrap"},
        {"n_sets": 1},
        {"percentile": 95},
        {"communalities": "one"},
        {"correlation": "spearman"},
        {"n_obs": 100},
        {"missing": "fiml"},
    ],
)
def test_options_that_cannot_be_meant_are_refused(arguments):
    with pytest.raises(SpecError):
        n_factors(data("clean"), **arguments)


def test_permuted_data_need_items():
    with pytest.raises(SpecError, match="items"):
        n_factors(data("clean").corr(), n_obs=100, random="permuted")


def test_a_constant_item_is_refused():
    with pytest.raises(DataError, match="v1"):
        n_factors(data("clean").assign(v1=2))
