"""Factor models of people within units against lavaan, planted truths, and what must be refused or said."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from microresearch.errors import DataError, SpecError
from microresearch.numeric.sem_structure import implied
from microresearch.psychometrics.cfa import cfa

GOLDEN = Path(__file__).parents[1] / "golden" / "cfa_two_level"
EXPECTED = json.loads((GOLDEN / "golden.json").read_text())
KEY = ["lhs", "op", "rhs", "level"]
TWO = "level: 1\nf =~ y1 + y2 + y3\nlevel: 2\nb =~ y1 + y2 + y3"


@cache
def data(name):
    return pd.read_csv(GOLDEN / f"{name}.csv")


@cache
def fitted(name):
    golden = EXPECTED[name]
    std_lv = bool(golden["options"]) and golden["options"].get("std.lv", False)
    return cfa(golden["model"], data(golden["data"]), cluster="unit", std_lv=std_lv)


@pytest.mark.parametrize("name", EXPECTED)
def test_parameters(name):
    result = fitted(name)
    assert result.converged
    assert not result.warnings
    theirs = pd.DataFrame(EXPECTED[name]["parameters"])
    theirs = theirs[theirs["op"] != "=="].replace({"level": {"within": 1, "between": 2}}).set_index(KEY)
    ours = result.parameters.set_index(KEY)
    assert set(ours.index) == set(theirs.index)
    theirs = theirs.loc[ours.index]
    for column in ("est", "se", "std.all", "ci.lower", "ci.upper"):
        np.testing.assert_allclose(ours[column], theirs[column].astype(float), atol=1e-4, err_msg=column)


@pytest.mark.parametrize("name", EXPECTED)
def test_fit_measures(name):
    """lavaan's chi-squares stand on its saturated model, which stops early: they are taken from a tighter one."""
    golden, ours = EXPECTED[name], fitted(name).fit
    theirs = {key: float(value) for key, value in golden["fit"].items() if value not in (None, "NA")}
    slack = 2 * (golden["saturated"] - theirs["unrestricted.logl"])
    assert ours["unrestricted.logl"] == pytest.approx(golden["saturated"], abs=1e-5)
    assert ours["chisq"] == pytest.approx(theirs["chisq"] + slack, abs=2e-5)
    assert (ours["df"], ours["npar"], ours["ntotal"]) == (theirs["df"], theirs["npar"], theirs["ntotal"])
    for measure in ("logl", "aic", "bic", "bic2"):
        assert ours[measure] == pytest.approx(theirs[measure], abs=1e-5)
    for measure in ("rmsea", "rmsea.ci.lower", "rmsea.ci.upper", "srmr", "srmr_within", "srmr_between"):
        assert ours[measure] == pytest.approx(theirs[measure], abs=5e-4), measure
    if name not in ("covariates", "std_lv"):  # lavaan's baseline model of these did not converge
        assert ours["baseline.df"] == theirs["baseline.df"]
        assert ours["baseline.chisq"] == pytest.approx(theirs["baseline.chisq"] + slack, rel=1e-6)
        for measure in ("cfi", "tli", "nfi", "ifi"):
            assert ours[measure] == pytest.approx(theirs[measure], abs=1e-5), measure
    assert "fmin" not in ours


@pytest.mark.parametrize("name", ["unbalanced", "covariates"])
def test_saturated_moments_and_shares_between(name):
    golden, result = EXPECTED[name], fitted(name)
    within = pd.DataFrame(golden["within"], index=golden["names"], columns=golden["names"])
    names = list(result.design.layouts[0].observed)
    np.testing.assert_allclose(result.estimate.observed[0].cov, within.loc[names, names], atol=2e-4)
    shares = result.icc.set_index("term")["estimate"]
    for item, share in shares.items():
        assert share == pytest.approx(golden["icc"][item], abs=5e-4)


@pytest.mark.parametrize("name", ["balanced", "unbalanced", "covariates"])
def test_modification_indices(name):
    theirs = pd.DataFrame(EXPECTED[name]["modification"]).set_index(KEY)
    ours = fitted(name).modification_indices().set_index(KEY)
    shared = ours.index.intersection(theirs.index)
    assert len(shared) > 15
    assert {"=~", "~~"} <= set(shared.get_level_values("op"))
    theirs, ours = theirs.loc[shared], ours.loc[shared]
    np.testing.assert_allclose(ours["mi"], theirs["mi"].astype(float), atol=2e-3)
    np.testing.assert_allclose(ours["epc"], theirs["epc"].astype(float), atol=2e-4)


