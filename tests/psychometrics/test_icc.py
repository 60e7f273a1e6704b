"""The six intraclass correlations against psych and lme4, planted truths and invariants."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from microresearch.errors import DataError
from microresearch.numeric.crossed import crossed_components
from microresearch.numeric.moments import group_moments
from microresearch.numeric.variance import random_intercept
from microresearch.psychometrics.icc import icc

GOLDEN = Path(__file__).parents[1] / "golden" / "reliability"


@pytest.mark.parametrize(("name", "confidence"), [("sf", 0.95), ("big", 0.95), ("retest", 0.90)])
def test_complete_tables_agree_with_psych(name: str, confidence: float) -> None:
    golden = json.loads((GOLDEN / "icc.json").read_text())[name]
    result = icc(pd.read_csv(GOLDEN / f"icc_{name}.csv"), confidence=confidence)
    frame = result.to_frame()
    for ours, theirs in [("estimate", "icc"), ("statistic", "f"), ("p", "p"), ("ci_low", "low"), ("ci_high", "high")]:
        np.testing.assert_allclose(frame[ours], golden[theirs], rtol=0, atol=1e-8, err_msg=ours)
    np.testing.assert_array_equal(frame["df2"], golden["df2"])


def holes() -> pd.DataFrame:
    return pd.read_csv(GOLDEN / "icc_holes.csv")


@pytest.mark.parametrize("column", ["score", "flat"])
def test_crossed_components_agree_with_lme4(column: str) -> None:
    data = holes()
    golden = json.loads((GOLDEN / "components.json").read_text())[{"score": "crossed", "flat": "flat"}[column]]
    fit = crossed_components(data[column].to_numpy(), *(pd.factorize(data[c])[0] for c in ("target", "rater")))
    np.testing.assert_allclose(
        [fit.target, fit.rater, fit.error], [golden["target"], golden["rater"], golden["Residual"]], atol=1e-7
    )
    assert fit.criterion == pytest.approx(golden["criterion"], abs=1e-8)


def test_one_way_components_agree_with_lme4() -> None:
    data = holes()
    golden = json.loads((GOLDEN / "components.json").read_text())["oneway"]
    codes = pd.factorize(data["target"])[0]
    fit = random_intercept(group_moments(data["score"].to_numpy(), codes, codes.max() + 1))
    np.testing.assert_allclose([fit.tau2, fit.sigma2], [golden["target"], golden["Residual"]], atol=1e-7)
    assert fit.criterion == pytest.approx(golden["criterion"], abs=1e-8)


def test_reml_of_a_complete_table_gives_the_mean_square_forms() -> None:
    table = pd.read_csv(GOLDEN / "icc_big.csv")
    y, shape = table.to_numpy().ravel(), table.shape
    fit = crossed_components(y, np.repeat(np.arange(shape[0]), shape[1]), np.tile(np.arange(shape[1]), shape[0]))
    closed = icc(table)
    np.testing.assert_allclose(
        [fit.target, fit.rater, fit.error], [closed.target, closed.rater, closed.error], rtol=1e-8
    )


def test_holes_give_the_ratios_of_the_components() -> None:
    result = icc(holes(), "target", "rater", "score")
    total = result.target + result.rater + result.error
    assert result.form("ICC(A,1)").estimate == pytest.approx(result.target / total, abs=1e-12)
    assert result.form("ICC(C,1)").estimate == pytest.approx(result.target / (result.target + result.error), abs=1e-12)
    for form in result.forms:
        assert form.ci_low < form.estimate < form.ci_high, form.name


def test_planted_truth_with_holes_is_covered() -> None:
    """80 tables of 60 targets, 6 raters, three ratings in four: every form's truth covered about 95 % of the time."""
    rng = np.random.default_rng(20)
    truth = {"ICC(1,1)": 0.5, "ICC(2,1)": 0.5, "ICC(3,1)": 0.5 / 0.9}
    hits = dict.fromkeys(truth, 0)
    estimates: dict[str, list[float]] = {name: [] for name in truth}
    for _ in range(80):
        x = rng.normal(0, 0.5**0.5, (60, 1)) + rng.normal(0, 0.1**0.5, (1, 6)) + rng.normal(0, 0.4**0.5, (60, 6))
        x[rng.random(x.shape) < 0.25] = np.nan
        result = icc(pd.DataFrame(x))
        for name, value in truth.items():
            form = result.form(name)
            estimates[name].append(form.estimate)
            hits[name] += form.ci_low <= value <= form.ci_high
    for name, value in truth.items():
        error = np.std(estimates[name]) / 80**0.5
        assert abs(np.mean(estimates[name]) - value) < 3 * error + 0.02, name  # ratios of variances are a little biased
    assert hits["ICC(2,1)"] >= 70
    assert hits["ICC(3,1)"] >= 70


def test_names_shift_scale_and_order_do_not_matter() -> None:
    data = holes()
    first = icc(data, "target", "rater", "score").to_frame()
    mixed = data.sample(frac=1, random_state=1).assign(
        score=lambda d: 7 - 3 * d["score"], target=lambda d: "t" + d["target"].astype(str)
    )
    second = icc(mixed, "target", "rater", "score").to_frame()
    np.testing.assert_allclose(first["estimate"], second["estimate"], atol=1e-8)
    np.testing.assert_allclose(first["ci_high"], second["ci_high"], atol=1e-8)


@pytest.mark.parametrize(
    ("table", "says"),
    [
        (pd.DataFrame([[1.0, 2.0]]), "2 or more targets"),
        (pd.DataFrame([[2.0, 2.0], [2.0, 2.0]]), "all ratings are equal"),
        (pd.DataFrame([[1.0, 2.0], [2.0, 3.0], [5.0, 6.0]]), "error variance is zero"),
        (pd.DataFrame([[np.nan, np.nan]]), "no rating"),
    ],
)
def test_refusals(table: pd.DataFrame, says: str) -> None:
    with pytest.raises(DataError, match=says):
        icc(table)


def test_long_tables_are_checked() -> None:
    data = holes()
    with pytest.raises(DataError, match="must name a column"):
        icc(data, "target", "rater", "points")
    with pytest.raises(DataError, match="twice by the same rater"):
        icc(pd.concat([data, data.head(1)]), "target", "rater", "score")
