"""Alpha and its intervals against psych, planted truths, invariants and refusals."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from microresearch.errors import DataError, SpecError
from microresearch.numeric.moments import pair_moments
from microresearch.psychometrics.alpha import alpha
from microresearch.psychometrics.alpha_interval import alpha_error, feldt_interval, leave_one_out, robust_interval

GOLDEN = Path(__file__).parents[1] / "golden" / "reliability"


def agree() -> pd.DataFrame:
    return pd.read_csv(GOLDEN / "agree.csv").astype(float)


def keyed() -> pd.DataFrame:
    return agree().assign(A1=lambda d: 7 - d["A1"])


def tables() -> dict[str, pd.DataFrame]:
    complete = keyed().dropna()
    return {
        "complete": complete, "unkeyed": agree().dropna(), "three": complete[["A2", "A3", "A5"]],
        "two": complete[["A2", "A3"]], "binary": (complete > 4).astype(float),
    }  # fmt: skip


@pytest.mark.parametrize("name", ["complete", "unkeyed", "three", "two", "binary"])
def test_alpha_and_feldt_agree_with_psych(name: str) -> None:
    golden = json.loads((GOLDEN / "alpha.json").read_text())[name]
    ours = alpha(tables()[name], interval="feldt")
    np.testing.assert_allclose(
        [ours.estimate, ours.standardised, ours.ci_low, ours.ci_high],
        [golden[key] for key in ("raw", "standardised", "feldt_low", "feldt_high")],
        rtol=0, atol=1e-10,
    )  # fmt: skip
    assert ours.n_used == golden["n"]
    assert "Feldt (1965)" in ours.method


@pytest.mark.parametrize("name", ["complete", "unkeyed", "three", "two", "binary", "pairwise"])
def test_the_default_interval_is_the_jackknife_of_psychs_alphas(name: str) -> None:
    """R takes alpha of n samples that lack one person each; ours has a closed form, holes and all."""
    golden = json.loads((GOLDEN / "jackknife.json").read_text())[name]
    ours = alpha(keyed() if name == "pairwise" else tables()[name])
    np.testing.assert_allclose([ours.ci_low, ours.ci_high], [golden["low"], golden["high"]], rtol=0, atol=1e-9)
    assert "jackknife of log(1 - alpha)" in ours.method


def test_leaving_one_out_is_alpha_of_the_others() -> None:
    items = keyed().head(40)
    ours = leave_one_out(items.to_numpy(), pair_moments(items.to_numpy()))
    theirs = [alpha(items.drop(index=i)).estimate for i in items.index]
    np.testing.assert_allclose(ours, theirs, atol=1e-12)


def test_items_that_say_the_same_have_an_alpha_of_one_and_the_reason() -> None:
    one = pd.Series([1.0, 2, 3, 4, 2])
    same = alpha(pd.DataFrame({"a": one, "b": one}))
    assert (same.ci_low, same.ci_high) == (1.0, 1.0) and "without an error" in same.method
    nearly = pd.DataFrame({"a": one, "b": one}).set_axis(list("vwxyz"), axis=0)
    nearly.loc["v", "b"] = 2.0  # without v nothing is left to differ: no logarithm, so the delta method
    found = alpha(nearly)
    assert "delta method" in found.method and found.ci_low < found.estimate < found.ci_high <= 1


def test_pairwise_agrees_with_psych_and_is_cautious_about_n() -> None:
    golden = json.loads((GOLDEN / "alpha.json").read_text())["pairwise"]
    ours = alpha(keyed(), interval="feldt")
    assert ours.estimate == pytest.approx(golden["raw"], abs=1e-10)
    assert ours.standardised == pytest.approx(golden["standardised"], abs=1e-10)
    theirs = feldt_interval(ours.estimate, golden["n"], 5)
    np.testing.assert_allclose([theirs.low, theirs.high], [golden["feldt_low"], golden["feldt_high"]], atol=1e-10)
    assert ours.ci_low < theirs.low < theirs.high < ours.ci_high


def test_listwise_is_the_complete_table() -> None:
    ours, complete = alpha(keyed(), missing="listwise"), alpha(keyed().dropna())
    assert ours.estimate == complete.estimate
    assert (ours.n_used, ours.n_dropped) == (582, 18)


def test_a_reverse_keyed_item_is_named_and_never_turned() -> None:
    ours = alpha(agree().dropna())
    assert ours.negative == ("A1",)
    assert "A1" in ours.notes[0] and "nothing was turned" in ours.notes[0]
    assert alpha(keyed()).notes == ()


def test_fewer_persons_than_items_is_noted() -> None:
    few = pd.DataFrame(np.random.default_rng(7).normal(size=(4, 1)) + np.random.default_rng(8).normal(size=(4, 5)))
    assert "fewer persons (4) than items (5)" in alpha(few).notes


def test_turning_the_item_by_hand_makes_alpha_larger() -> None:
    ours = alpha(agree().dropna())
    assert ours.estimate < alpha(keyed().dropna()).estimate


def test_planted_alpha_is_covered() -> None:
    """400 tables of 60 persons and 4 parallel items, alpha .8: mean within 3 errors, coverage near 95 %."""
    rng, truth = np.random.default_rng(5), 0.8
    results = [alpha(pd.DataFrame(rng.normal(size=(60, 1)) + rng.normal(size=(60, 4)))) for _ in range(400)]
    inverse = np.array([1 / (1 - r.estimate) for r in results])
    expected = 177 / 175 / (1 - truth)  # (1 - alpha) / (1 - estimate) is F(59, 177), whose mean is 177 / 175
    assert abs(inverse.mean() - expected) < 3 * inverse.std() / 20
    covered = np.mean([r.ci_low <= truth <= r.ci_high for r in results])
    assert 0.917 <= covered <= 0.983


@pytest.mark.parametrize("name", ["keyed", "three", "binary"])
def test_the_distribution_free_error_agrees_with_lavaan(name: str) -> None:
    theirs = json.loads((GOLDEN.parent / "omega" / "alpha_error.json").read_text())[name]
    items = pd.read_csv(GOLDEN.parent / "omega" / f"{name}.csv").astype(float)
    x, n = items.to_numpy(), len(items)
    assert alpha(items).estimate == pytest.approx(theirs["alpha"], abs=1e-8)
    # estimator MLM works with n - 1 throughout: its error is larger by n / (n - 1)
    assert alpha_error(x, pair_moments(x)) * n / (n - 1) == pytest.approx(theirs["se"], rel=1e-5)


def test_robust_and_bootstrap_intervals_agree_and_differ_from_feldt_where_answers_are_skewed() -> None:
    items = pd.read_csv(GOLDEN.parent / "omega" / "three.csv").astype(float)
    feldt, robust, boot = (alpha(items, interval=kind) for kind in ("feldt", "robust", "bootstrap"))
    assert robust.interval == alpha(items).interval
    np.testing.assert_allclose([robust.ci_low, robust.ci_high], [boot.ci_low, boot.ci_high], atol=0.012)
    assert robust.ci_high - robust.ci_low > 1.1 * (feldt.ci_high - feldt.ci_low)
    assert boot.interval == alpha(items, interval="bootstrap").interval
    with pytest.raises(SpecError, match="robust, feldt, bootstrap"):
        alpha(items, interval="exact")  # type: ignore[arg-type]


def test_the_jackknife_tends_to_the_delta_method() -> None:
    rng = np.random.default_rng(16)
    x = np.digitize(rng.normal(size=(4000, 1)) + rng.normal(size=(4000, 4)), [0.5, 1.5]).astype(float)
    moments = pair_moments(x)
    found, left = robust_interval(x, moments), 1 - alpha(pd.DataFrame(x)).estimate
    wide = np.log((1 - found.low) / (1 - found.high)) / 2 / 1.9605
    assert wide == pytest.approx(alpha_error(x, moments) / left, rel=2e-3)


def test_robust_interval_covers_planted_alpha_of_skewed_answers_with_holes() -> None:
    """300 samples of 150, three levels with a floor, one answer in ten missing; truth from a huge sample."""
    rng = np.random.default_rng(15)

    def sample(n: int) -> pd.DataFrame:
        y = rng.normal(size=(n, 1)) * 0.7 + rng.normal(size=(n, 4)) * 0.51**0.5
        return pd.DataFrame(np.digitize(y, [0.5, 1.5]).astype(float))

    truth = alpha(sample(1_000_000)).estimate
    hits = 0
    for _ in range(300):
        items = sample(150)
        found = alpha(items.mask(rng.random(items.shape) < 0.1))
        hits += found.ci_low <= truth <= found.ci_high
    assert 0.905 <= hits / 300 <= 0.985


def test_order_and_common_scale_do_not_matter() -> None:
    base = keyed()
    shuffled = base.sample(frac=1, random_state=3)[["A3", "A1", "A5", "A2", "A4"]] * 10 + 4
    assert alpha(shuffled).estimate == pytest.approx(alpha(base).estimate, abs=1e-12)
    assert alpha(base * 3).standardised == pytest.approx(alpha(base).standardised, abs=1e-12)


def test_columns_pick_items_of_a_larger_frame() -> None:
    frame = keyed().assign(role="nurse")
    assert alpha(frame, ["A2", "A3", "A5"]).estimate == alpha(keyed()[["A2", "A3", "A5"]]).estimate


@pytest.mark.parametrize(
    ("items", "says"),
    [
        (pd.DataFrame({"level": [1.0, 2, 3]}), "one item has no internal consistency.*ICC"),
        (pd.DataFrame({"a": [1.0, 1, 1, 1], "b": [1.0, 2, 3, 4]}), "do not vary.*a"),
        (pd.DataFrame({"a": [1.0, 2, np.nan, np.nan], "b": [np.nan, np.nan, 1, 2]}), "0 persons"),
        (pd.DataFrame({"a": ["1", "2"], "b": [1.0, 2]}), "must hold numbers"),
    ],
)
def test_refusals(items: pd.DataFrame, says: str) -> None:
    with pytest.raises(DataError, match=says):
        alpha(items)


def test_unknown_settings_are_refused() -> None:
    with pytest.raises(SpecError, match="pairwise or listwise"):
        alpha(keyed(), missing="fiml")
    with pytest.raises(DataError, match="no such column"):
        alpha(keyed(), ["A1", "A9"])
