"""Errors of numbers made of correlations, where they are known in closed form."""

import numpy as np
import pytest

from microresearch.errors import ConvergenceError
from microresearch.numeric.delta import correlation_error, correlation_influence


def test_influence_is_what_a_person_less_changes() -> None:
    x = np.random.default_rng(1).standard_normal((400, 3)) @ np.array([[1, 0.5, 0.2], [0, 1, 0.4], [0, 0, 1]])
    ours, n = correlation_influence(x), len(x)
    first, second = np.tril_indices(3, -1)
    whole = np.corrcoef(x.T)[first, second]
    for person in (0, 17, 399):
        without = np.corrcoef(np.delete(x, person, axis=0).T)[first, second]
        np.testing.assert_allclose(ours[person], (whole - without) * (n - 1) / n, atol=2e-4)


def test_error_of_a_correlation_and_of_its_square() -> None:
    """Normal answers: (1 - r^2) / sqrt(n), and 2 r times that."""
    rng = np.random.default_rng(2)
    x = rng.standard_normal((20_000, 2))
    x[:, 1] = 0.5 * x[:, 0] + 0.75**0.5 * x[:, 1]
    r = np.corrcoef(x.T)[0, 1]
    plain = correlation_error(x, lambda near: near[:, 1, 0])
    assert plain == pytest.approx((1 - r**2) / 20_000**0.5, rel=0.02)
    assert correlation_error(x, lambda near: near[:, 1, 0] ** 2) == pytest.approx(2 * r * plain, rel=1e-9)


def test_no_value_beside_the_sample_is_an_error() -> None:
    x = np.random.default_rng(3).standard_normal((50, 3))
    with pytest.raises(ConvergenceError, match="no standard error"):
        correlation_error(x, lambda r: np.where(r[:, 1, 0] > np.corrcoef(x.T)[1, 0], np.nan, 1.0))
