import glm_cases as cases
import numpy as np
import pytest

from microresearch.numeric.glm import Separation
from microresearch.numeric.logistic_mixed import _Marginal, fit_logistic_mixed


def data():
    golden, frame = cases.golden("logistic_mixed"), cases.rows().assign(beds10=lambda d: d["beds"] / 10)
    return golden, frame, cases.design(frame, golden["terms"])


@pytest.mark.parametrize(("points", "name"), [(1, "agq1"), (9, "agq9"), (1, "tmb")])
def test_equals_glmer_and_glmmtmb(points, name):
    golden, frame, x = data()
    want = golden[name]
    got = fit_logistic_mixed(x, np.ones(len(x)), frame["died"].to_numpy(float), cases.codes(frame["unit"]), points)
    np.testing.assert_allclose(got.beta, want["beta"], rtol=1e-4)
    np.testing.assert_allclose(np.sqrt(np.diag(got.cov)[:-1]), want["se"], rtol=1e-4)
    np.testing.assert_allclose(got.sigma, want["sigma"], rtol=1e-6)
    np.testing.assert_allclose(got.loglik, want["loglik"], atol=2e-9)
    if "modes" in want:
        np.testing.assert_allclose(got.modes, want["modes"], atol=1e-5)


def test_the_gradient_is_that_of_the_likelihood():
    _, frame, x = data()
    marginal = _Marginal(x, np.ones(len(x)), frame["died"].to_numpy(float), cases.codes(frame["unit"]), 5)
    theta = np.append(np.linspace(-0.1, 0.2, x.shape[1]), 0.6)
    numeric = [(marginal(theta + 1e-6 * e)[0] - marginal(theta - 1e-6 * e)[0]) / 2e-6 for e in np.eye(len(theta))]
    np.testing.assert_allclose(marginal(theta)[1], numeric, atol=1e-6)


def test_cells_equal_rows_and_order_does_not_matter():
    golden, frame, x = data()
    row = fit_logistic_mixed(x, np.ones(len(x)), frame["died"].to_numpy(float), cases.codes(frame["unit"]))
    small = cases.cells(cases.rows(), "died").assign(beds10=lambda d: d["beds"] / 10).sample(frac=1, random_state=4)
    names = small["unit"].map({u: f"x{90 - i}" for i, u in enumerate(sorted(frame["unit"].unique()))})
    z = cases.design(small, golden["terms"])
    cell = fit_logistic_mixed(z, small["n"].to_numpy(float), small["sum"].to_numpy(float), cases.codes(names))
    np.testing.assert_allclose(cell.beta, row.beta, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(np.sqrt(np.diag(cell.cov)), np.sqrt(np.diag(row.cov)), rtol=1e-5)
    np.testing.assert_allclose([cell.sigma, cell.loglik], [row.sigma, row.loglik], rtol=1e-8)


def test_recovers_a_planted_truth():
    got = []
    for seed in np.random.SeedSequence(6).spawn(40):
        rng = np.random.default_rng(seed)
        unit = np.repeat(np.arange(80), 3)
        z, score = np.tile([0.0, 1, 2], 80), rng.normal(size=80)[unit]
        eta = -1 + 0.5 * z + 0.3 * score + rng.normal(0, 0.6, 80)[unit]
        n = rng.integers(1, 30, 240).astype(float)
        events = rng.binomial(n.astype(int), 1 / (1 + np.exp(-eta))).astype(float)
        fit = fit_logistic_mixed(np.column_stack([np.ones(240), z, score]), n, events, unit)
        got.append([*fit.beta, fit.sigma])
    error = np.array(got) - [-1, 0.5, 0.3, 0.6]
    margin = 3 * error.std(axis=0, ddof=1) / np.sqrt(40) + [0, 0, 0, 0.02]  # ML variances are a little small
    assert (np.abs(error.mean(axis=0)) < margin).all()


def test_boundary_and_separation():
    n, unit = np.full(20, 50.0), np.arange(20)
    flat = fit_logistic_mixed(np.ones((20, 1)), n, np.full(20, 10.0), unit)
    assert flat.boundary and flat.sigma == 0
    np.testing.assert_allclose(flat.beta, np.log(0.25), rtol=1e-8)
    np.testing.assert_allclose(flat.cov[0, 0], 1 / (1000 * 0.16), rtol=1e-6)
    x = np.column_stack([np.ones(20), np.arange(20) < 10]).astype(float)
    with pytest.raises(Separation):
        fit_logistic_mixed(x, n, np.where(np.arange(20) < 10, 0.0, 10.0), unit)
