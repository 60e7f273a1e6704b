"""Confirmatory factor models against lavaan and semTools, planted truths, and what must be refused or said."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from lavaan_tables import beside

from microresearch.errors import DataError, SpecError
from microresearch.psychometrics.cfa import cfa

GOLDEN = Path(__file__).parents[1] / "golden" / "cfa"
EXPECTED = json.loads((GOLDEN / "golden.json").read_text())
FILES = {"hs": "holzinger", "bif": "bifactor"}
MODELS = [name for name in EXPECTED if name != "steps"]
ARGUMENTS = {
    "std.lv": "std_lv", "group.equal": "equal", "group.partial": "free", "estimator": "estimator", "group": "group",
    "cluster": "cluster", "orthogonal": "orthogonal",
}  # fmt: skip
THREE = "visual =~ x1 + x2 + x3\ntextual =~ x4 + x5 + x6\nspeed =~ x7 + x8 + x9"


@cache
def data(name):
    return pd.read_csv(GOLDEN / f"{FILES.get(name, name)}.csv")


@cache
def fitted(name):
    golden = EXPECTED[name]
    options = {}
    for key, value in dict(golden["options"]).items() if golden["options"] else ():
        if key == "missing":
            options["missing"] = "fiml"
        elif key in ("group.equal", "group.partial"):
            options[ARGUMENTS[key]] = [value] if isinstance(value, str) else value
        else:
            options[ARGUMENTS[key]] = value
    return cfa(golden["model"], data(golden["data"]), **options)


@pytest.mark.parametrize("name", MODELS)
def test_parameters(name):
    result = fitted(name)
    assert result.converged
    key, theirs = beside(result, EXPECTED[name]["parameters"])
    ours = result.parameters.set_index(key)
    assert set(ours.index) == set(theirs.index)
    theirs = theirs.loc[ours.index]
    np.testing.assert_allclose(ours["est"], theirs["est"], atol=5e-5)
    np.testing.assert_allclose(ours["se"], theirs["se"], atol=5e-5)
    np.testing.assert_allclose(ours["std.all"], theirs["std.all"], atol=5e-5)
    for column in ("ci.lower", "ci.upper"):
        np.testing.assert_allclose(ours[column], theirs[column], atol=1e-4)
    free = ours["se"] > 0
    np.testing.assert_allclose(ours["pvalue"][free], theirs["pvalue"][free].astype(float), atol=1e-4)


@pytest.mark.parametrize("name", MODELS)
def test_fit_measures(name):
    result, theirs = fitted(name), EXPECTED[name]["fit"]
    shared = set(result.fit) & set(theirs)
    assert {"chisq", "df", "cfi", "tli", "rmsea", "rmsea.ci.upper", "srmr", "aic", "bic", "logl", "npar"} <= shared
    assert set(result.fit) <= set(theirs)
    if result.estimator == "MLR":
        assert {"chisq.scaled", "rmsea.ci.lower.scaled", "baseline.chisq.scaling.factor"} <= shared
        assert ("cfi.robust" in shared) == ("fiml" not in name)
    for measure in sorted(shared):
        big = "chisq" in measure or "logl" in measure or measure in ("aic", "bic", "bic2")
        expected = float(theirs[measure])
        assert result.fit[measure] == pytest.approx(expected, rel=1e-5 if big else 0, abs=1e-5), measure


@pytest.mark.parametrize("name", [name for name in MODELS if "modification" in EXPECTED[name]])
def test_modification_indices(name):
    result = fitted(name)
    key, theirs = beside(result, EXPECTED[name]["modification"])
    ours = result.modification_indices().set_index(key)
    assert set(ours.index) == set(theirs.index)
    theirs = theirs.loc[ours.index]
    for column in ("mi", "epc", "sepc.all"):
        np.testing.assert_allclose(ours[column], theirs[column], atol=2e-3 if column == "mi" else 2e-4)


def test_freeing_the_largest_index_lowers_chi_square_by_about_as_much():
    top = fitted("ml").modification_indices(least=30).iloc[0]
    freed = cfa(f"{THREE}\n{top['lhs']} {top['op']} {top['rhs']}", data("hs"))
    assert fitted("ml").fit["chisq"] - freed.fit["chisq"] == pytest.approx(top["mi"], rel=0.2)


@pytest.mark.parametrize("name", [name for name in MODELS if "reliability" in EXPECTED[name]])
def test_reliability(name):
    result, golden = fitted(name), EXPECTED[name]
    found = result.reliability().table
    ours = found.set_index(["group", "term"] if "group" in found else "term")
    rows = golden["reliability_rows"]
    for key, theirs in golden["reliability"].items():
        for factor, column in theirs.items() if isinstance(theirs, dict) else [(key, theirs)]:
            mine = ours.loc[(key, factor)] if isinstance(theirs, dict) else ours.loc[factor]
            for term, expected in zip(rows, column, strict=True):
                if term == "alpha":
                    continue
                mine_is = mine["ave" if term == "avevar" else term]
                assert mine_is == pytest.approx(np.nan if expected is None else expected, abs=1e-5, nan_ok=True)


def test_htmt_residuals_and_scores():
    result, golden = fitted("ml"), EXPECTED["ml"]
    np.testing.assert_allclose(result.reliability().htmt[""], golden["htmt"], atol=1e-12)
    theirs = np.array(golden["residual_cor"])[np.tril_indices(9, -1)]
    np.testing.assert_allclose(result.residuals["residual"], theirs, atol=1e-5)
    np.testing.assert_allclose(result.scores(data("hs"), method="bartlett")[:20], golden["bartlett"], atol=1e-5)


@pytest.mark.parametrize("name", ["ml", "second", "bifactor", "fiml", "cluster_fiml"])
def test_scores(name):
    golden = EXPECTED[name]
    theirs = np.array(golden["scores"], dtype=float)
    ours = fitted(name).scores(data(golden["data"])).to_numpy()
    assert np.isnan(ours[: len(theirs)]).any() == (name == "fiml")
    np.testing.assert_allclose(ours[: len(theirs)], theirs, atol=5e-5)


def test_scores_of_groups_need_the_group():
    result = fitted("scalar")
    by_group = result.scores(data("hs"), group="school")
    assert by_group.notna().all().all()
    with pytest.raises(SpecError, match="group="):
        result.scores(data("hs"))


def test_corrections_for_few_people_and_many_items():
    """semTools 0.5-6, chisqSmallN(): 84.166 and 83.674."""
    found = fitted("ml").small_sample_tests().set_index("correction")
    assert found["chisq"].round(3).to_dict() == {"none": 85.306, "swain": 84.166, "yuan.2015": 83.674}
    with pytest.raises(SpecError, match="few people"):
        fitted("mlr").small_sample_tests()


def planted(seed, n=400, heavy=False):
    rng = np.random.default_rng(seed)
    f = rng.multivariate_normal([0, 0], [[1, 0.4], [0.4, 1]], n)
    e = rng.normal(size=(n, 6))
    if heavy:
        e *= np.sqrt(4 / rng.chisquare(6, (n, 1)))
        f *= np.sqrt(4 / rng.chisquare(6, (n, 1)))
    x = 0.7 * f[:, [0, 0, 0, 1, 1, 1]] + np.sqrt(0.51) * e
    return pd.DataFrame(x, columns=[f"y{j}" for j in range(1, 7)])


TWO = "f =~ y1 + y2 + y3\ng =~ y4 + y5 + y6"


def test_planted_parameters_are_recovered():
    result = cfa(TWO, planted(1, n=20_000), std_lv=True)
    p = result.parameters.set_index(["lhs", "op", "rhs"])["est"]
    np.testing.assert_allclose(p.xs("=~", level="op"), 0.7, atol=0.03)
    assert p["f", "~~", "g"] == pytest.approx(0.4, abs=0.03)


def test_missing_at_random_is_harmless_with_fiml_and_harmful_without():
    full = planted(2, n=6000)
    holes = full.copy()
    holes.loc[full["y1"] > 0.3, ["y2", "y4"]] = np.nan
    means = {}
    for rule in ("fiml", "listwise"):
        p = cfa(f"{TWO}\ny2 ~ 1", holes, missing=rule).parameters
        means[rule] = p.query("op == '~1' and lhs == 'y2'")["est"].item()
    assert abs(means["fiml"]) < 0.06
    assert means["listwise"] < -0.2


def test_what_may_not_matter_does_not():
    frame = data("hs")
    base = fitted("ml")
    shuffled = cfa(THREE, frame.sample(frac=1, random_state=1))
    shifted = cfa(THREE, frame.assign(**{f"x{j}": 1000 + 50 * frame[f"x{j}"] for j in range(1, 10)}))
    renamed = cfa("speed =~ x9 + x8 + x7\nvisual =~ x2 + x3 + x1\ntextual =~ x6 + x5 + x4", frame)
    for other in (shuffled, shifted, renamed):
        assert other.fit["chisq"] == pytest.approx(base.fit["chisq"], rel=1e-9)
        assert other.fit["srmr"] == pytest.approx(base.fit["srmr"], rel=1e-7)
    np.testing.assert_allclose(shifted.parameters["std.all"], base.parameters["std.all"], atol=1e-7)


def test_fiml_of_complete_data_is_ml():
    ours, base = cfa(THREE, data("hs"), missing="fiml"), fitted("ml")
    assert ours.fit["chisq"] == pytest.approx(base.fit["chisq"], rel=1e-9)
    assert ours.fit["cfi"] == pytest.approx(base.fit["cfi"], abs=1e-9)


def test_each_in_an_own_cluster_is_no_cluster():
    frame = data("hs").assign(unit=range(301))
    alone = cfa(THREE, frame, estimator="MLR", cluster="unit")
    loose = fitted("mlr")
    ratio = (alone.parameters.query("op == '=~'")["se"] / loose.parameters.query("op == '=~'")["se"]).dropna() ** 2
    np.testing.assert_allclose(ratio, 301 / 300, rtol=1e-9)


def test_people_of_one_unit_in_two_groups_are_not_independent():
    """The errors of what groups share count covariance over groups: opposite halves of one person add nothing."""
    frame = planted(3, n=300).assign(unit=range(300))
    twice = pd.concat([frame.assign(half="a"), frame.assign(half="b")], ignore_index=True)
    equal = ["loadings", "intercepts", "residuals", "lv.variances", "lv.covariances", "means"]
    both = cfa(TWO, twice, estimator="MLR", cluster="unit", group="half", equal=equal)
    once = cfa(TWO, frame, estimator="MLR", cluster="unit")
    ours = both.parameters.query("group == 'a' and op == '=~'")["se"].to_numpy()
    np.testing.assert_allclose(ours, once.parameters.query("op == '=~'")["se"], rtol=1e-6)


def test_few_clusters_are_said():
    frame = data("clustered")
    result = cfa(TWO, frame.assign(ward=frame["unit"].str[-1]), estimator="MLR", cluster="ward")
    assert any("10 clusters are fewer than the 19 free parameters" in said for said in result.warnings)
    assert not fitted("cluster").warnings


def test_a_unit_of_one_person_is_kept():
    result = fitted("cluster")
    assert result.n_used == len(data("clustered"))
    assert data("clustered")["unit"].value_counts().min() == 1


@pytest.mark.parametrize(
    ("model", "named"),
    [
        ("f =~ NA*x1 + x2 + x3 + x4", "f =~ x1"),
        ("f =~ x1 + x2", "not identified"),
        ("f =~ x1 + x2 + x3\nf ~~ x4\nx4 ~ f", "f ~~ x4|x4 ~ f"),
    ],
)
def test_not_identified_names_the_parameter(model, named):
    with pytest.raises(SpecError, match="not identified") as error:
        cfa(model, data("hs"))
    assert any(part in str(error.value) for part in named.split("|"))


def test_a_group_without_anybody_left_is_refused():
    frame = data("hs").assign(x2=lambda f: f["x2"].where(f["school"] == "Pasteur"))
    with pytest.raises(DataError, match="nobody is left to analyse in group Grant-White"):
        cfa(THREE, frame, group="school")
    with pytest.raises(DataError, match=r"x2.*do not vary"):
        cfa(THREE, frame.assign(x2=frame["x2"].where(frame["school"] == "Pasteur", 1.0)), group="school")


def test_a_single_item_is_no_model():
    with pytest.raises(SpecError, match="a single item has no correlation"):
        cfa("f =~ x1", data("hs"), estimator="MLR")


def test_too_few_people():
    with pytest.raises(DataError, match="9 people are too few"):
        cfa(THREE, data("hs").head(9))
    result = cfa(TWO, planted(8, n=12))
    assert any("12 people are fewer than the 13 free parameters" in said for said in result.warnings)


def exact(correlations, n=200):
    """People whose sample correlations are these."""
    r = np.eye(len(correlations)) + np.tril(correlations, -1) + np.tril(correlations, -1).T
    x = np.random.default_rng(1).normal(size=(n, len(r)))
    x = (x - x.mean(axis=0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(x.T, bias=True))).T
    return pd.DataFrame(x @ np.linalg.cholesky(r).T, columns=[f"y{j + 1}" for j in range(len(r))])


def test_a_heywood_case_is_said():
    frame = exact([[0, 0, 0], [0.8, 0, 0], [0.7, 0.4, 0]])
    result = cfa("f =~ y1 + y2 + y3", frame)
    assert result.parameters.query("lhs == 'y1' and op == '~~'")["std.all"].item() == pytest.approx(-0.4, abs=1e-6)
    assert any("Heywood case: the variance of y1 is estimated below zero" in said for said in result.warnings)
    assert "<li>Heywood" in result._repr_html_()


def test_factors_that_cannot_be_are_said():
    r = np.full((6, 6), 0.5)
    r[:3, :3] = r[3:, 3:] = 0.4
    result = cfa(TWO, exact(r))
    assert any("f and g correlate 1.250" in said for said in map(swap, result.warnings))


def swap(said):
    return said.replace("g and f", "f and g")


def test_what_the_data_do_not_determine_at_the_solution_is_said():
    r = np.zeros((4, 4))
    r[1, 0] = r[3, 2] = 0.5
    result = cfa("f =~ y1 + y2\ng =~ y3 + y4", exact(r))
    assert any("do not determine" in said for said in result.warnings) or not result.converged


def test_a_constant_item_an_unknown_column_and_text_are_refused():
    frame = data("hs")
    with pytest.raises(DataError, match=r"x2.*do not vary"):
        cfa(THREE, frame.assign(x2=1.0))
    with pytest.raises(DataError, match="zz"):
        cfa("f =~ x1 + zz + x2", frame)
    with pytest.raises(DataError, match="not numbers"):
        cfa("f =~ x1 + x2 + school", frame)
    flat = frame.assign(x2=frame["x2"].where(frame["school"] == "Pasteur", 1.0))
    with pytest.raises(DataError, match="in group Grant-White"):
        cfa(THREE, flat, group="school")


def test_settings_that_cannot_be_meant():
    frame = data("hs")
    with pytest.raises(SpecError, match="MLR"):
        cfa(THREE, frame, cluster="school")
    with pytest.raises(SpecError, match="unknown estimator"):
        cfa(THREE, frame, estimator="GLS")
    with pytest.raises(SpecError, match="loadings"):
        cfa(THREE, frame, group="school", equal=["slopes"])
    with pytest.raises(SpecError, match="no parameter visual=~x9"):
        cfa(THREE, frame, group="school", equal=["loadings"], free=["visual=~x9"])
    with pytest.raises(DataError, match="one group only"):
        cfa(THREE, frame.assign(one="a"), group="one")


def test_everyone_left_out_is_counted():
    frame = data("holes").assign(school=data("holes")["school"].where(np.arange(301) != 7))
    result = cfa(THREE, frame, group="school", missing="fiml")
    assert result.dropped == {"has no answer": 1, "has no group": 1}
    assert result.n_used == 299


def test_a_saturated_model_fits_exactly():
    result = cfa("f =~ x1 + x2 + x3", data("hs"))
    assert (result.fit["df"], round(result.fit["chisq"], 8), result.fit["cfi"]) == (0, 0, 1)


def test_frame_and_r2():
    result = fitted("ml")
    frame = result.to_frame()
    assert frame.columns.tolist() == ["term", "estimate", "se", "ci_low", "ci_high", "statistic", "p", "n"]
    r2 = result.r2.set_index("term")["estimate"]
    loadings = result.parameters.query("op == '=~'").set_index("rhs")["std.all"]
    np.testing.assert_allclose(r2[loadings.index], loadings**2, rtol=1e-9)
