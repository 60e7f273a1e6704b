"""Counts, means, sums of squares and covariances with holes, against plain loops and pandas."""

import numpy as np
import pandas as pd
import pytest

from microresearch.numeric.moments import group_moments, pair_moments

RNG = np.random.default_rng(9)
Y = RNG.normal(size=200)
Y[::17] = np.nan
CODES = RNG.integers(-1, 9, 200)


def test_group_moments_are_those_of_a_loop() -> None:
    found = group_moments(Y, CODES, 10)
    for g in range(10):
        x = Y[(g == CODES) & ~np.isnan(Y)]
        assert found.n[g] == len(x)
        if len(x):
            assert found.mean[g] == pytest.approx(x.mean(), abs=1e-14)
            assert found.ss[g] == pytest.approx(((x - x.mean()) ** 2).sum(), abs=1e-13)
    assert np.isnan(found.mean[9])
    assert found.total == int(((CODES >= 0) & ~np.isnan(Y)).sum())


def test_far_from_zero_no_digits_are_lost() -> None:
    near, far = group_moments(Y, CODES, 9), group_moments(Y + 1e8, CODES, 9)
    np.testing.assert_allclose(far.ss, near.ss, rtol=1e-6)
    assert (group_moments(np.full(30, 0.1), np.zeros(30, dtype=np.int64), 1).ss < 1e-30).all()


def test_pair_moments_are_pandas_pairwise() -> None:
    x = RNG.normal(size=(60, 4)) @ RNG.normal(size=(4, 4)) + 50
    x[RNG.random(x.shape) < 0.2] = np.nan
    found, frame = pair_moments(x), pd.DataFrame(x)
    np.testing.assert_allclose(found.covariance, frame.cov(), rtol=1e-10)
    np.testing.assert_allclose(found.correlation, frame.corr(), rtol=1e-10)
    there = frame.notna().to_numpy().astype(int)
    np.testing.assert_array_equal(found.n, there.T @ there)


def test_a_constant_column_has_no_correlation() -> None:
    found = pair_moments(np.column_stack([np.full(20, 4.2), RNG.normal(size=20)]))
    assert np.isnan(found.correlation[0]).all()
    assert found.correlation[1, 1] == 1
