"""Factor solutions against psych, factanal and GPArotation, planted truths, and what may not change them."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microresearch.errors import DataError, SpecError
from microresearch.numeric.factoring import extract
from microresearch.numeric.retention import adequacy
from microresearch.numeric.rotation import ROTATIONS, congruence, match, rotate
from microresearch.numeric.rotation.criteria import criterion
from microresearch.psychometrics.correlations import pearson
from microresearch.psychometrics.efa import efa
from microresearch.psychometrics.factor_scores import determinacy, score_weights
from microresearch.psychometrics.polychoric import polychoric
from microresearch.results import Interval, NotAvailable

GOLDEN = Path(__file__).parents[1] / "golden" / "efa"
EXPECTED = json.loads((GOLDEN / "golden.json").read_text())
SETS = ["clean", "ordinal", "reversed", "near", "holes"]
METHODS = EXPECTED["rotation"]["methods"]


def data(name):
    return pd.read_csv(GOLDEN / f"{name}.csv")


def aligned(loadings, target):
    order, signs = match(loadings, target)
    return loadings[:, order] * signs, order, signs


def planted(seed=0, n=500, p=9, m=3, cross=0.1):
    rng = np.random.default_rng(seed)
    loadings = np.full((p, m), cross)
    loadings[np.arange(p), np.arange(p) * m // p] = rng.uniform(0.5, 0.8, p)
    phi = np.full((m, m), 0.3) + 0.7 * np.eye(m)
    unique = 1 - np.diag(loadings @ phi @ loadings.T)
    factors = rng.multivariate_normal(np.zeros(m), phi, size=n)
    x = factors @ loadings.T + rng.normal(size=(n, p)) * np.sqrt(unique)
    return pd.DataFrame(x, columns=[f"v{j}" for j in range(p)]), loadings, phi


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("method", ["minres", "ml", "paf"])
def test_unrotated_loadings(name, method):
    expected = EXPECTED[name]
    found = extract(pearson(data(name).to_numpy(float)), expected["n_factors"], method)
    ours, _, _ = aligned(found.loadings, np.array(expected[method]))
    np.testing.assert_allclose(ours, expected[method], atol=1e-4)
    if method == "minres":
        np.testing.assert_allclose(aligned(found.loadings, np.array(expected["psych_minres"]))[0],
                                   expected["psych_minres"], atol=2e-3)  # fmt: skip
    if method == "ml":
        assert found.discrepancy <= expected["ml_criterion"] + 1e-9


@pytest.mark.parametrize("name", SETS)
def test_fit(name):
    expected = EXPECTED[name]["fit"]
    fit = efa(data(name), EXPECTED[name]["n_factors"]).fit
    for ours, theirs in [
        (fit.chi2, "chi2"), (fit.df, "df"), (fit.p, "p"), (fit.tli, "tli"), (fit.rmsr, "rmsr"), (fit.bic, "bic"),
        (fit.rmsr_corrected, "crms"), (fit.discrepancy, "objective"), (fit.null_chi2, "null_chi2"),
    ]:  # fmt: skip
        assert ours == pytest.approx(expected[theirs], rel=1e-6, abs=1e-7)
    point, low, high, _ = expected["rmsea"]
    assert fit.rmsea == pytest.approx(point, abs=1e-6)
    assert isinstance(fit.rmsea_interval, Interval)
    np.testing.assert_allclose([fit.rmsea_interval.low, fit.rmsea_interval.high], [low, high], atol=1e-4)


@pytest.mark.parametrize(("name", "cuts"), [("binary", [0.4]), ("three", [0.5, 1.5])])
def test_few_levels(name, cuts):
    expected = json.loads((GOLDEN / "levels.json").read_text())[name]
    items = data("clean").apply(lambda column: np.digitize(column, cuts))
    found = efa(items, 4, rotation="none")
    ours, _, _ = aligned(found.loadings.to_numpy(), np.array(expected["minres"]))
    np.testing.assert_allclose(ours, expected["minres"], atol=1e-4)
    assert adequacy(pearson(items.to_numpy(float))).kmo == pytest.approx(expected["kmo"], abs=1e-8)
    fit = found.fit
    for value, key in ((fit.chi2, "chi2"), (fit.df, "df"), (fit.tli, "tli"), (fit.rmsea, "rmsea"), (fit.rmsr, "rmsr")):
        assert value == pytest.approx(expected[key], rel=1e-6)


@pytest.mark.parametrize("name", METHODS)
def test_rotation_is_gparotations_or_better(name):
    rotation = name.removesuffix("_kaiser")
    golden = EXPECTED["rotation"]
    unrotated, theirs = np.array(golden["unrotated"]), np.array(METHODS[name]["loadings"])
    normalize = name.endswith("_kaiser")
    target = np.where(np.array(golden["free"]) == 1, golden["target"], np.nan) if "target" in rotation else None
    ours = rotate(unrotated, rotation, normalize=normalize, target=target)
    if rotation != "promax":
        length = np.sqrt((unrotated**2).sum(axis=1, keepdims=True)) if normalize else 1.0
        value = criterion(rotation, target)((theirs / length)[None])[0][0]
        assert ours.criterion <= value + 1e-9
        assert value - ours.criterion < 1e-6, "R found a worse optimum: compare the loadings by hand"
    loadings, order, signs = aligned(ours.loadings, theirs)
    # the oblique bifactor criterion is flat: GPArotation stops a little before its optimum, at a larger value
    flat = rotation == "bifactor_oblique"
    np.testing.assert_allclose(loadings, theirs, atol=3e-3 if flat else 1e-4)
    if "phi" in METHODS[name]:
        phi = ours.phi[np.ix_(order, order)] * np.outer(signs, signs)
        np.testing.assert_allclose(phi, METHODS[name]["phi"], atol=5e-3 if flat else 5e-4)


@pytest.mark.parametrize("rotation", [r for r in ROTATIONS if r not in ("none", "promax")])
def test_gradients_are_slopes(rotation):
    rng = np.random.default_rng(3)
    loadings, move = rng.normal(size=(7, 3)), rng.normal(size=(7, 3))
    target = np.where(rng.random((7, 3)) < 0.5, 0.0, np.nan) if "target" in rotation else None
    function = criterion(rotation, target)
    up, down = (function((loadings + h * move)[None])[0][0] for h in (1e-5, -1e-5))
    slope = (function(loadings[None])[1][0] * move).sum()
    assert (up - down) / 2e-5 == pytest.approx(slope, rel=1e-6)


@pytest.mark.parametrize(
    ("method", "theirs"), [("regression", "Thurstone"), ("bartlett", "Bartlett"), ("tenberge", "tenBerge")]
)
def test_score_weights_and_determinacy(method, theirs):
    golden = EXPECTED["scores"]
    matrix = pearson(data("clean").to_numpy(float))
    loadings, phi = np.array(golden["loadings"]), np.array(golden["phi"])
    weights = score_weights(matrix, loadings, phi, method)
    np.testing.assert_allclose(weights, golden[theirs]["weights"], atol=1e-7)
    if method == "regression":
        np.testing.assert_allclose(determinacy(matrix, loadings, phi, weights), golden["determinacy"], atol=1e-8)


def test_scores_have_the_properties_that_define_them():
    x, _, _ = planted()
    result = efa(x, 3)
    ten = result.scores(x, "tenberge")
    np.testing.assert_allclose(ten.corr(), result.phi, atol=1e-6)
    bartlett = result.score_weights("bartlett")
    np.testing.assert_allclose(bartlett.T @ result.loadings, np.eye(3), atol=1e-8)
    regression = result.scores(x)
    assert (result.determinacy() >= result.determinacy("bartlett") - 1e-12).all()
    assert regression.mean().abs().max() < 1e-10
    holed = x.copy()
    holed.iloc[0, 0] = np.nan
    assert result.scores(holed).iloc[0].isna().all()
    assert result.scores(holed).iloc[1:].notna().all().all()


@pytest.mark.parametrize("name", ["two", "three", "four"])
def test_schmid_leiman(name):
    golden = EXPECTED["schmid"][name]
    m = {"two": 2, "three": 3, "four": 4}[name]
    theirs = np.array(golden["sl"])[:, : m + 1]
    ours = efa(data("clean"), m).schmid_leiman()
    np.testing.assert_allclose(ours.loadings["g"], theirs[:, 0], atol=5e-3)
    groups, _, _ = aligned(ours.loadings.to_numpy()[:, 1:], theirs[:, 1:])
    np.testing.assert_allclose(np.abs(groups), np.abs(theirs[:, 1:]), atol=5e-3)
    if m != 2:
        return
    assert any("do not identify" in note for note in ours.notes)


def test_schmid_leiman_reproduces_what_the_oblique_solution_does():
    x, _, _ = planted()
    result = efa(x, 3)
    general = result.schmid_leiman()
    oblique = result.loadings.to_numpy() @ result.phi.to_numpy() @ result.loadings.to_numpy().T
    orthogonal = general.loadings.to_numpy() @ general.loadings.to_numpy().T
    np.testing.assert_allclose(orthogonal, oblique, atol=1e-6)
    np.testing.assert_allclose(general.communalities, result.communalities, atol=1e-6)


def test_polychoric_factors():
    result = efa(data("ordinal"), 4, correlation="polychoric", rotation="none")
    expected = np.array(EXPECTED["ordinal_polychoric"]["loadings"])
    np.testing.assert_allclose(aligned(result.loadings.to_numpy(), expected)[0], expected, atol=2e-4)
    assert any("descriptive only" in note for note in result.notes)
    from_matrix = efa(polychoric(data("ordinal")), 4, rotation="none")
    np.testing.assert_allclose(from_matrix.loadings, result.loadings, atol=1e-9)
    assert from_matrix.n_used == result.n_used
    part = list(data("ordinal").columns[:8])
    subset = efa(polychoric(data("ordinal")), 2, columns=part)
    np.testing.assert_allclose(
        subset.loadings, efa(data("ordinal"), 2, correlation="polychoric", columns=part).loadings, atol=1e-6
    )


def test_planted_loadings_are_recovered():
    x, loadings, phi = planted(n=20_000, cross=0.0)
    for extraction in ("minres", "ml", "paf"):
        result = efa(x, 3, extraction)
        ours, order, signs = aligned(result.loadings.to_numpy(), loadings)
        np.testing.assert_allclose(ours, loadings, atol=0.05)
        np.testing.assert_allclose(result.phi.to_numpy()[np.ix_(order, order)] * np.outer(signs, signs), phi, atol=0.05)


def test_a_planted_bifactor_is_recovered():
    group = np.zeros((12, 3))
    group[np.arange(12), np.arange(12) // 4] = 0.45
    truth = np.column_stack([np.linspace(0.5, 0.7, 12), group])
    matrix = truth @ truth.T
    np.fill_diagonal(matrix, 1)
    names = [f"v{j}" for j in range(12)]
    result = efa(pd.DataFrame(matrix, index=names, columns=names), 4, rotation="bifactor")
    np.testing.assert_allclose(aligned(result.loadings.to_numpy(), truth)[0], truth, atol=1e-4)
    assert (result.loadings["F1"] > 0.4).all()


@settings(max_examples=10, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000))
def test_what_may_not_change_a_solution(seed):
    x, _, _ = planted(seed, n=300)
    result = efa(x, 3)
    rng = np.random.default_rng(seed)
    same = efa(x.iloc[rng.permutation(len(x))] * 7 - 3, 3)
    np.testing.assert_allclose(same.loadings, result.loadings, atol=1e-5)
    turned = efa(x[x.columns[::-1]], 3)
    np.testing.assert_allclose(turned.loadings.loc[x.columns], result.loadings, atol=1e-5)
    flipped = efa(x.assign(v0=-x["v0"]), 3)
    np.testing.assert_allclose(flipped.communalities, result.communalities, atol=1e-6)
    np.testing.assert_allclose(np.abs(flipped.loadings.loc["v0"]), np.abs(result.loadings.loc["v0"]), atol=1e-4)
    structure = result.loadings @ result.phi
    np.testing.assert_allclose(structure, result.structure, atol=1e-12)
    np.testing.assert_allclose(result.uniquenesses + result.communalities, 1, atol=1e-12)
    assert result.variance["ss_loadings"].sum() == pytest.approx(result.communalities.sum())
    assert (result.loadings.sum() >= 0).all()
    assert (np.diff((result.loadings**2).sum()) <= 1e-12).all()


def test_a_reverse_keyed_item_keeps_its_sign():
    result = efa(data("reversed"), 4)
    plain = efa(data("clean"), 4)
    own = result.loadings.loc["v2"].abs().idxmax()
    assert result.loadings.loc["v1", own] * result.loadings.loc["v2", own] < 0
    np.testing.assert_allclose(result.communalities, plain.communalities, atol=1e-8)


def test_bootstrap_errors_agree_with_samples_drawn_anew():
    x, _, _ = planted(0, n=400)
    result = efa(x, 3, n_boot=100, seed=4)
    assert result.n_boot == 100
    loadings = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        fresh = pd.DataFrame(rng.multivariate_normal(np.zeros(9), x.corr(), size=400), columns=x.columns)
        loadings.append(aligned(efa(fresh, 3, n_starts=3).loadings.to_numpy(), result.loadings.to_numpy())[0])
    ratio = result.se.to_numpy().mean() / np.std(loadings, axis=0, ddof=1).mean()
    assert 0.85 < ratio < 1.18
    frame = result.to_frame()
    assert list(frame.columns) == ["term", "group", "estimate", "se", "ci_low", "ci_high", "n"]
    again = efa(x, 3, n_boot=100, seed=4)
    pd.testing.assert_frame_equal(result.se, again.se)


@pytest.mark.parametrize("rotation", ["promax", "varimax", "geomin"])
def test_bootstrap_centres_on_the_sample_under_each_rotation(rotation):
    x, _, _ = planted(1, n=800, cross=0.0)
    result = efa(x, 3, rotation=rotation, n_boot=40)
    assert ((result.ci_low <= result.loadings) & (result.loadings <= result.ci_high)).to_numpy().mean() > 0.9


def test_congruence_of_a_solution_with_itself_is_one():
    result = efa(planted()[0], 3)
    np.testing.assert_allclose(np.diag(result.congruence(result)), 1)
    one = np.array([0.6, 0.5, 0.4])
    other = np.array([0.5, 0.5, 0.5])
    expected = one @ other / np.sqrt((one @ one) * (other @ other))
    x, _, _ = planted()
    frame = efa(x, 1).congruence(pd.DataFrame({"only": np.ones(9)}, index=x.columns))
    assert frame.shape == (1, 1)
    assert congruence(one[:, None], other[:, None])[0, 0] == pytest.approx(expected)


def test_without_n_there_is_no_chi_square_but_a_reason():
    fit = efa(planted()[0].corr(), 3).fit
    assert isinstance(fit.chi2, NotAvailable)
    assert "n_obs" in fit.chi2.reason
    assert set(fit.to_frame().term) == {"rmsr", "rmsr_corrected"}


def test_a_heywood_case_is_named():
    names = list("abc")
    r = pd.DataFrame([[1, 0.9, 0.8], [0.9, 1, 0.6], [0.8, 0.6, 1]], index=names, columns=names)
    for extraction in ("minres", "ml"):  # one factor would need a loading of sqrt(.9 * .8 / .6) > 1
        assert any("Heywood" in note and note.endswith(": a") for note in efa(r, 1, extraction).notes)


def test_a_singular_matrix_is_smoothed_and_said():
    x, _, _ = planted(n=400)
    x["sum"] = x.sum(axis=1)
    assert any("not positive definite" in note for note in efa(x, 3).notes)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda r: r * 2,
        lambda r: r.mask(r < 0.2),
        lambda r: r + np.triu(np.full(r.shape, 0.1), 1),
        lambda r: r.mask(r < 1, 1.4),
        lambda r: r.astype(str),
    ],
)
def test_what_is_not_a_correlation_matrix_is_refused(spoil):
    with pytest.raises(DataError, match="correlation matrix"):
        efa(spoil(planted()[0].corr()), 2)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"n_factors": 6}, "more parameters"),
        ({"n_factors": 0}, "0 factors"),
        ({"n_factors": 2.0}, "2.0 factors"),
        ({"n_factors": 9}, "9 factors"),
        ({"extraction": "uls"}, "extraction"),
        ({"rotation": "simplimax"}, "rotation"),
        ({"rotation": "bifactor", "n_factors": 2}, "bifactor"),
        ({"rotation": "target"}, "target"),
        ({"target": pd.DataFrame()}, "target"),
        ({"correlation": "kendall"}, "correlation"),
        ({"n_obs": 300}, "n_obs"),
        ({"n_boot": 1}, "n_boot"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(arguments, word):
    with pytest.raises(SpecError, match=word):
        efa(planted()[0], **({"n_factors": 3} | arguments))


def test_a_constant_item_is_refused():
    with pytest.raises(DataError, match="v0"):
        efa(planted()[0].assign(v0=1.0), 2)


def test_fewer_persons_than_items_is_noted():
    assert any("fewer persons" in note for note in efa(planted(n=8)[0], 1).notes)
