"""The ladder of invariance against lavaan, planted differences, and steps that restrict nothing."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from microresearch.errors import SpecError
from microresearch.psychometrics.cfa import cfa
from microresearch.psychometrics.cfa.sample import draw_sample
from microresearch.psychometrics.fit import ChiSquare
from microresearch.psychometrics.invariance import invariance, scaling_at_restricted
from microresearch.psychometrics.invariance_rules import judge
from microresearch.psychometrics.nested import satorra_bentler_2001, satorra_bentler_2010
from microresearch.results import NotAvailable

GOLDEN = Path(__file__).parents[1] / "golden" / "cfa"
EXPECTED = json.loads((GOLDEN / "golden.json").read_text())
SCHOOLS = pd.read_csv(GOLDEN / "holzinger.csv")
THREE = EXPECTED["ml"]["model"]
STEPS = ("metric", "scalar", "strict")


def planted(seed, loading=0.7, intercept=0.0, n=1500):
    """Two groups; in the second the third item may have another loading or intercept."""
    rng = np.random.default_rng(seed)
    role = np.repeat(["nurse", "physician"], n)
    other = role == "physician"
    f = rng.normal(size=2 * n) + 0.5 * other
    x = 0.7 * f[:, None] + 0.7 * rng.normal(size=(2 * n, 5))
    x[other, 2] += (loading - 0.7) * f[other] + intercept
    return pd.DataFrame(x, columns=list("abcde")).assign(role=role)


ONE = "f =~ a + b + c + d + e"


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        ("ml", {"estimator": "ML"}),
        ("sb2001", {"difference": "satorra.bentler.2001"}),
        ("sb2010", {"difference": "satorra.bentler.2010"}),
    ],
)
def test_difference_tests(kind, arguments):
    ladder = invariance(THREE, SCHOOLS, "school", **arguments)
    assert ladder.converged
    table = ladder.table.set_index("step")
    for before, step in zip(("configural", *STEPS), STEPS, strict=False):
        value, df, p = EXPECTED["steps"][f"{before}-{step}"][kind]
        if (kind, step) == ("sb2010", "scalar"):
            continue  # depends on how the metric model is scaled: see the next test
        row = table.loc[step]
        assert row["diff_chisq"] == pytest.approx(value, rel=1e-4)
        assert (row["diff_df"], row["restrictions"]) == (df, df)
        assert row["diff_p"] == pytest.approx(p, abs=1e-5)
    names = "configural", "metric", "scalar", "strict"
    suffix = "" if kind == "ml" else "_mlr"
    index = "cfi" if kind == "ml" else "cfi.robust"
    np.testing.assert_allclose(table["cfi"], [EXPECTED[name + suffix]["fit"][index] for name in names], atol=1e-5)


def test_the_difference_of_2010_with_metric_models_scaled_by_markers():
    """Away from its maximum the observed information depends on the scaling; with lavaan's own it is lavaan's."""
    golden = EXPECTED["marker_mlr"]
    free = cfa(golden["model"], SCHOOLS, "MLR", group="school", equal=["loadings"])
    restricted = cfa(THREE, SCHOOLS, "MLR", group="school", equal=["loadings", "intercepts"])
    sample = draw_sample(SCHOOLS, free.design.layouts[0].observed, "school", None, "listwise")
    c10 = scaling_at_restricted(free, restricted, sample)
    c0 = restricted.estimate.test_scaled.scaling
    found = satorra_bentler_2010(restricted.estimate.test, free.estimate.test, c0, c10)
    np.testing.assert_allclose([found.value, found.df], golden["sb2010"][:2], rtol=1e-4)


def test_both_scaled_differences_agree_where_people_are_many():
    frame = planted(1, intercept=0.05)
    tests = [invariance(ONE, frame, "role", difference=f"satorra.bentler.{year}") for year in (2001, 2010)]
    for step in STEPS:
        one, two = (ladder.differences[step].value for ladder in tests)
        assert one == pytest.approx(two, rel=0.05, abs=0.05)


@pytest.mark.parametrize(
    ("change", "highest"), [({}, "strict"), ({"loading": 0.2}, "configural"), ({"intercept": 0.6}, "metric")]
)
@pytest.mark.parametrize("rule", ["cheung2002", "chen2007"])
def test_planted_difference_stops_the_ladder(change, highest, rule):
    ladder = invariance(ONE, planted(2, **change), "role", rule=rule)
    assert ladder.highest == highest
    assert ("2002" in ladder.verdicts["metric"].rule) == (rule == "cheung2002")
    assert "normal-theory ML" in ladder.verdicts["metric"].why


def test_partial_invariance_frees_what_differs():
    frame = planted(3, intercept=0.6)
    assert invariance(ONE, frame, "role").highest == "metric"
    partial = invariance(ONE, frame, "role", free=["c~1"])
    assert partial.highest == "strict"
    assert partial.table["restrictions"].tolist()[1:] == [4, 3, 5]
    means = partial.fits["scalar"].parameters.query("lhs == 'c' and op == '~1'")["est"].to_numpy()
    assert means[1] - means[0] == pytest.approx(0.6, abs=0.08)
    with pytest.raises(SpecError, match="no parameter"):
        invariance(ONE, frame, "role", free=["z~1"])


def test_a_step_that_restricts_nothing_says_so():
    free = [f"f=~{item}" for item in "bcde"]
    ladder = invariance(ONE, planted(4), "role", free=free)
    assert isinstance(ladder.differences["metric"], NotAvailable)
    assert "restricts nothing" in ladder.verdicts["metric"].why
    assert ladder.table.set_index("step").loc["metric", "restrictions"] == 0


def test_clusters_and_holes_go_all_the_way():
    rng = np.random.default_rng(5)
    frame = planted(5, n=300)
    frame["unit"] = rng.integers(0, 40, len(frame))
    frame.loc[rng.uniform(size=len(frame)) < 0.1, "b"] = np.nan
    ladder = invariance(ONE, frame, "role", cluster="unit", missing="fiml")
    assert ladder.converged and ladder.highest == "strict"
    assert "chisq.scaled" in ladder.fits["strict"].fit


def test_a_negative_scaling_is_no_test():
    found = satorra_bentler_2001(ChiSquare(100, 30), ChiSquare(90, 25), 1.0, 2.0)
    assert isinstance(found, NotAvailable) and "not positive" in found.reason


def test_rules():
    assert judge("cheung2002", "metric", 500, -0.009, 0.1, 0.1).held
    assert not judge("cheung2002", "metric", 500, -0.011, 0, 0).held
    assert judge("chen2007", "metric", 500, -0.02, 0.001, 0.02).held
    assert not judge("chen2007", "scalar", 500, -0.02, 0.001, 0.02).held
    assert not judge("chen2007", "metric", 200, -0.006, 0.011, 0).held
    with pytest.raises(SpecError, match="rule"):
        invariance(THREE, SCHOOLS, "school", rule="mine")
