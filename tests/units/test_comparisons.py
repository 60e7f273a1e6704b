"""Groups of units and roles within units against base R; the order of rows does not matter; what cannot be compared."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from microresearch.errors import DataError
from microresearch.units.comparisons import compare_groups

HERE = Path(__file__).parents[1] / "golden" / "comparisons"
GOLDEN = json.loads((HERE / "golden.json").read_text())
D = pd.read_csv(HERE / "data.csv")


def test_types_of_unit_equal_r():
    found = compare_groups(D.drop(columns="role"), "type", unit="unit")
    assert found.design == "between units"
    row, theirs = found.overall.iloc[0], GOLDEN["welch"]
    ours = [row["statistic"], row["df"], row["df2"], row["p"], row["p_holm"]]
    np.testing.assert_allclose(ours, [theirs["f"], *theirs["df"], theirs["p"], theirs["p"]], rtol=1e-8)
    for pair in GOLDEN["games_howell"]:
        one = found.pairs[found.pairs["group"] == pair["pair"]].iloc[0]
        for key in ("estimate", "se", "df", "p", "ci_low"):
            assert one[key] == pytest.approx(pair[key], rel=1e-4), (pair["pair"], key)


def test_roles_are_compared_within_their_units_as_in_r():
    found = compare_groups(D.drop(columns="type").sample(frac=1, random_state=3), "role", unit="unit")
    assert found.design == "within units"
    row = found.overall.iloc[0]
    assert (row["statistic"], row["p"]) == pytest.approx((GOLDEN["repeated"]["f"], GOLDEN["repeated"]["p"]), rel=1e-6)
    assert row["n"] == 38
    for pair, holm in zip(GOLDEN["paired"], GOLDEN["holm"], strict=True):
        one = found.pairs[found.pairs["group"] == pair["pair"]].iloc[0]
        wanted = (pair["estimate"], pair["low"], pair["df"], holm)
        assert (one["estimate"], one["ci_low"], one["df"], one["p"]) == pytest.approx(wanted, rel=1e-8)


def test_people_count_through_their_units():
    """Ten times the people with the same answers change nothing: units are what is compared."""
    many = pd.concat([D] * 10).drop(columns="role")
    one, two = (compare_groups(d, "type", unit="unit").to_frame() for d in (D.drop(columns="role"), many))
    np.testing.assert_allclose(one.select_dtypes("number"), two.select_dtypes("number"), rtol=1e-9)


def test_planted_differences_come_back():
    rng = np.random.default_rng(5)
    group = pd.Series(np.repeat(["a", "b", "c"], [8, 12, 25]))
    shift = group.map({"a": 0.0, "b": 1.0, "c": 1.0}).to_numpy()
    noise = rng.normal(size=(45, 4)) * group.map({"a": 0.5, "b": 0.4, "c": 0.2}).to_numpy()[:, None]
    found = compare_groups(pd.DataFrame(noise + shift[:, None], columns=list("wxyz")), group).pairs
    planted = found["group"].map({"a - b": -1.0, "a - c": -1.0, "b - c": 0.0})
    assert (abs(found["estimate"] - planted) < 3 * found["se"]).all()
    assert (found.loc[found["group"] != "b - c", "p"] < 0.05).sum() >= 7


def test_what_cannot_be_compared_says_so():
    few = D[D["type"] != "medical"].drop(columns="role").groupby("unit").first().reset_index()
    tiny = few.groupby("type").head(2)
    assert "fewer than two groups" in compare_groups(tiny, "type", unit="unit").overall["note"][0]
    with pytest.raises(DataError, match="one group only"):
        compare_groups(D[D["type"] == "medical"].drop(columns="role"), "type", unit="unit")
    with pytest.raises(DataError, match="no such column"):
        compare_groups(D, "ward")
