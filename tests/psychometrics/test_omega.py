"""Omega in its kinds against lavaan, semTools and psych; planted truths, invariants, refusals."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from microresearch.errors import DataError, SpecError
from microresearch.numeric.ordinal import encode, fit_pairs
from microresearch.psychometrics.omega import omega
from microresearch.psychometrics.omega_categorical import green_yang

GOLDEN = Path(__file__).parents[1] / "golden" / "omega"


def table(name: str) -> pd.DataFrame:
    return pd.read_csv(GOLDEN / f"{name}.csv").astype(float)


def golden(name: str) -> dict:
    return json.loads((GOLDEN / f"{name}.json").read_text())


@pytest.mark.parametrize("name", ["keyed", "three"])
def test_total_and_both_errors_agree_with_lavaan(name: str) -> None:
    theirs = golden("total")[name]
    normal, robust = omega(table(name), interval="normal"), omega(table(name))
    assert normal.estimate == pytest.approx(theirs["ml"]["omega"], abs=1e-6)
    assert normal.se == pytest.approx(theirs["ml"]["se"], abs=1e-6)
    assert robust.se == pytest.approx(theirs["mlm"]["se"], abs=1e-6)
    np.testing.assert_allclose(normal.loadings, theirs["ml"]["loadings"], atol=1e-6)
    np.testing.assert_allclose(normal.uniquenesses, theirs["ml"]["psi"], atol=1e-5)


@pytest.mark.parametrize("name", ["keyed", "three", "binary"])
def test_categorical_agrees_with_semtools(name: str) -> None:
    theirs = golden("categorical")[name]
    ours = omega(table(name), kind="categorical", interval="robust")
    assert ours.estimate == pytest.approx(theirs["omega"], abs=1e-6)
    np.testing.assert_allclose(ours.loadings, theirs["loadings"], atol=1e-5)


def test_hierarchical_agrees_with_psych() -> None:
    theirs = golden("hierarchical")["group"]
    ours = omega(table("group"), kind="hierarchical")
    assert ours.estimate == pytest.approx(theirs["omega_h"], abs=1e-4)
    assert ours.total == pytest.approx(theirs["omega_total"], abs=1e-4)
    np.testing.assert_allclose(ours.loadings, theirs["general"], atol=1e-4)
    several = omega(table("group"), 3)
    assert several.estimate == pytest.approx(theirs["omega_total"], abs=1e-4)


def test_categorical_error_is_that_of_a_numerical_jackknife() -> None:
    """Leave each person out: the delta method, weights included, gives the jackknife's error."""
    x = table("binary")
    ours = omega(x, kind="categorical", interval="robust")
    rows, counts = np.unique(x.to_numpy(), axis=0, return_counts=True)
    left = []
    for row in rows:
        gone = np.flatnonzero((x.to_numpy() == row).all(axis=1))[0]
        left.append(omega(x.drop(index=gone), kind="categorical", interval="robust").estimate)
    mean = np.average(left, weights=counts)
    jackknife = np.sqrt((699 / 700) * (counts * (np.array(left) - mean) ** 2).sum())
    assert ours.se == pytest.approx(jackknife, rel=0.03)


def ordinal(rng: np.random.Generator, n: int, loadings: list[float], cuts: list[float]) -> pd.DataFrame:
    lam = np.array(loadings)
    y = rng.normal(size=(n, 1)) * lam + rng.normal(size=(n, len(lam))) * np.sqrt(1 - lam**2)
    return pd.DataFrame(np.digitize(y, cuts) + 1.0)


