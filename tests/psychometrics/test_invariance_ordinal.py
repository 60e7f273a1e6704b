"""The ladder of invariance of ordered items against lavaan and semTools, and planted differences."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from microresearch.errors import DataError, SpecError
from microresearch.psychometrics.invariance import invariance
from microresearch.psychometrics.invariance_steps import LADDER
from microresearch.results import NotAvailable

GOLDEN = Path(__file__).parents[1] / "golden" / "cfa_ordinal"
EXPECTED = json.loads((GOLDEN / "golden.json").read_text())
FREE = {"partial": ("y2|t1", "y2|t2", "a=~y3", "y5~1")}


@cache
def ladder(name):
    study = "three" if name == "three" else "five"
    frame = pd.read_csv(GOLDEN / f"{study}.csv")
    return invariance(EXPECTED[study]["model"], frame, "role", ordered=True, free=FREE.get(name, ()))


@pytest.mark.parametrize("step", LADDER)
@pytest.mark.parametrize("name", ["five", "three", "partial"])
def test_steps(name, step):
    golden = EXPECTED["ladders"][name][step]
    fit = ladder(name).fits[step]
    assert fit.converged
    for measure in ("chisq", "chisq.scaled", "df", "npar", "chisq.scaling.factor"):
        assert fit.fit[measure] == pytest.approx(golden["fit"][measure], rel=1e-5), measure
    for measure in ("cfi.scaled", "tli.scaled", "rmsea.scaled", "srmr"):
        assert fit.fit[measure] == pytest.approx(golden["fit"][measure], abs=1e-5), measure
    theirs = pd.DataFrame(golden["parameters"]).query("op != '=='")
    theirs["group"] = [fit.labels[int(g) - 1] for g in theirs["group"]]
    key = ["lhs", "op", "rhs", "group"]
    ours = fit.parameters.set_index(key)
    theirs = theirs.set_index(key).loc[ours.index]
    np.testing.assert_allclose(ours["est"], theirs["est"], atol=1e-3)
    np.testing.assert_allclose(ours["se"], theirs["se"], rtol=2e-3, atol=1e-5)


@pytest.mark.parametrize("name", ["five", "three", "partial"])
def test_difference_tests(name):
    table = ladder(name).table.set_index("step")
    for step in LADDER[1:]:
        value, df, p = EXPECTED["ladders"][name][step]["difference"]
        row = table.loc[step]
        assert row["restrictions"] == df
        if not df:
            assert isinstance(ladder(name).differences[step], NotAvailable)
            continue
        assert row["diff_chisq"] == pytest.approx(value, rel=1e-4)
        assert (row["diff_df"], row["df"]) == (df, EXPECTED["ladders"][name][step]["fit"]["df"])
        assert row["diff_p"] == pytest.approx(p, abs=1e-5)


def test_three_levels_restrict_nothing_until_loadings_are_equal():
    found = ladder("three")
    table = found.table.set_index("step")
    assert table.loc["thresholds", "df"] == table.loc["configural", "df"]
    assert "restricts nothing" in found.verdicts["thresholds"].why
    assert "thresholds alone restricted nothing" in found.verdicts["loadings"].why
    value, df, _ = EXPECTED["ladders"]["three"]["joint"]
    assert (table.loc["loadings", "diff_chisq"], table.loc["loadings", "diff_df"]) == pytest.approx(
        (value, df), rel=1e-4
    )
    assert "theta parameterization" in found.method and "normal-theory ML" in found.verdicts["loadings"].why


CUTS = [-1.2, -0.3, 0.6, 1.3]


def planted(seed, cuts=CUTS, loading=0.7, intercept=0.0, variance=0.51, threshold=0.0, n=1500):
    """Two groups; in the second, with another factor mean and variance, the third item may differ."""
    rng = np.random.default_rng(seed)
    role = np.repeat(["nurse", "physician"], n)
    other = role == "physician"
    f = rng.normal(size=2 * n) * np.where(other, 1.3, 1.0) + 0.4 * other
    y = 0.7 * f[:, None] + np.sqrt(0.51) * rng.normal(size=(2 * n, 5))
    y[other, 2] = intercept + loading * f[other] + np.sqrt(variance) * rng.normal(size=n)
    x = np.digitize(y, cuts)
    if threshold:
        x[other, 2] = np.digitize(y[other, 2], [*cuts[:-1], cuts[-1] - threshold])
    return pd.DataFrame(x, columns=list("abcde")).assign(role=role)


ONE = "f =~ a + b + c + d + e"


@pytest.mark.parametrize(
    ("change", "highest"),
    [
        ({}, "residuals"), ({"threshold": 0.5}, "configural"), ({"loading": 0.1}, "thresholds"),
        ({"intercept": 0.8}, "loadings"), ({"variance": 3.0}, "intercepts"),
    ],
)  # fmt: skip
def test_planted_difference_stops_the_ladder(change, highest):
    """By the difference test at .001, which with many people finds what indices may let pass."""
    table = invariance(ONE, planted(2, **change), "role", ordered=True).table
    stopped = table.loc[table["diff_p"] < 0.001, "step"].tolist()
    steps = list(LADDER)
    assert highest == (steps[steps.index(stopped[0]) - 1] if stopped else "residuals")


def test_group_differences_are_recovered_once_intercepts_are_equal():
    found = invariance(ONE, planted(3, n=6000), "role", ordered=True)
    assert found.highest == "residuals"
    p = found.fits["residuals"].parameters.query("lhs == 'f' and group == 'physician'").set_index("op")["est"]
    assert p["~1"] == pytest.approx(0.4, abs=0.06)
    assert p["~~"] == pytest.approx(1.69, abs=0.15)


def test_partial_invariance_frees_what_differs():
    frame = planted(4, intercept=0.8)
    partial = invariance(ONE, frame, "role", ordered=True, free=["c~1"])
    assert partial.table["diff_p"].min() > 0.001
    assert partial.table["restrictions"].tolist()[1:] == [10, 4, 3, 5]
    with pytest.raises(SpecError, match="no parameter"):
        invariance(ONE, frame, "role", ordered=True, free=["c|t9"])


def test_two_categories_are_tested_at_once():
    found = invariance(ONE, planted(5, cuts=[0.2]), "role", ordered=True)
    assert found.table["restrictions"].tolist()[1:] == [0, 0, 3, 5]
    assert found.converged and "tested together" in found.method
    assert "thresholds and loadings alone restricted nothing" in found.verdicts["intercepts"].why


def test_an_item_without_equal_thresholds_is_left_alone():
    found = invariance(ONE, planted(6), "role", ordered=True, free=[f"c|t{k}" for k in (1, 2, 3, 4)])
    assert found.table["restrictions"].tolist()[1:] == [8, 3, 3, 4]
    assert "left free in every step" in found.method


def test_second_order_models_climb_too():
    rng = np.random.default_rng(7)
    role = np.repeat(["nurse", "physician"], 800)
    g = rng.normal(size=(1600, 1))
    f = np.repeat(0.7 * g + 0.7 * rng.normal(size=(1600, 3)), 3, axis=1)
    x = np.digitize(0.8 * f + 0.6 * rng.normal(size=f.shape), CUTS)
    frame = pd.DataFrame(x, columns=[f"y{j}" for j in range(9)]).assign(role=role)
    model = "a =~ y0 + y1 + y2\nb =~ y3 + y4 + y5\nc =~ y6 + y7 + y8\ng =~ a + b + c"
    found = invariance(model, frame, "role", ordered=True)
    assert found.converged and found.table["restrictions"].tolist()[1:] == [18, 6, 6, 9]


def test_what_may_not_matter_does_not():
    frame = planted(8, n=400)
    base = invariance(ONE, frame, "role", ordered=True).table
    shuffled = invariance("f =~ e + c + a + b + d", frame.sample(frac=1, random_state=1), "role", ordered=True)
    relabelled = invariance(ONE, frame.replace({c: {3: 7, 4: 9} for c in "abcde"}), "role", ordered=list("abcde"))
    for other in (shuffled.table, relabelled.table):
        np.testing.assert_allclose(other["chisq"], base["chisq"], rtol=1e-5)
        np.testing.assert_allclose(other["diff_p"][1:].astype(float), base["diff_p"][1:].astype(float), atol=1e-4)


def test_clusters_and_holes_go_all_the_way():
    rng = np.random.default_rng(11)
    frame = planted(11, n=300)
    frame["unit"] = rng.integers(0, 40, len(frame))
    frame[list("abcde")] = frame[list("abcde")].mask(rng.uniform(size=(len(frame), 5)) < 0.1)
    found = invariance(ONE, frame, "role", ordered=True, cluster="unit", missing="pairwise")
    assert found.converged and found.n_used > 590
    assert found.table["diff_p"].min() > 0.001
    assert "units" in found.fits["loadings"].method


def test_a_category_that_one_group_lacks_is_named():
    frame = planted(9, n=300)
    frame.loc[frame["role"] == "nurse", "b"] = frame["b"].clip(upper=3)
    frame.loc[frame["role"] == "physician", "d"] = frame["d"].clip(lower=1)
    with pytest.raises(DataError) as error:
        invariance(ONE, frame, "role", ordered=True)
    said = str(error.value)
    assert "nobody in group nurse chose category 4" in said and "nobody in group physician chose category 0" in said
    assert "join the category" in said


def test_settings_that_cannot_be_meant():
    frame = planted(10, n=200)
    with pytest.raises(SpecError, match="WLSMV"):
        invariance(ONE, frame, "role", ordered=True, estimator="MLR")
    with pytest.raises(DataError, match="nothing can be compared"):
        invariance(ONE, frame, "role", ordered=True, free=[f"{c}|t{k}" for c in "abcde" for k in (1, 2, 3, 4)])