@pytest.mark.parametrize("name", ["balanced", "unbalanced"])
def test_scores(name):
    golden, result = EXPECTED[name], fitted(name)
    frame = data(golden["data"])
    for level, label in ((1, "within"), (2, "between")):
        ours = result.scores(frame, cluster="unit", level=level)
        theirs = np.array(golden["scores"][label], dtype=float).reshape(30, -1)
        np.testing.assert_allclose(ours.to_numpy()[:30], theirs, atol=1e-4)


def test_scores_use_all_that_a_unit_tells():
    """With covariates: the conditional mean from the joint distribution of all that a unit's people answered."""
    result, everyone = fitted("covariates"), data("unbalanced")
    frame = everyone.query("unit == 'u005'")
    within, between = result.design.layouts
    at = [implied(one.structure, result.estimate.theta) for one in (within, between)]
    names = [(i, v) for i in range(len(frame)) for v in within.observed] + [(0, "w")]
    mean = dict.fromkeys([*within.observed, "w"], 0.0)
    for layout, one in zip((within, between), at, strict=True):
        mean |= {v: mean[v] + m for v, m in zip(layout.observed, one.mu, strict=True)}
    cov = np.zeros((len(names), len(names)))
    for a, (i, v) in enumerate(names):
        for b, (j, u) in enumerate(names):
            if v in between.observed and u in between.observed:
                cov[a, b] += at[1].sigma[between.observed.index(v), between.observed.index(u)]
            if i == j and v in within.observed and u in within.observed:
                cov[a, b] += at[0].sigma[within.observed.index(v), within.observed.index(u)]
    away = np.array([frame[v].iloc[i] - mean[v] for i, v in names])
    with_unit = [at[1].parts["cross"][between.observed.index(v), 0] if v in between.observed else 0 for _, v in names]
    expected = at[1].parts["mean_eta"][0, 0] + with_unit @ np.linalg.solve(cov, away)
    assert result.scores(everyone, cluster="unit", level=2).loc["u005", "b"] == pytest.approx(expected, abs=1e-9)
    inner = at[0].parts["cross"][:, 0]
    first = [inner[within.observed.index(v)] if v in within.observed and i == 0 else 0.0 for i, v in names]
    expected = at[0].parts["mean_eta"][0, 0] + first @ np.linalg.solve(cov, away)
    ours = result.scores(everyone, cluster="unit").loc[frame.index[0], "f"]
    assert ours == pytest.approx(expected, abs=1e-9)


def planted(seed, units=300, low=2, high=12, between=0.5):
    rng = np.random.default_rng(seed)
    unit = np.repeat(np.arange(units), rng.integers(low, high + 1, units))
    n = len(unit)
    loadings = np.array([1.0, 0.8, 0.6, 0.9])
    x = rng.normal(size=(n, 1)) * loadings + 0.7 * rng.normal(size=(n, 4))
    x += (np.sqrt(between) * rng.normal(size=(units, 1)) * loadings + 0.2 * rng.normal(size=(units, 4)))[unit]
    return pd.DataFrame(x, columns=["y1", "y2", "y3", "y4"]).assign(unit=unit)


FOUR = "level: 1\nf =~ y1 + y2 + y3 + y4\nlevel: 2\nb =~ y1 + y2 + y3 + y4"


def test_planted_parameters_are_recovered():
    result = cfa(FOUR, planted(1, units=1500), cluster="unit")
    p = result.parameters.set_index(KEY)["est"]
    for level, factor, variance in ((1, "f", 1.0), (2, "b", 0.5)):
        found = [p[factor, "=~", f"y{j}", level] for j in (2, 3, 4)]
        np.testing.assert_allclose(found, [0.8, 0.6, 0.9], atol=0.05)
        assert p[factor, "~~", factor, level] == pytest.approx(variance, abs=0.07)
    np.testing.assert_allclose(result.icc["estimate"].iloc[0], 0.54 / (0.54 + 1.49), atol=0.03)