def test_planted_total_is_recovered_and_covered_with_skewed_answers() -> None:
    """300 samples of 150 from a one-factor model with skewed parts: robust interval near 95 %."""
    rng = np.random.default_rng(50)
    lam, psi = np.array([1.0, 0.8, 0.7, 0.6]), np.array([0.5, 0.6, 0.7, 0.8])
    truth = lam.sum() ** 2 / (lam.sum() ** 2 + psi.sum())
    found = []
    for _ in range(300):
        common, unique = rng.exponential(size=(150, 1)) - 1, rng.exponential(size=(150, 4)) - 1
        found.append(omega(pd.DataFrame(common * lam + unique * np.sqrt(psi))))
    values = np.array([r.estimate for r in found])
    assert abs(values.mean() - truth) < 3 * values.std() / 300**0.5 + 0.005
    assert 0.90 <= np.mean([r.ci_low <= truth <= r.ci_high for r in found]) <= 0.985


def test_planted_categorical_is_recovered() -> None:
    """The population value from thresholds and loadings; 60 samples of 400."""
    rng = np.random.default_rng(51)
    loadings, cuts = [0.8, 0.7, 0.6, 0.5], [-0.5, 0.9]
    lam = np.array(loadings)
    first, second = np.tril_indices(4, -1)
    padded = np.tile([-40.0, *cuts, 40.0], (4, 1))
    truth = green_yang(lam, lam[first] * lam[second], padded)
    found = [omega(ordinal(rng, 400, loadings, cuts), kind="categorical", interval="robust") for _ in range(60)]
    values = np.array([r.estimate for r in found])
    assert abs(values.mean() - truth) < 3 * values.std() / 60**0.5 + 0.003
    assert np.mean([r.ci_low <= truth <= r.ci_high for r in found]) >= 0.87


def test_green_yang_is_the_squared_correlation_of_sum_and_factor_score_variance() -> None:
    """Simulated: covariance of two independent forms with the same factor over the variance of a form."""
    rng = np.random.default_rng(52)
    lam, cuts = np.array([0.8, 0.6, 0.7]), [-0.3, 1.0]
    f = rng.normal(size=(400_000, 1))
    forms = [np.digitize(f * lam + rng.normal(size=(400_000, 3)) * np.sqrt(1 - lam**2), cuts).sum(axis=1) for _ in "ab"]
    first, second = np.tril_indices(3, -1)
    value = green_yang(lam, lam[first] * lam[second], np.tile([-40.0, *cuts, 40.0], (3, 1)))
    assert value == pytest.approx(np.corrcoef(*forms)[0, 1], abs=0.005)


def test_bootstrap_is_seeded_and_near_the_delta_method() -> None:
    x = table("three")
    one, again, other = (omega(x, interval="bootstrap", n_boot=1000, seed=s) for s in (1, 1, 2))
    assert one.interval == again.interval
    assert one.interval != other.interval
    assert one.se == pytest.approx(omega(x).se, rel=0.08)
    both = omega(x, kind="categorical", interval="bootstrap", n_boot=400)
    assert both.se == pytest.approx(omega(x, kind="categorical", interval="robust").se, rel=0.12)


@pytest.mark.parametrize(("kind", "n_factors"), [("hierarchical", 3), ("total", 3)])
def test_errors_of_several_factors_are_those_of_new_samples(kind: str, n_factors: int) -> None:
    """25 samples of 1,000 from second-order factors: spread of the estimates, and the truth within their intervals."""
    rng = np.random.default_rng(56)
    loadings, above = np.array([0.8, 0.7, 0.6] * 3), np.array([0.8, 0.7, 0.6])
    first = np.zeros((9, 3))
    first[np.arange(9), np.repeat([0, 1, 2], 3)] = loadings
    phi = np.outer(above, above) + np.diag(1 - above**2)
    r = first @ phi @ first.T + np.diag(1 - loadings**2)
    general = (first @ above).sum() ** 2 / r.sum()
    truth = general if kind == "hierarchical" else 1 - (1 - loadings**2).sum() / r.sum()
    root = np.linalg.cholesky(r)
    found = [omega(pd.DataFrame(rng.normal(size=(1000, 9)) @ root.T), n_factors, kind=kind) for _ in range(25)]
    values = np.array([one.estimate for one in found])
    assert abs(values.mean() - truth) < values.std()
    assert np.mean([one.se for one in found]) == pytest.approx(values.std(ddof=1), rel=0.45)
    assert np.mean([truth in one.interval for one in found]) >= 0.75


