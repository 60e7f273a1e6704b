"""What must hold of every reliability whatever the data: order, scale, flips, relabelling, split and pooled samples."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from microresearch.errors import ConvergenceError
from microresearch.numeric.moments import group_moments
from microresearch.numeric.variance import random_intercept
from microresearch.psychometrics.alpha import alpha
from microresearch.psychometrics.coefficients import lambda2, lambda6
from microresearch.psychometrics.icc import icc
from microresearch.psychometrics.item_analysis import item_analysis
from microresearch.psychometrics.omega import omega

QUICK = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)


@st.composite
def answers(draw: st.DrawFn) -> pd.DataFrame:
    """Items of one factor, 3 to 6 of them, 2 to 5 levels or none."""
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    n, k = draw(st.integers(60, 200)), draw(st.integers(3, 6))
    loadings = rng.uniform(0.4, 0.9, k)
    y = rng.normal(size=(n, 1)) * loadings + rng.normal(size=(n, k)) * np.sqrt(1 - loadings**2)
    cuts = np.sort(rng.normal(size=draw(st.integers(0, 4))))
    frame = pd.DataFrame(np.digitize(y, cuts).astype(float) if len(cuts) else y).add_prefix("i")
    assume((frame.nunique() > 1).all())
    return frame


@QUICK
@given(answers(), st.randoms(use_true_random=False), st.floats(0.1, 50), st.floats(-100, 100))
def test_order_of_rows_and_items_and_a_common_scale(x: pd.DataFrame, random: object, a: float, b: float) -> None:
    names = list(x.columns)
    random.shuffle(names)  # type: ignore[attr-defined]
    moved = x.sample(frac=1, random_state=1)[names] * a + b
    assert alpha(moved).estimate == pytest.approx(alpha(x).estimate, abs=1e-8)
    assert alpha(moved).ci_low == pytest.approx(alpha(x).ci_low, abs=1e-7)
    s, t = np.cov(x.to_numpy().T), np.cov(moved.to_numpy().T)
    assert lambda2(t) == pytest.approx(lambda2(s), abs=1e-8)
    assert lambda6(t) == pytest.approx(lambda6(s), abs=1e-7)
    try:
        assert omega(moved).estimate == pytest.approx(omega(x).estimate, abs=1e-6)
    except ConvergenceError:
        assume(False)


@QUICK
@given(answers())
def test_turning_every_item_changes_nothing_and_one_item_its_sign(x: pd.DataFrame) -> None:
    assert alpha(-x).estimate == pytest.approx(alpha(x).estimate, abs=1e-10)
    one = x.assign(i0=-x["i0"])
    ours, flipped = item_analysis(x).to_frame(), item_analysis(one).to_frame()
    assert flipped["item_rest_r"][0] == pytest.approx(-ours["item_rest_r"][0], abs=1e-10)
    assert flipped["alpha_dropped"][0] == pytest.approx(ours["alpha_dropped"][0], abs=1e-10)


@QUICK
@given(answers(), st.integers(0, 1000))
def test_categories_may_be_renamed_in_order(x: pd.DataFrame, seed: int) -> None:
    levels = np.unique(x.to_numpy())
    assume(2 <= len(levels) <= 6)
    names = np.cumsum(np.random.default_rng(seed).integers(1, 9, len(levels))).astype(float)
    renamed = x.apply(lambda column: pd.Series(names[np.searchsorted(levels, column)], column.index))
    try:
        first = omega(x, kind="categorical", interval="robust")
    except ConvergenceError:
        assume(False)
    again = omega(renamed, kind="categorical", interval="robust")
    assert (again.estimate, again.se) == (pytest.approx(first.estimate, abs=1e-10), pytest.approx(first.se, abs=1e-10))


@QUICK
@given(answers())
def test_bounds_keep_their_order(x: pd.DataFrame) -> None:
    s = np.cov(x.to_numpy().T)
    assert alpha(x).estimate <= lambda2(s) + 1e-12 <= 1 + 1e-9


@QUICK
@given(answers(), st.integers(2, 4))
def test_a_sample_pooled_with_itself_keeps_its_shares(x: pd.DataFrame, times: int) -> None:
    pooled = pd.concat([x] * times, ignore_index=True)
    assert alpha(pooled).estimate == pytest.approx(alpha(x).estimate, abs=1e-10)
    narrow, wide = alpha(pooled), alpha(x)
    assert narrow.ci_high - narrow.ci_low < wide.ci_high - wide.ci_low


@QUICK
@given(st.integers(0, 10_000), st.floats(0.2, 9), st.floats(-50, 50))
def test_iccs_ignore_names_order_shift_and_scale(seed: int, a: float, b: float) -> None:
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(rng.normal(size=(20, 1)) + rng.normal(size=(1, 4)) + rng.normal(size=(20, 4)))
    table = table.mask(rng.random(table.shape) < 0.15)
    moved = (table * a + b).sample(frac=1, random_state=2)[[2, 0, 3, 1]]
    for one, other in zip(icc(table).forms, icc(moved).forms, strict=True):
        assert other.estimate == pytest.approx(one.estimate, abs=1e-6)
        assert other.ci_low == pytest.approx(one.ci_low, abs=1e-5)


@QUICK
@given(st.integers(0, 10_000))
def test_moments_of_two_halves_are_those_of_the_whole(seed: int) -> None:
    """Splitting persons and pooling their group moments changes no variance component."""
    rng = np.random.default_rng(seed)
    codes = np.repeat(np.arange(12), rng.integers(2, 9, 12))
    y = rng.normal(size=12)[codes] + rng.normal(size=len(codes))
    whole = random_intercept(group_moments(y, codes, 12))
    order = rng.permutation(len(y))
    again = random_intercept(group_moments(y[order], codes[order], 12))
    assert (again.tau2, again.sigma2) == (pytest.approx(whole.tau2, abs=1e-8), pytest.approx(whole.sigma2, abs=1e-8))