def test_what_may_not_matter_does_not():
    base, frame = fitted("unbalanced"), data("unbalanced")
    model = EXPECTED["unbalanced"]["model"]
    shuffled = frame.sample(frac=1, random_state=1).assign(unit=lambda f: f["unit"].str[::-1])
    moved = shuffled.assign(**{f"y{j}": 200 + 10 * shuffled[f"y{j}"] for j in range(1, 7)})
    named = model.replace("level: 1", "level: within").replace("level: 2", "level: between")
    other = cfa(named, moved, cluster=moved["unit"])
    assert other.fit["chisq"] == pytest.approx(base.fit["chisq"], abs=1e-4)
    assert other.fit["srmr_between"] == pytest.approx(base.fit["srmr_between"], abs=1e-6)
    np.testing.assert_allclose(other.parameters["std.all"][:8], base.parameters["std.all"][:8], atol=1e-6)


def test_units_of_one_person_tell_of_both_levels_together():
    """They are kept; without anybody beside another in a unit the levels cannot be told apart."""
    frame = planted(2)
    alone = planted(3, units=400, low=1, high=1).assign(unit=lambda f: f["unit"] + 1000)
    result = cfa(FOUR, pd.concat([frame, alone], ignore_index=True), cluster="unit")
    assert result.converged
    assert result.n_used == len(frame) + 400
    assert result.estimate.levels.n_clusters == 700
    fewer = cfa(FOUR, frame, cluster="unit")
    row = "op == '~1' and level == 2 and lhs == 'y1'"
    assert result.parameters.query(row)["se"].item() < fewer.parameters.query(row)["se"].item()
    with pytest.raises(DataError, match="are too few for 4 variables within"):
        cfa(FOUR, alone, cluster="unit")


def test_nothing_between_units_is_said():
    frame = planted(5, units=60, between=0.0).assign(unit=lambda f: np.arange(len(f)) % 60)
    result = cfa(FOUR, frame, cluster="unit")
    assert any("between clusters is at its bound" in said for said in result.warnings)


def test_impossible_variances_between_units_are_said():
    seen = [cfa(TWO, planted(seed, units=25).iloc[:, [0, 1, 2, 4]], cluster="unit") for seed in range(5)]
    said = [text for result in seen for text in result.warnings]
    assert any("Heywood case" in text and "in level 2" in text for text in said)
    assert all(result.converged or any("not converged" in text for text in result.warnings) for result in seen)


def test_few_units_are_refused_or_said():
    with pytest.raises(DataError, match="4 clusters are too few for the covariances of 4 variables between"):
        cfa(FOUR, planted(6, units=4), cluster="unit")
    result = cfa(FOUR, planted(6, units=15), cluster="unit")
    assert any("15 clusters are fewer than the 20 free parameters" in said for said in result.warnings)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"cluster": None}, "needs the clusters"),
        ({"estimator": "MLR"}, "estimated by ML"),
        ({"missing": "fiml"}, "takes complete answers"),
        ({"group": "half"}, "groups and levels at once"),
    ],
)
def test_what_two_levels_cannot_be_combined_with(arguments, said):
    frame = planted(7).assign(half=lambda f: f["unit"] % 2)
    with pytest.raises(SpecError, match=said):
        cfa(FOUR, frame, **({"cluster": "unit"} | arguments))


def test_variables_that_stand_at_the_wrong_level():
    frame = planted(8).assign(w=lambda f: f["unit"] % 3.0)
    with pytest.raises(DataError, match=r"y4.*same for everybody"):
        cfa(f"{TWO}\nb ~ y4", frame, cluster="unit")
    with pytest.raises(DataError, match=r"w.*must vary within"):
        cfa(TWO.replace("level: 2", "f ~ w\nlevel: 2"), frame, cluster="unit")


@pytest.mark.parametrize(
    ("model", "named"),
    [
        (FOUR.replace("b =~ y1", "b =~ NA*y1"), "b =~ y1"),
        (FOUR.replace("level: 2", "y1 ~ 1\nlevel: 2"), "y1 ~ 1 is free within"),
        ("level: 1\nf =~ y1 + y2\nlevel: 2\nb =~ y1 + y2", "not identified"),
    ],
)
def test_not_identified_names_the_parameter(model, named):
    with pytest.raises(SpecError, match="not identified") as error:
        cfa(model, planted(9), cluster="unit")
    assert named in str(error.value)


def test_scores_need_the_units():
    with pytest.raises(SpecError, match="cluster="):
        fitted("balanced").scores(data("balanced"))
    holes = data("balanced").assign(y1=lambda f: f["y1"].where(f.index != 3))
    assert fitted("balanced").scores(holes, cluster="unit").isna().any(axis=1).to_numpy().nonzero()[0].tolist() == [3]
