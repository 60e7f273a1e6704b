"""R-hat of chains."""

import numpy as np
import pytest

from microresearch.numeric.chains import r_hat


def test_r_hat_is_that_of_the_paper():
    """Gelman & Rubin (1992), by hand: W = 1, B/n = 0.5, so sqrt(2/3 + 0.5)."""
    assert r_hat(np.array([[1.0, 2.0, 3.0], [2.0, 3.0, 4.0]])) == pytest.approx(np.sqrt(2 / 3 + 0.5))


def test_what_never_moves_has_none_whatever_the_rounding():
    """The mean of equal numbers is rounded, so their computed variance need not be zero."""
    share = 2723 / 5749
    still = np.full((20, 5), share)
    assert still.var(axis=1, ddof=1).max() > 0 or np.full((20, 10), share).var(axis=1, ddof=1).max() > 0
    assert np.isnan(r_hat(still)) and np.isnan(r_hat(np.full((20, 10), share)))
    assert np.isnan(r_hat(np.array([[1.0], [2.0]])))
