"""Alpha and Feldt's interval against psych, planted truths, invariants and refusals."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from microresearch.errors import DataError, SpecError
from microresearch.psychometrics.alpha import alpha, feldt_interval

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
    ours = alpha(tables()[name])
    np.testing.assert_allclose(
        [ours.estimate, ours.standardised, ours.ci_low, ours.ci_high],
        [golden[key] for key in ("raw", "standardised", "feldt_low", "feldt_high")],
        rtol=0, atol=1e-10,
    )  # fmt: skip
    assert ours.n_used == golden["n"]


def test_pairwise_agrees_with_psych_and_is_cautious_about_n() -> None:
    golden = json.loads((GOLDEN / "alpha.json").read_text())["pairwise"]
    ours = alpha(keyed())
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
