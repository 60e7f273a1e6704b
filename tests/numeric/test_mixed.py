import glm_cases as cases
import numpy as np
import pandas as pd
import pytest

from microresearch.errors import ConvergenceError, DataError
from microresearch.numeric.mixed import fit_mixed, group_moments

TERMS = [
    "(Intercept)",
    "hospitalH02",
    "hospitalH03",
    "hospitalH04",
    "hospitalH05",
    "beds",
    "ageb",
    "agec",
    "sexM",
    "score",
]


def fit(frame, terms, y):
    moments = group_moments(cases.design(frame, terms), np.ones(len(frame)), y, y**2, cases.codes(frame["unit"]))
    return fit_mixed(moments)


def case(name):
    golden = cases.golden("mixed")[name]
    frame = cases.rows()
    if name == "small":
        frame = frame[frame["unit"].isin(sorted(frame["unit"].unique())[:12])]
    y = frame["y"].to_numpy()
    if name == "boundary":
        y = pd.read_csv(cases.GOLDEN / "mixed" / "flat.csv")["y"].to_numpy()
    return golden, fit(frame, golden["terms"], y)


@pytest.mark.parametrize("name", ["full", "plain", "small", "boundary"])
def test_equals_lmertest(name):
    golden, got = case(name)
    near = {"rtol": 1e-6, "atol": 1e-9}
    np.testing.assert_allclose(got.beta, golden["beta"], **near)
    np.testing.assert_allclose(np.sqrt(np.diag(got.cov)), golden["se"], **near)
    np.testing.assert_allclose([got.tau2, got.sigma2], [golden["tau2"], golden["sigma2"]], **near)
    np.testing.assert_allclose(got.loglik, golden["loglik"], rtol=1e-10)
    df = [got.satterthwaite(row) for row in np.eye(len(got.beta))]
    np.testing.assert_allclose(df, golden["df"], rtol=1e-6)
    assert got.boundary == (name == "boundary")


def test_cells_equal_rows():
    frame = cases.rows()
    by_row = fit(frame, TERMS, frame["y"].to_numpy())
    small = cases.cells(frame, "y")
    assert len(small) < len(frame)
    columns = (small[c].to_numpy(float) for c in ("n", "sum", "sumsq"))
    by_cell = fit_mixed(group_moments(cases.design(small, TERMS), *columns, cases.codes(small["unit"])))
    np.testing.assert_allclose(by_cell.beta, by_row.beta, rtol=1e-9)
    np.testing.assert_allclose(by_cell.cov, by_row.cov, rtol=1e-8)
    unit = np.eye(len(TERMS))[-1]
    np.testing.assert_allclose(by_cell.satterthwaite(unit), by_row.satterthwaite(unit), rtol=1e-8)


def test_order_scale_and_labels_do_not_matter():
    frame = cases.rows()
    base = fit(frame, TERMS, frame["y"].to_numpy())
    mixed = frame.sample(frac=1, random_state=3)
    mixed["unit"] = mixed["unit"].map({u: f"x{-i + 90}" for i, u in enumerate(sorted(frame["unit"].unique()))})
    mixed["beds"] = mixed["beds"] * 1000.0
    other = fit(mixed, TERMS, mixed["y"].to_numpy() * -7 + 3)
    np.testing.assert_allclose(other.beta[-1], base.beta[-1] * -7, rtol=1e-9)
    np.testing.assert_allclose([other.tau2, other.sigma2], [base.tau2 * 49, base.sigma2 * 49], rtol=1e-7)
    last = np.eye(len(TERMS))[-1]
    np.testing.assert_allclose(other.satterthwaite(last), base.satterthwaite(last), rtol=1e-6)


def test_recovers_a_planted_truth():
    got = []
    for seed in np.random.SeedSequence(11).spawn(120):
        rng = np.random.default_rng(seed)
        group = np.repeat(np.arange(40), rng.integers(1, 30, 40))
        score = rng.normal(size=40)[group]
        y = 50 + 2.0 * score + rng.normal(0, 3, 40)[group] + rng.normal(0, 10, len(group))
        made = fit_mixed(group_moments(np.column_stack([np.ones(len(y)), score]), np.ones(len(y)), y, y**2, group))
        last = np.array([0.0, 1.0])
        got.append((made.beta[1], made.cov[1, 1], made.tau2, made.sigma2, made.satterthwaite(last)))
    beta, var, tau2, sigma2, df = np.array(got).T
    for values, truth in ((beta, 2.0), (tau2, 9.0), (sigma2, 100.0)):
        assert abs(values.mean() - truth) < 3 * values.std(ddof=1) / np.sqrt(len(values))
    assert 0.8 < var.mean() / beta.var(ddof=1) < 1.25
    assert 20 < df.mean() < 60


def test_refusals():
    y = np.array([1.0, 2, 3, 4])
    with pytest.raises(DataError, match="two rows"):
        fit_mixed(group_moments(np.ones((4, 1)), np.ones(4), y, y**2, np.arange(4)))
    with pytest.raises(ConvergenceError, match="without error"):
        fit_mixed(group_moments(np.column_stack([np.ones(4), y]), np.ones(4), y, y**2, np.array([0, 0, 1, 1])))
    with pytest.raises(ConvergenceError, match="within groups goes to zero"):
        z = np.array([1.0, 1, 5, 5, 9, 9])
        fit_mixed(group_moments(np.ones((6, 1)), np.ones(6), z, z**2, np.array([0, 0, 1, 1, 2, 2])))
    with pytest.raises(DataError, match="rank"):
        fit_mixed(group_moments(np.ones((4, 2)), np.ones(4), y, y**2, np.array([0, 0, 1, 1])))
    with pytest.raises(DataError, match="without rows"):
        group_moments(np.ones((4, 1)), np.array([1.0, 1, 1, 0]), y, y**2, np.array([0, 0, 1, 1]))
