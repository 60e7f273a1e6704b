"""Rotation kernels on arrays alone: planted structures come back, alignment undoes what was done, starts repeat."""

import numpy as np
import pytest

from microresearch.errors import ConvergenceError
from microresearch.numeric.rotation import ROTATIONS, arrange, match, procrustes, rotate
from microresearch.numeric.rotation.projection import Optima
from microresearch.numeric.rotation.rotate import _pick

SIMPLE = np.kron(np.eye(3), np.array([[0.8], [0.7], [0.6], [0.5]])) * np.array([1.0, 0.95, 0.9])


def turned(seed=0):
    q, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((3, 3)))
    return SIMPLE @ q


@pytest.mark.parametrize("rotation", ["varimax", "quartimax", "oblimin", "promax", "geomin", "geomin_orthogonal"])
def test_a_perfect_simple_structure_comes_back(rotation):
    result = rotate(turned(), rotation)
    # geomin's small constant moves its optimum a little from a perfect structure
    np.testing.assert_allclose(result.loadings, SIMPLE, atol=1e-2 if "geomin" in rotation else 1e-5)
    np.testing.assert_allclose(result.phi, np.eye(3), atol=2e-2 if "geomin" in rotation else 1e-5)


@pytest.mark.parametrize("rotation", [r for r in ROTATIONS if "target" not in r])
def test_rotation_keeps_what_the_factors_reproduce_and_unit_variances(rotation):
    unrotated = turned(1) + 0.05 * np.random.default_rng(1).standard_normal((12, 3))
    result = rotate(unrotated, rotation)
    model = result.loadings @ result.phi @ result.loadings.T
    np.testing.assert_allclose(model, unrotated @ unrotated.T, atol=1e-10)
    np.testing.assert_allclose(np.diag(result.phi), 1)
    np.testing.assert_allclose(unrotated @ np.linalg.inv(result.transform).T, result.loadings, atol=1e-10)
    if not ROTATIONS[rotation].oblique:
        np.testing.assert_allclose(result.transform.T @ result.transform, np.eye(3), atol=1e-10)


def test_the_start_does_not_decide():
    unrotated = turned(2) + 0.1 * np.random.default_rng(2).standard_normal((12, 3))
    values = [rotate(unrotated, "geomin", seed=seed).criterion for seed in range(5)]
    np.testing.assert_allclose(values, values[0], atol=1e-8)
    one, again = (rotate(unrotated, "geomin", seed=7) for _ in range(2))
    np.testing.assert_array_equal(one.loadings, again.loadings)


def test_procrustes_undoes_a_rotation_of_one_matrix_or_many():
    stack = np.array([turned(seed) for seed in range(4)])
    np.testing.assert_allclose(stack @ procrustes(stack, SIMPLE), np.broadcast_to(SIMPLE, stack.shape), atol=1e-12)
    np.testing.assert_allclose(stack[0] @ procrustes(stack[0], SIMPLE), SIMPLE, atol=1e-12)


def test_match_undoes_order_and_sign():
    order, signs = match(SIMPLE[:, [2, 0, 1]] * np.array([-1, 1, -1]), SIMPLE)
    np.testing.assert_allclose((SIMPLE[:, [2, 0, 1]] * np.array([-1, 1, -1]))[:, order] * signs, SIMPLE)


def test_arrange_keeps_fixed_factors_in_place():
    loadings = SIMPLE[:, [2, 0, 1]] * np.array([1, -1, 1])
    order, signs = arrange(loadings, fixed=1)
    assert list(order) == [0, 1, 2]
    assert list(signs) == [1, -1, 1]
    assert list(arrange(loadings)[0]) == [1, 2, 0]


def test_a_gradient_that_did_not_vanish_is_an_error():
    ended = Optima(np.eye(2)[None], np.array([1.0]), np.array([0.01]), np.array([5000]))
    with pytest.raises(ConvergenceError, match="5000 steps"):
        _pick(ended, 1.0)
