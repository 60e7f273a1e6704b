"""The bivariate normal distribution function against its definition, on easy and steep correlations."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import ndtr

from microresearch.numeric.ordinal.bivariate import bivariate_cdf, bivariate_density, normal_density


def by_conditioning(h, k, rho):
    """The integral of P(Y < k | x) over x up to h, at points where its steep part is resolved."""
    root = np.sqrt(1 - rho * rho)
    steep = k / rho if rho else 0.0
    points = sorted({p for p in (steep - 8 * root, steep, steep + 8 * root) if -9 < p < h})
    value, _ = quad(
        lambda x: normal_density(x) * ndtr((k - rho * x) / root), -9, h, points=points or None, epsabs=1e-13, limit=400
    )
    return value


@pytest.mark.parametrize("rho", [-0.999, -0.95, -0.4, 0.0, 0.3, 0.85, 0.93, 0.985, 0.999])
def test_distribution_function(rho):
    limits = np.array([[-2.2, -0.7, 0.0, 0.4, 1.9]])
    ours = bivariate_cdf(limits, limits, np.array([rho]))[0]
    expected = [[by_conditioning(h, k, rho) for k in limits[0]] for h in limits[0]]
    np.testing.assert_allclose(ours, expected, atol=1e-10)


def test_density_is_the_slope_by_rho():
    h, k = np.array([[0.3]]), np.array([[-1.1]])
    step = 1e-5
    slope = (bivariate_cdf(h, k, np.array([0.5 + step])) - bivariate_cdf(h, k, np.array([0.5 - step]))) / (2 * step)
    np.testing.assert_allclose(slope[0], bivariate_density(h, k, np.array([[0.5]])), rtol=1e-8)
