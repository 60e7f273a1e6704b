"""The table of coefficients against psych; item statistics; kappa."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from microresearch.errors import DataError, SpecError
from microresearch.psychometrics.coefficients import lambda2, lambda6, measurement_error
from microresearch.psychometrics.item_analysis import item_analysis
from microresearch.psychometrics.kappa import weighted_kappa
from microresearch.psychometrics.reliability import ordinal_row, reliability
from microresearch.results import NotAvailable

GOLDEN = Path(__file__).parents[1] / "golden" / "omega"


def keyed() -> pd.DataFrame:
    return pd.read_csv(GOLDEN / "keyed.csv").astype(float)


def golden(name: str) -> dict:
    return json.loads((GOLDEN / f"{name}.json").read_text())


@pytest.fixture(scope="module")
def coefficients() -> pd.DataFrame:
    return reliability(keyed(), n_boot=300).to_frame().set_index("term")


def test_guttmans_bounds_and_ordinal_alpha_agree_with_psych(coefficients: pd.DataFrame) -> None:
    items = golden("items")
    assert coefficients.loc["lambda-2, standardised", "estimate"] == pytest.approx(items["lambda2"], abs=1e-10)
    assert coefficients.loc["lambda-6, standardised", "estimate"] == pytest.approx(items["lambda6"], abs=1e-10)
    ordinal = golden("categorical")["keyed"]["ordinal_alpha"]
    assert coefficients.loc["alpha, ordinal", "estimate"] == pytest.approx(ordinal, abs=1e-5)


def test_every_coefficient_has_an_interval_around_it(coefficients: pd.DataFrame) -> None:
    assert len(coefficients) == 11
    assert (coefficients["ci_low"] < coefficients["estimate"]).all()
    assert (coefficients["estimate"] < coefficients["ci_high"]).all()
    assert coefficients["method"].str.contains("jackknife|delta method|bootstrap").all()


def test_jackknifed_bounds_are_those_of_samples_that_lack_one_person() -> None:
    x = keyed().head(60)
    rows = reliability(x, n_boot=20).to_frame().set_index("term")
    for term, one in (
        ("lambda-2", lambda2),
        ("lambda-6", lambda6),
        ("standard error of measurement", measurement_error),
    ):
        logs = np.array([one(np.cov(x.drop(index=i).to_numpy().T)) for i in x.index])
        logs = np.log(logs if term.startswith("standard") else 1 - logs)
        se = np.sqrt(59 / 60 * ((logs - logs.mean()) ** 2).sum())
        ends = rows.loc[term, ["ci_low", "ci_high"]].to_numpy(float)
        spread = np.log(ends if term.startswith("standard") else 1 - ends)
        assert abs(spread[1] - spread[0]) == pytest.approx(2 * stats.t.ppf(0.975, 59) * se, rel=1e-9)


def test_ordinal_alphas_error_is_that_of_new_samples() -> None:
    """30 samples of 300: spread of the estimates, and the planted value within the intervals."""
    rng = np.random.default_rng(62)
    truth = 4 / 3 * (1 - 4 / (4 + 12 * 0.49))
    rows = []
    for _ in range(30):
        y = 0.7 * rng.normal(size=(300, 1)) + 0.51**0.5 * rng.normal(size=(300, 4))
        items = pd.DataFrame(np.digitize(y, [0.0, 1.2]))
        rows.append(ordinal_row(items.to_numpy(float), 0.95))
    found = pd.DataFrame(rows)
    assert found["se"].mean() == pytest.approx(found["estimate"].std(), rel=0.4)
    assert ((found["ci_low"] < truth) & (truth < found["ci_high"])).mean() >= 0.8


def test_measurement_error_is_the_planted_one() -> None:
    """Parallel items: error of the mean is sigma / sqrt(k)."""
    rng = np.random.default_rng(60)
    x = rng.normal(size=(50_000, 1)) + 0.8 * rng.normal(size=(50_000, 4))
    assert measurement_error(np.cov(x, rowvar=False)) == pytest.approx(0.4, rel=0.02)


def test_bounds_are_ordered_and_equal_for_equal_covariances() -> None:
    flat = 0.4 * np.ones((5, 5)) + 0.6 * np.eye(5)
    alpha = 5 / 4 * (1 - 5 / flat.sum())
    assert lambda2(flat) == pytest.approx(alpha, abs=1e-12)
    s = np.cov(keyed().to_numpy(), rowvar=False)
    assert lambda2(s) >= 5 / 4 * (1 - np.trace(s) / s.sum())
    assert lambda6(s) < 1


def test_answers_that_are_no_categories_leave_a_reason() -> None:
    rng = np.random.default_rng(61)
    x = pd.DataFrame(rng.normal(size=(80, 1)) + rng.normal(size=(80, 3)))
    table = reliability(x, n_boot=100).to_frame().set_index("term")
    assert table.loc["alpha, ordinal", "note"] == "the answers are not ordered categories"
    assert "whole numbers" in table.loc["omega, categorical", "note"]


def test_singular_covariances_leave_a_reason_for_lambda_6_alone() -> None:
    rng = np.random.default_rng(63)
    x = pd.DataFrame(np.rint(2 * rng.normal(size=(90, 1)) + rng.normal(size=(90, 3)))).add_prefix("i")
    rows = reliability(x.assign(sum=x.sum(axis=1)), n_boot=20).to_frame().set_index("term")
    assert "singular" in rows.loc["lambda-6", "note"] and np.isnan(rows.loc["lambda-6", "estimate"])
    assert rows.loc["lambda-2", "ci_low"] < rows.loc["lambda-2", "ci_high"]


def test_an_item_that_one_person_makes_vary_leaves_a_reason_for_the_error() -> None:
    rng = np.random.default_rng(64)
    x = pd.DataFrame(rng.integers(0, 2, (60, 1)) + rng.integers(0, 3, (60, 3))).add_prefix("i").astype(float)
    rows = reliability(x.assign(rare=np.eye(60)[0]), n_boot=50).to_frame().set_index("term")
    assert "without some person" in rows.loc["alpha, standardised", "note"]
    assert np.isfinite(rows.loc["alpha, standardised", "estimate"]) and np.isfinite(rows.loc["alpha", "ci_low"])


@pytest.mark.parametrize(("shape", "number"), [("population", 1), ("spss", 2), ("psych", 3)])
def test_shape_agrees_with_psych(shape: str, number: int) -> None:
    table, theirs = item_analysis(keyed(), shape=shape).to_frame(), golden("items")
    np.testing.assert_allclose(table["skew"], theirs[f"skew{number}"], atol=1e-10)
    np.testing.assert_allclose(table["kurtosis"], theirs[f"kurtosis{number}"], atol=1e-10)


def test_fit_with_the_rest_agrees_with_psych() -> None:
    table, theirs = item_analysis(keyed(), low=1, high=6).to_frame(), golden("items")
    np.testing.assert_allclose(table["item_rest_r"], theirs["r_drop"], atol=1e-10)
    np.testing.assert_allclose(table["alpha_dropped"], theirs["alpha_drop"], atol=1e-10)
    assert table["floor"][0] == pytest.approx(100 * (keyed()["A1"] == 1).mean())
    frequencies = item_analysis(keyed()).frequencies
    assert isinstance(frequencies, pd.DataFrame)
    assert (frequencies.sum(axis=1).round(9) == 100).all()
    assert isinstance(item_analysis(keyed() + 0.001 * np.arange(len(keyed()))[:, None]).frequencies, NotAvailable)


def test_item_rest_is_the_plain_correlation_and_signs_follow_a_flip() -> None:
    x = keyed()
    flipped = item_analysis(x.assign(A2=7 - x["A2"])).to_frame()
    assert flipped["item_rest_r"][1] == pytest.approx(-item_analysis(x).to_frame()["item_rest_r"][1], abs=1e-12)
    rest = x.drop(columns="A3").sum(axis=1)
    assert item_analysis(x).to_frame()["item_rest_r"][2] == pytest.approx(x["A3"].corr(rest), abs=1e-12)


def test_one_item_and_no_spread_leave_a_note() -> None:
    single = item_analysis(keyed()[["A1"]]).to_frame()
    assert single["note"][0] == "a single item has no rest"
    flat = item_analysis(keyed().assign(A2=3.0)).to_frame()
    assert "does not vary" in flat["note"][1]
    with pytest.raises(SpecError, match="shape"):
        item_analysis(keyed(), shape="stata")  # type: ignore[arg-type]


def ratings() -> pd.DataFrame:
    return pd.read_csv(GOLDEN / "twice.csv").astype(float)


@pytest.mark.parametrize("weights", ["unweighted", "linear", "quadratic"])
def test_kappa_agrees_with_psych(weights: str) -> None:
    found = weighted_kappa(ratings()["first"], ratings()["second"], weights)
    assert found.estimate == pytest.approx(golden("kappa")[weights], abs=1e-10)
    if weights == "unweighted":
        assert found.se == pytest.approx(golden("kappa")["se_unweighted"], abs=1e-10)


def test_kappa_errors_are_as_large_as_they_say() -> None:
    """400 samples of 200 pairs: the spread of quadratic kappa is its mean error, and its interval covers."""
    rng = np.random.default_rng(62)
    true = rng.choice(3, size=(400, 200), p=[0.2, 0.5, 0.3])
    noise = rng.choice([-1, 0, 1], size=(2, 400, 200), p=[0.1, 0.8, 0.1])
    rated = np.clip(true + noise, 0, 2)
    found = [weighted_kappa(pd.Series(a), pd.Series(b)) for a, b in zip(*rated, strict=True)]
    big = np.clip(
        rng.choice(3, 2_000_000, p=[0.2, 0.5, 0.3]) + rng.choice([-1, 0, 1], (2, 2_000_000), p=[0.1, 0.8, 0.1]), 0, 2
    )
    truth = weighted_kappa(*(pd.Series(r) for r in big)).estimate
    estimates = np.array([f.estimate for f in found])
    assert estimates.std() == pytest.approx(np.mean([f.se for f in found]), rel=0.12)
    assert 0.917 <= np.mean([truth in f.interval for f in found]) <= 0.983


def test_kappa_is_symmetric_and_one_for_equal_ratings() -> None:
    a, b = ratings()["first"], ratings()["second"]
    assert weighted_kappa(a, b).estimate == pytest.approx(weighted_kappa(b, a).estimate, abs=1e-12)
    assert weighted_kappa(a, a).estimate == pytest.approx(1, abs=1e-12)
    assert weighted_kappa(a, b.where(b.index > 4)).n_dropped == 5


def test_kappa_refusals() -> None:
    a = ratings()["first"]
    with pytest.raises(DataError, match="same persons"):
        weighted_kappa(a, a.set_axis(a.index + 1))
    with pytest.raises(DataError, match="two or more categories"):
        weighted_kappa(a * 0, a * 0)
    with pytest.raises(SpecError, match="weights"):
        weighted_kappa(a, a, "cubic")  # type: ignore[arg-type]
