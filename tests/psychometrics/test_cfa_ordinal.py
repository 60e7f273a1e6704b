"""Confirmatory models of ordered answers against lavaan and semTools, planted truths, invariants, refusals."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from lavaan_tables import beside

from microresearch.errors import DataError, SpecError
from microresearch.psychometrics.cfa import cfa

GOLDEN = Path(__file__).parents[1] / "golden" / "cfa_ordinal"
EXPECTED = json.loads((GOLDEN / "golden.json").read_text())
MODELS = [name for name in EXPECTED if name != "ladders"]
ARGUMENTS = {"std.lv": "std_lv", "group.equal": "equal", "group.partial": "free"}
THREE = EXPECTED["five"]["model"]


@cache
def data(name):
    return pd.read_csv(GOLDEN / f"{name}.csv")


@cache
def fitted(name):
    golden = EXPECTED[name]
    options = dict(golden["options"]) if golden["options"] else {}
    for key in ("group.equal", "group.partial"):
        if isinstance(options.get(key), str):
            options[key] = [options[key]]
    return cfa(
        golden["model"], data(golden["data"]), ordered=True, **{ARGUMENTS.get(k, k): v for k, v in options.items()}
    )


@pytest.mark.parametrize("name", MODELS)
def test_parameters(name):
    result = fitted(name)
    assert result.converged
    key, theirs = beside(result, EXPECTED[name]["parameters"])
    ours = result.parameters.set_index(key)
    assert set(theirs.index) == set(ours.index)
    theirs = theirs.loc[ours.index]
    np.testing.assert_allclose(ours["est"], theirs["est"], atol=2e-4)
    np.testing.assert_allclose(ours["se"], theirs["se"], rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(ours["std.all"], theirs["std.all"], atol=2e-4)


@pytest.mark.parametrize("name", MODELS)
def test_fit_measures(name):
    result, theirs = fitted(name), EXPECTED[name]["fit"]
    shared = set(result.fit) & set(theirs)
    assert {
        "chisq.scaled",
        "df",
        "cfi",
        "cfi.scaled",
        "rmsea.scaled",
        "rmsea.ci.upper.scaled",
        "srmr",
        "npar",
    } <= shared
    assert "logl" not in result.fit and "aic" not in result.fit
    for measure in sorted(name for name in shared if theirs[name] is not None):
        big = "chisq" in measure
        # with groups lavaan 0.6-14 leaves the groups' shares out of the baseline's expectation
        loose = measure in ("cfi.robust", "tli.robust") and len(result.labels) > 1
        expected = float(theirs[measure])
        assert result.fit[measure] == pytest.approx(expected, rel=1e-5 if big else 0, abs=1e-3 if loose else 1e-5), (
            measure
        )
    assert ("cfi.robust" in result.fit) == (theirs["cfi.robust"] is not None)


@pytest.mark.parametrize("name", [name for name in MODELS if "modification" in EXPECTED[name]])
def test_modification_indices(name):
    result = fitted(name)
    key, theirs = beside(result, EXPECTED[name]["modification"])
    ours = result.modification_indices().set_index(key)
    assert set(ours.index) == set(theirs.index)
    ours = ours[ours.index.get_level_values("op") != "~*~"]  # a standardised change of a scale means nothing
    theirs = theirs.loc[ours.index]
    for column in ("mi", "epc", "sepc.all"):  # lavaan's scores have divisor n - 1, its information n
        np.testing.assert_allclose(ours[column], theirs[column], rtol=4e-3, atol=2e-4)


@pytest.mark.parametrize("name", [name for name in MODELS if "reliability" in EXPECTED[name]])
def test_categorical_omega(name):
    """semTools' reliability(): Green & Yang's omega of the model, of what it implies, and of what was observed."""
    result, golden = fitted(name), EXPECTED[name]
    found = result.reliability().table
    ours = found.set_index(["group", "term"] if "group" in found else "term")
    for key, theirs in golden["reliability"].items():
        if key == "physician":  # semTools takes thresholds as if the factors' means were 0 in this group too
            continue
        for factor, column in theirs.items() if isinstance(theirs, dict) else [(key, theirs)]:
            mine = ours.loc[(key, factor)] if isinstance(theirs, dict) else ours.loc[factor]
            for term, expected in zip(golden["reliability_rows"], column, strict=True):
                if term.startswith("alpha"):
                    continue
                # theirs is of standardised answers that lack the other factors' share
                undefined = expected is None or (name == "bifactor" and term == "omega")
                mine_is = mine["ave" if term == "avevar" else term]
                assert mine_is == pytest.approx(np.nan if undefined else expected, abs=1e-4, nan_ok=True), term


@pytest.mark.parametrize("name", [name for name in MODELS if "scores" in EXPECTED[name] and name != "theta"])
def test_scores(name):
    theirs = np.array(EXPECTED[name]["scores"], dtype=float)
    ours = fitted(name).scores(data(EXPECTED[name]["data"])).to_numpy()
    np.testing.assert_allclose(ours[: len(theirs)], theirs, atol=1e-3)


def test_residual_correlations_and_r2():
    result, golden = fitted("five"), EXPECTED["five"]
    theirs = np.array(golden["residual_cor"])[np.tril_indices(12, -1)]
    np.testing.assert_allclose(result.residuals["residual"], theirs, atol=1e-5)
    loadings = result.parameters.query("op == '=~'").set_index("rhs")["std.all"]
    np.testing.assert_allclose(result.r2.set_index("term")["estimate"][loadings.index], loadings**2, rtol=1e-9)
    assert "CFI" in result._repr_html_() and "delta parameterization" in result.method


def test_scores_do_not_depend_on_the_parameterization():
    """They differ by the scale of each marker alone; lavaan 0.6-14 has other ones with theta."""
    delta, theta = (fitted(name).scores(data("five")) for name in ("five", "theta"))
    np.testing.assert_allclose(np.std(theta / delta, axis=0), 0, atol=1e-6)


def test_scores_of_new_people():
    result, frame = fitted("five"), data("five")
    whole = result.scores(frame)
    holes = frame.head(3).copy()
    holes.loc[0, ["y1", "y2"]] = np.nan
    holes.loc[1, [f"y{j}" for j in range(1, 13)]] = np.nan
    scores = result.scores(holes)
    assert scores.iloc[1].isna().all()
    np.testing.assert_allclose(scores.iloc[2], whole.iloc[2])
    assert abs(scores["b"].iloc[0] - whole["b"].iloc[0]) < 0.2 < abs(whole.to_numpy()).max()
    with pytest.raises(DataError, match=r"y3.*1, 2, 3, 4, 5"):
        result.scores(frame.assign(y3=7))
    with pytest.raises(SpecError, match="ordered"):
        result.scores(frame, method="bartlett")


CUTS = [-1.6, -0.8, 0.1, 1.1]


def planted(seed, n=400, cuts=CUTS):
    rng = np.random.default_rng(seed)
    f = rng.multivariate_normal([0, 0], [[1, 0.4], [0.4, 1]], n)
    y = 0.7 * f[:, [0, 0, 0, 1, 1, 1]] + np.sqrt(0.51) * rng.normal(size=(n, 6))
    return pd.DataFrame(np.digitize(y, cuts) + 1, columns=[f"y{j}" for j in range(1, 7)])


TWO = "f =~ y1 + y2 + y3\ng =~ y4 + y5 + y6"


def test_planted_parameters_are_recovered():
    result = cfa(TWO, planted(1, n=20_000), ordered=True, std_lv=True)
    p = result.parameters.set_index(["lhs", "op", "rhs"])["est"]
    np.testing.assert_allclose(p.xs("=~", level="op"), 0.7, atol=0.03)
    np.testing.assert_allclose(p.xs("|", level="op").to_numpy().reshape(6, 4), np.tile(CUTS, (6, 1)), atol=0.03)
    assert p["f", "~~", "g"] == pytest.approx(0.4, abs=0.03)


def test_what_may_not_matter_does_not():
    frame = data("five")
    base = fitted("five")
    items = [f"y{j}" for j in range(1, 13)]
    shuffled = cfa(THREE, frame.sample(frac=1, random_state=1), ordered=True)
    relabelled = cfa(
        THREE, frame.assign(**{i: frame[i].map({1: -3, 2: 0, 3: 1, 4: 8, 5: 90}) for i in items}), ordered=items
    )
    renamed = cfa("\n".join(reversed(THREE.split("\n"))).replace("y1 + y2 + y3", "y2 + y3 + y1"), frame, ordered=True)
    for other in (shuffled, relabelled, renamed, fitted("theta"), fitted("std_lv")):
        for measure in ("chisq", "chisq.scaled", "srmr", "tli.robust"):
            assert other.fit[measure] == pytest.approx(base.fit[measure], rel=1e-6)
        ours = other.parameters.query("op == '=~'").set_index("rhs")["std.all"]
        theirs = base.parameters.query("op == '=~'").set_index("rhs")["std.all"]
        np.testing.assert_allclose(ours[theirs.index], theirs, atol=1e-6)


def test_reversed_items_turn_their_loadings():
    frame = planted(2)
    base = cfa(TWO, frame, ordered=True, std_lv=True)
    turned = cfa(TWO, frame.assign(y1=6 - frame["y1"]), ordered=True, std_lv=True)
    assert turned.fit["chisq.scaled"] == pytest.approx(base.fit["chisq.scaled"], rel=1e-6)
    ours, theirs = (x.parameters.query("op == '=~'").set_index("rhs")["est"] for x in (turned, base))
    assert abs(ours["y1"]) == pytest.approx(abs(theirs["y1"]), abs=1e-6)
    assert np.sign(ours["y1"] * ours["y2"]) == -np.sign(theirs["y1"] * theirs["y2"])


def test_freeing_the_largest_index_lowers_chi_square_by_about_as_much():
    frame = planted(3, n=1500)
    frame["y2"] = np.where(np.arange(1500) % 4 == 0, frame["y1"], frame["y2"])
    result = cfa(TWO, frame, ordered=True)
    top = result.modification_indices().iloc[0]
    freed = cfa(f"{TWO}\n{top['lhs']} {top['op']} {top['rhs']}", frame, ordered=True)
    assert result.fit["chisq"] - freed.fit["chisq"] == pytest.approx(top["mi"], rel=0.35)


def clustered(seed, units=60, each=10):
    rng = np.random.default_rng(seed)
    unit = np.repeat(np.arange(units), each)
    share = rng.normal(size=(units, 2))[unit]
    f = np.sqrt(0.4) * share + np.sqrt(0.6) * rng.normal(size=(len(unit), 2))
    y = 0.7 * f[:, [0, 0, 0, 1, 1, 1]] + np.sqrt(0.51) * rng.normal(size=(len(unit), 6))
    frame = pd.DataFrame(np.digitize(y, CUTS), columns=[f"y{j}" for j in range(1, 7)])
    return frame.assign(unit=unit, role=np.where(np.arange(len(unit)) % 2, "a", "b"))


def test_each_in_an_own_cluster_is_no_cluster():
    frame = planted(4).assign(unit=range(400))
    alone, loose = (cfa(TWO, frame, ordered=True, cluster=c) for c in ("unit", None))
    np.testing.assert_allclose(alone.parameters["se"], loose.parameters["se"], rtol=1e-9)
    assert alone.fit["chisq.scaled"] == pytest.approx(loose.fit["chisq.scaled"], rel=1e-9)


def test_clusters_change_errors_and_not_estimates():
    frame = clustered(5)
    robust, naive = (cfa(TWO, frame, ordered=True, cluster=c) for c in ("unit", None))
    np.testing.assert_allclose(robust.parameters["est"], naive.parameters["est"], rtol=1e-9)
    ratio = (robust.parameters["se"] / naive.parameters["se"])[robust.parameters["op"] == "|"]
    assert ratio.median() > 1.2
    assert "summed over units" in robust.method and "units" not in naive.method


def test_people_of_one_unit_in_two_groups_are_not_independent():
    frame = planted(6, n=300).assign(unit=range(300))
    twice = pd.concat([frame.assign(half="a"), frame.assign(half="b")], ignore_index=True)
    equal = ["loadings", "thresholds", "lv.variances", "lv.covariances", "means"]
    shared = "\n".join(f"y{j} ~*~ c(1, 1)*y{j}" for j in range(1, 7))
    both = cfa(f"{TWO}\n{shared}", twice, ordered=True, cluster="unit", group="half", equal=equal)
    once = cfa(TWO, frame, ordered=True, cluster="unit")
    ours = both.parameters.query("group == 'a' and op == '=~'")["se"].to_numpy()
    np.testing.assert_allclose(ours, once.parameters.query("op == '=~'")["se"], rtol=1e-6)


def test_few_clusters_are_said_and_a_unit_of_one_person_is_kept():
    frame = clustered(7, units=9, each=40)
    frame.loc[0, "unit"] = 99
    result = cfa(TWO, frame, ordered=True, cluster="unit")
    assert result.n_used == len(frame)
    assert any("10 clusters are fewer than the 31 free parameters" in said for said in result.warnings)


def test_a_heywood_case_and_an_impossible_factor_covariance_are_said():
    rng = np.random.default_rng(8)
    y = rng.multivariate_normal(np.zeros(3), [[1, 0.85, 0.75], [0.85, 1, 0.45], [0.75, 0.45, 1]], 3000)
    frame = pd.DataFrame(np.digitize(y, CUTS), columns=["y1", "y2", "y3"])
    said = cfa("f =~ y1 + y2 + y3", frame, ordered=True).warnings
    assert any("Heywood case: the variance of y1 is estimated below zero" in one for one in said)
    r = np.full((6, 6), 0.5)
    r[:3, :3] = r[3:, 3:] = 0.4
    np.fill_diagonal(r, 1)
    frame = pd.DataFrame(np.digitize(rng.multivariate_normal(np.zeros(6), r, 4000), CUTS), columns=list("abcdef"))
    said = cfa(
        "f =~ a + b + c\ng =~ d + e + f1".replace("f1", "f0"), frame.rename(columns={"f": "f0"}), ordered=True
    ).warnings
    assert any("covariance matrix of the factors is not positive definite" in one for one in said)


def test_few_people_are_said():
    with pytest.raises(DataError, match="6 people are too few"):
        cfa(TWO, planted(9, n=6), ordered=True)
    few = cfa(TWO, planted(2, n=17, cuts=[0.0, 0.8]), ordered=True)
    assert any("17 people are fewer than the 19 free parameters" in said for said in few.warnings)


def test_polychorics_that_are_not_positive_definite_are_said():
    """Each pair of the first three items is answered by people of its own, who agree on no order."""
    frame = planted(12, n=900)
    third = np.arange(900) % 3
    for k, (kept, lost) in enumerate([(("y1", "y2"), "y3"), (("y2", "y3"), "y1"), (("y1", "y3"), "y2")]):
        mine = third == k
        near = frame.loc[mine, kept[0]].where(np.arange(mine.sum()) % 5 > 0, 3)
        frame.loc[mine, kept[1]] = 6 - near if k == 2 else near
        frame.loc[mine, lost] = np.nan
    result = cfa(TWO, frame, ordered=True, missing="pairwise")
    assert any("not positive definite" in said for said in result.warnings)
    assert "cfi.robust" not in result.fit and "cfi.scaled" in result.fit


@pytest.mark.parametrize(
    ("model", "named"),
    [
        ("f =~ NA*y1 + y2 + y3 + y4", "f =~ y1"),
        ("f =~ y1 + y2", "not identified"),
        ("y1 ~ 1\nf =~ y1 + y2 + y3 + y4", "y1 ~1"),
    ],
)
def test_not_identified_names_the_parameter(model, named):
    with pytest.raises(SpecError, match="not identified") as error:
        cfa(model, planted(13), ordered=True)
    assert named in str(error.value)


def test_categories_of_groups_must_be_the_same():
    frame = data("five").copy()
    frame.loc[frame["role"] == "nurse", "y4"] = frame["y4"].clip(lower=2)
    with pytest.raises(DataError, match=r"y4.*nobody in group nurse chose category 1"):
        cfa(THREE, frame, ordered=True, group="role")
    assert cfa(THREE, frame[frame["role"] == "nurse"], ordered=True).converged  # four categories are an item too


def test_settings_that_cannot_be_meant():
    frame = planted(14)
    for options, match in (
        ({"estimator": "ML", "ordered": True}, "WLSMV"), ({"estimator": "WLSMV"}, "ordered=True"),
        ({"ordered": True, "missing": "fiml"}, "listwise, pairwise"), ({"missing": "pairwise"}, "listwise, fiml"),
        ({"ordered": ["y1", "y2"]}, "all ordered"), ({"ordered": True, "parameterization": "beta"}, "delta, theta"),
    ):  # fmt: skip
        with pytest.raises(SpecError, match=match):
            cfa(TWO, frame, **options)
    with pytest.raises(SpecError, match="no such threshold"):
        cfa(f"{TWO}\ny1 | t5", frame, ordered=True)
    with pytest.raises(SpecError, match="regressed"):
        cfa(f"{TWO}\ng ~ y1", frame, ordered=True)
    with pytest.raises(DataError, match="whole numbers"):
        cfa(TWO, frame.assign(y1=frame["y1"] + 0.5), ordered=True)
    with pytest.raises(DataError, match="perfectly"):
        cfa(TWO, frame.assign(y1=frame["y2"]), ordered=True)


def test_a_saturated_model_fits_exactly():
    result = cfa("f =~ y1 + y2 + y3", planted(15), ordered=True)
    assert (result.fit["df"], round(result.fit["chisq"], 8), result.fit["cfi"]) == (0, 0, 1)
    assert "chisq.scaled" not in result.fit
