import glm_cases as cases
import numpy as np
import pytest

from microresearch.errors import DataError
from microresearch.numeric.meta import meta_regression

TERMS = ["(Intercept)", "hospitalH02", "hospitalH03", "hospitalH04", "hospitalH05", "beds", "score"]


def golden():
    found, frame = cases.golden("two_stage"), cases.rows()
    units = frame.drop_duplicates("unit").set_index("unit").loc[found["units"]].reset_index()
    return found, np.array(found["binomial"]["effect"]), np.array(found["binomial"]["cov"]), cases.design(units, TERMS)


def test_equals_metafor():
    found, effect, cov, x = golden()
    got, want = meta_regression(effect, np.diag(cov), x), found["knha"]
    np.testing.assert_allclose(got.tau2, want["tau2"], rtol=1e-7)
    np.testing.assert_allclose(got.beta, want["beta"], rtol=1e-7)
    np.testing.assert_allclose(np.sqrt(np.diag(got.cov)), want["se"], rtol=1e-7)
    assert got.df == want["df"] and got.gradient < 1e-12
    got, want = meta_regression(effect, cov, x), found["full"]
    np.testing.assert_allclose(got.tau2, want["tau2"], rtol=1e-4)
    np.testing.assert_allclose(got.beta, want["beta"], rtol=1e-5)
    np.testing.assert_allclose(np.sqrt(np.diag(got.cov) / got.scale), want["se"], rtol=1e-5)


def test_order_and_scale_do_not_matter():
    _, effect, cov, x = golden()
    base = meta_regression(effect, cov, x)
    order = np.random.default_rng(1).permutation(len(effect))
    other = meta_regression(
        effect[order] * 3, cov[np.ix_(order, order)] * 9, x[order] * np.array([1, 1, 1, 1, 1, 10, 1])
    )
    np.testing.assert_allclose(other.beta[-1], base.beta[-1] * 3, rtol=1e-7)
    np.testing.assert_allclose(other.cov[-1, -1], base.cov[-1, -1] * 9, rtol=1e-6)


def test_recovers_a_planted_truth_and_holds_its_level():
    from scipy import stats

    got, hits = [], []
    for seed in np.random.SeedSequence(2).spawn(400):
        rng = np.random.default_rng(seed)
        v, score = rng.uniform(0.02, 0.3, 24), rng.normal(size=24)
        fit = meta_regression(
            0.3 * score + rng.normal(0, 0.3, 24) + rng.normal(0, np.sqrt(v)), v, np.column_stack([np.ones(24), score])
        )
        t = (fit.beta[1] - 0.3) / np.sqrt(fit.cov[1, 1])
        got.append((fit.beta[1], fit.tau2))
        hits.append(2 * stats.t.sf(abs(t), fit.df) < 0.05)
    got = np.array(got)
    error = got - [0.3, 0.09]
    assert (np.abs(error.mean(axis=0)) < 3 * error.std(axis=0) / 20 + [0, 0.004]).all()
    assert 0.02 < np.mean(hits) < 0.08


def test_boundary_and_refusals():
    x = np.ones((4, 1))
    flat = meta_regression(np.array([0.1, 0.1, 0.11, 0.1]), np.ones(4), x)
    assert flat.boundary and flat.tau2 == 0 and flat.scale < 0.01
    with pytest.raises(DataError, match="4 units cannot carry"):
        meta_regression(np.ones(4), np.ones(4), np.eye(4))
    with pytest.raises(DataError, match="aliased"):
        meta_regression(np.arange(4.0), np.ones(4), np.ones((4, 2)))
    with pytest.raises(DataError, match="sampling variance above zero"):
        meta_regression(np.array([1.0, 1, 1, 2]), np.zeros(4), x)
