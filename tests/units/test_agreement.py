"""rwg, rwg(j), AD, ICC(1), ICC(2) against R's multilevel and lme4; planted truths, invariants, refusals."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from microresearch.errors import DataError
from microresearch.numeric.moments import group_moments
from microresearch.units.agreement import Agreement, agreement, null_variances
from microresearch.units.between import between_rows

GOLDEN = Path(__file__).parents[1] / "golden" / "agreement"


def golden() -> dict:
    return json.loads((GOLDEN / "agreement.json").read_text())


def lead() -> pd.DataFrame:
    return pd.read_csv(GOLDEN / "lead.csv").rename(columns={"COMPID": "unit"}).astype({"unit": str})


@pytest.fixture(scope="module")
def result() -> Agreement:
    return agreement(lead(), low=1, high=5)


def test_unit_indices_agree_with_multilevel(result: Agreement) -> None:
    theirs = golden()
    units = result.units.set_index("unit").loc[theirs["units"]]
    names = {"rwg_j": "rwg_j_uniform", "rwg_j_skewed": "rwg_j_skewed", "ad_mean": "ad_mean", "ad_median": "ad_median"}
    for ours, name in names.items():
        np.testing.assert_allclose(units[ours], theirs[name], rtol=0, atol=1e-10, err_msg=ours)


def test_item_indices_agree_with_multilevel(result: Agreement) -> None:
    theirs = golden()
    items = result.items[result.items["item"] == "LEAD01"].set_index("unit").loc[theirs["units"]]
    for ours, name in {"rwg": "rwg_uniform", "rwg_skewed": "rwg_skewed", "ad_mean": "ad_item"}.items():
        np.testing.assert_allclose(items[ours], theirs[name], rtol=0, atol=1e-10, err_msg=ours)


def overall(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.set_index("term")


def test_icc_by_anova_agrees_with_multilevel_and_by_reml_with_lme4(result: Agreement) -> None:
    theirs, ours = golden(), overall(result.to_frame())
    for term, name in {"ICC(1), ANOVA": "icc1", "ICC(2), ANOVA": "icc2"}.items():
        assert ours.loc[term, "estimate"] == pytest.approx(theirs["anova"][name], abs=1e-10)
    row = ours.loc["ICC(1), ANOVA"]
    np.testing.assert_allclose(
        [row["statistic"], row["df"], row["df2"], row["p"]], [theirs["anova"][k] for k in ("f", "df1", "df2", "p")],
        rtol=1e-8,
    )  # fmt: skip
    tau2, sigma2 = theirs["reml"]["tau2"], theirs["reml"]["sigma2"]
    assert ours.loc["ICC(1), REML", "estimate"] == pytest.approx(tau2 / (tau2 + sigma2), abs=1e-7)
    k = len(lead()) / lead()["unit"].nunique()
    assert ours.loc["ICC(2), REML", "estimate"] == pytest.approx(tau2 / (tau2 + sigma2 / k), abs=1e-7)


def test_the_two_conventions_differ_on_a_well_known_set() -> None:
    data, theirs = pd.read_csv(GOLDEN / "bh1996.csv"), golden()["hours"]
    codes = pd.factorize(data["GRP"])[0]
    moments = group_moments(data["HRS"].to_numpy(float), codes.astype(np.int64), codes.max() + 1)
    rows = {row["term"]: row["estimate"] for row in between_rows("hours", moments)}
    assert rows["ICC(1), ANOVA"] == pytest.approx(theirs["icc1"], abs=1e-10)
    assert rows["ICC(2), ANOVA"] == pytest.approx(theirs["icc2"], abs=1e-10)
    assert rows["ICC(1), REML"] == pytest.approx(theirs["tau2"] / (theirs["tau2"] + theirs["sigma2"]), abs=1e-7)
    assert abs(rows["ICC(1), ANOVA"] - rows["ICC(1), REML"]) > 0.005


def test_planted_icc_is_recovered_and_covered() -> None:
    """300 surveys of 40 units with 3 to 25 raters, ICC(1) = .15: unbiased, and both intervals cover near 95 %."""
    rng, truth = np.random.default_rng(31), 0.15
    sizes = rng.integers(3, 26, 40)
    codes = np.repeat(np.arange(40), sizes)
    found: dict[str, list[float]] = {"ICC(1), ANOVA": [], "ICC(1), REML": []}
    hits = dict.fromkeys(found, 0)
    for _ in range(300):
        y = rng.normal(0, truth**0.5, 40)[codes] + rng.normal(0, (1 - truth) ** 0.5, len(codes))
        for row in between_rows("x", group_moments(y, codes, 40)):
            if row["term"] in found:
                found[row["term"]].append(row["estimate"])
                hits[row["term"]] += row["ci_low"] <= truth <= row["ci_high"]
    for term, values in found.items():
        assert abs(np.mean(values) - truth) < 3 * np.std(values) / 300**0.5 + 0.005, term
        assert 0.912 <= hits[term] / 300 <= 0.988, term


def test_no_agreement_gives_zero_and_full_agreement_one() -> None:
    apart = pd.DataFrame(
        {"unit": ["A"] * 4 + ["B"] * 4, "x": [1, 5, 1, 5, 3, 3, 3, 3.0], "y": [1, 5, 5, 1, 4, 4, 4, 4.0]}
    )
    units = agreement(apart, low=1, high=5).units
    assert units["rwg_j"].tolist() == [0.0, 1.0]
    assert units["ad_mean"].tolist() == [2.0, 0.0]


def test_order_of_rows_and_items_and_direction_do_not_matter(result: Agreement) -> None:
    turned = lead().sample(frac=1, random_state=2)
    items = [c for c in turned.columns if c != "unit"]
    turned[items] = 6 - turned[items]
    other = agreement(turned[["unit", *items[::-1]]], low=1, high=5)
    np.testing.assert_allclose(result.units["rwg_j"], other.units["rwg_j"], atol=1e-12)
    np.testing.assert_allclose(result.units["ad_median"], other.units["ad_median"], atol=1e-12)
    ours, theirs = (r.to_frame()["estimate"].to_numpy(float) for r in (result, other))
    np.testing.assert_allclose(ours, theirs, atol=1e-9)


def test_single_raters_and_holes_are_said_not_guessed() -> None:
    data = pd.DataFrame({
        "unit": ["A", "B", "B", "B", "C", "C", ""],
        "x": [4.0, 3, 4, np.nan, 2, 2, 5], "y": [4.0, np.nan, 4, np.nan, 2, 3, 5],
    })  # fmt: skip
    found = agreement(data, low=1, high=5)
    units = found.units.set_index("unit")
    assert units.loc["A", "note"] == "no item with two raters or more"
    assert np.isnan(units.loc["A", "rwg_j"])
    assert units.loc["B", ["n_raters", "n_items"]].tolist() == [2, 1]
    assert units.loc["B", "rwg_j"] == pytest.approx(1 - 0.5 / 2)  # one item left: rwg
    assert found.n_dropped == 1


def test_skewed_null_is_absent_where_none_is_published() -> None:
    data = pd.DataFrame({"unit": list("AABB"), "level": [1.0, 2, 3, 3]})
    found = agreement(data, low=1, high=3)
    assert "rwg_j_skewed" not in found.units
    assert found.null_variance["scale"] == {"uniform": pytest.approx(8 / 12)}
    assert overall(found.to_frame()).loc["rwg(j), skewed null, median", "note"].startswith("no skewed null")
    assert "rwg_j_skewed" in agreement(data, low=1, high=3, skewed=[0.1, 0.3, 0.6]).units
    with pytest.raises(DataError, match="3 shares"):
        null_variances(1, 3, [0.5, 0.5])


def test_refusals() -> None:
    with pytest.raises(DataError, match="observed ones would mislead"):
        agreement(lead())
    with pytest.raises(DataError, match="out of range"):
        agreement(lead(), low=1, high=4)
    with pytest.raises(DataError, match="no such column"):
        agreement(lead(), unit="ward", low=1, high=5)
    with pytest.raises(DataError, match="whole steps"):
        agreement(lead(), low=0.5, high=5)


def test_one_rater_everywhere_leaves_a_reason() -> None:
    found = agreement(pd.DataFrame({"unit": list("ABC"), "x": [1.0, 2, 3]}), low=1, high=5)
    assert overall(found.to_frame()).loc["ICC(1), REML", "note"].startswith("no group has 2 or more")