def test_hierarchical_bootstrap_is_near_the_delta_method() -> None:
    one, again = (omega(table("group"), kind="hierarchical", interval="bootstrap", n_boot=150) for _ in range(2))
    assert one.interval == again.interval and "bootstrap" in one.interval.method
    assert one.se == pytest.approx(omega(table("group"), kind="hierarchical").se, rel=0.4)


def test_order_scale_and_relabelling_do_not_matter() -> None:
    x = table("keyed")
    base = omega(x)
    assert omega(x.sample(frac=1, random_state=1)[x.columns[::-1]]).estimate == pytest.approx(base.estimate, abs=1e-9)
    assert omega(3 * x - 7).ci_low == pytest.approx(base.ci_low, abs=1e-8)
    ordered = omega(table("three"), kind="categorical", interval="robust")
    relabelled = omega(table("three").replace({1.0: 10, 2.0: 20, 3.0: 77}), kind="categorical", interval="robust")
    assert relabelled.estimate == pytest.approx(ordered.estimate, abs=1e-12)


def test_tau_equivalent_items_have_omega_equal_to_alpha() -> None:
    matrix = 0.5 * np.ones((4, 4)) + np.diag([0.5, 0.7, 0.9, 0.4])
    rng = np.random.default_rng(53)
    z = rng.normal(size=(300, 4))
    z = (z - z.mean(axis=0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(z, rowvar=False, ddof=0))).T
    x = pd.DataFrame(z @ np.linalg.cholesky(matrix).T)
    assert omega(x).estimate == pytest.approx(4 / 3 * (1 - np.trace(matrix) / matrix.sum()), abs=1e-9)


def test_a_reversed_item_is_named_and_never_turned() -> None:
    x = table("keyed").assign(A3=lambda d: 7 - d["A3"])
    found = omega(x)
    assert "A3" in found.notes[-1]
    assert found.estimate < omega(table("keyed")).estimate


def test_missing_answers_are_dropped_and_counted() -> None:
    x = table("keyed")
    x.iloc[:10, 2] = np.nan
    found = omega(x)
    assert (found.n_used, found.n_dropped) == (len(x) - 10, 10)
    assert found.estimate == omega(x.dropna()).estimate


def test_a_variable_behind_few_categories_is_found_again() -> None:
    """With the normal quantiles as cuts, the polychoric route returns the planted loadings."""
    rng = np.random.default_rng(54)
    x = ordinal(rng, 20_000, [0.9, 0.7, 0.5], [norm.ppf(0.3), norm.ppf(0.8)])
    np.testing.assert_allclose(omega(x, kind="categorical", interval="robust").loadings, [0.9, 0.7, 0.5], atol=0.03)
    assert fit_pairs(encode(x.to_numpy())).converged.all()


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"kind": "partial"}, "unknown kind"),
        ({"kind": "hierarchical", "n_factors": 2}, "needs 3"),
        ({"n_factors": 4}, "no degrees of freedom"),
        ({"interval": "exact"}, "no such interval"),
        ({"kind": "categorical", "interval": "normal"}, "no such interval"),
        ({"kind": "categorical", "n_factors": 2}, "one factor"),
    ],
)
def test_settings_that_cannot_be_meant(settings: dict, says: str) -> None:
    with pytest.raises(SpecError, match=says):
        omega(table("keyed"), **settings)


def test_data_that_cannot_carry_it() -> None:
    x = table("keyed")
    with pytest.raises(DataError, match="reliability of its raters"):
        omega(x[["A1"]])
    with pytest.raises(DataError, match="three items"):
        omega(x[["A1", "A2"]])
    with pytest.raises(DataError, match="more persons than items"):
        omega(x.head(4))
    with pytest.raises(DataError, match="same"):
        omega(x.assign(A2=3.0))
    with pytest.raises(DataError, match="whole numbers"):
        omega(x + 0.5 * np.arange(len(x))[:, None] % 1, kind="categorical")
