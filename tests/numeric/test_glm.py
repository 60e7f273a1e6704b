import glm_cases as cases
import numpy as np
import pytest

from microresearch.errors import DataError
from microresearch.numeric.glm import Separation, fit_glm

KINDS = [("gamma", "cost"), ("poisson", "days"), ("binomial", "died")]


def by_row(family, outcome, terms, frame=None, **more):
    frame = cases.rows() if frame is None else frame
    y = frame[outcome].to_numpy(float)
    return fit_glm(cases.design(frame, terms), np.ones(len(y)), y, family, y**2, **more)


@pytest.mark.parametrize(("family", "outcome"), KINDS)
def test_equals_r(family, outcome):
    golden = cases.golden("glm")[family]
    got = by_row(family, outcome, golden["terms"])
    np.testing.assert_allclose(got.beta, golden["beta"], rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(got.dispersion * (got.n_rows - len(got.beta)), golden["pearson"], rtol=1e-8)
    scale = golden["dispersion"]
    np.testing.assert_allclose(np.sqrt(np.diag(np.linalg.inv(got.information)) * scale), golden["se"], rtol=1e-8)


def test_offset_equals_r():
    golden = cases.golden("glm")["offset"]
    frame = cases.rows()
    got = by_row("poisson", "days", golden["terms"], frame, offset=np.log(frame["beds"].to_numpy(float)))
    np.testing.assert_allclose(got.beta, golden["beta"], rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize(("family", "outcome"), KINDS)
def test_cells_equal_rows(family, outcome):
    terms = cases.golden("glm")[family]["terms"]
    small = cases.cells(cases.rows(), outcome)
    n, total, squares = (small[c].to_numpy(float) for c in ("n", "sum", "sumsq"))
    cell, row = fit_glm(cases.design(small, terms), n, total, family, squares), by_row(family, outcome, terms)
    np.testing.assert_allclose(cell.beta, row.beta, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(cell.dispersion, row.dispersion, rtol=1e-9)


@pytest.mark.parametrize(("family", "outcome"), KINDS)
def test_rows_and_units_of_measurement_do_not_matter(family, outcome):
    terms = cases.golden("glm")[family]["terms"]
    frame = cases.rows().sample(frac=1, random_state=1)
    base, other = by_row(family, outcome, terms), by_row(family, outcome, terms, frame.assign(beds=frame["beds"] / 100))
    np.testing.assert_allclose(other.beta[-1], base.beta[-1], rtol=1e-8)
    if family != "binomial":
        scaled = by_row(family, outcome, terms, frame.assign(**{outcome: frame[outcome] * 9}))
        np.testing.assert_allclose(scaled.beta[1:], base.beta[1:], rtol=1e-7, atol=1e-10)
        np.testing.assert_allclose(scaled.beta[0], base.beta[0] + np.log(9), rtol=1e-8)


@pytest.mark.parametrize("family", ["gamma", "poisson", "binomial"])
def test_recovers_a_planted_truth(family):
    got, truth = [], np.array([-0.5, 0.4, -0.3])
    for seed in np.random.SeedSequence(5).spawn(60):
        rng = np.random.default_rng(seed)
        x = np.column_stack([np.ones(800), rng.normal(size=800), rng.integers(0, 2, 800)])
        eta = x @ truth
        draw = {
            "gamma": lambda r=rng, e=eta: r.gamma(2, np.exp(e) / 2),
            "poisson": lambda r=rng, e=eta: r.poisson(np.exp(e)),
            "binomial": lambda r=rng, e=eta: r.binomial(1, 1 / (1 + np.exp(-e))),
        }[family]
        got.append(fit_glm(x, np.ones(800), np.asarray(draw(), float), family).beta)
    error = np.array(got) - truth
    assert (np.abs(error.mean(axis=0)) < 3.2 * error.std(axis=0, ddof=1) / np.sqrt(len(got)) + 0.003).all()


def test_separation_is_named():
    x = np.column_stack([np.ones(4), [0.0, 0, 1, 1]])
    n = np.full(4, 50.0)
    for family in ("binomial", "poisson"):
        with pytest.raises(Separation) as caught:
            fit_glm(x, n, np.array([10.0, 12, 0, 0]), family)
        assert 1 in caught.value.columns
    with pytest.raises(Separation):
        fit_glm(x, n, np.array([10.0, 12, 50, 50]), "binomial")
    assert fit_glm(x, n, np.array([10.0, 12, 0, 1]), "binomial").gradient < 1e-16


def test_refusals():
    x, n = np.ones((3, 1)), np.ones(3)
    for family, y, said in [
        ("gamma", [1.0, 0, 2], "two-part"),
        ("poisson", [1.0, -1, 2], "below zero"),
        ("binomial", [1.0, 2, 0], "more events"),
        ("binomial", [0.0, 0, 0], "zero in every row"),
        ("binomial", [1.0, 1, 1], "every row is an event"),
    ]:
        with pytest.raises(DataError, match=said):
            fit_glm(x, n, np.array(y), family)
    with pytest.raises(DataError, match="without rows"):
        fit_glm(x, np.array([1.0, 0, 1]), np.ones(3), "poisson")
