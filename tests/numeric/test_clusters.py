import glm_cases as cases
import numpy as np
import pytest

from microresearch.errors import DataError
from microresearch.numeric import clusters
from microresearch.numeric.clusters import cr2, cr2_glm
from microresearch.numeric.glm import fit_glm
from microresearch.numeric.inverse_root import MOST_CONDITION, condition, shrunken_inverse_root


def least_squares(frame, terms, cluster, n=None, total=None, weight=None):
    x = cases.design(frame, terms)
    n = np.ones(len(frame)) if n is None else n
    total = frame["y"].to_numpy() if total is None else total
    weight = np.ones(len(frame)) if weight is None else weight
    beta = np.linalg.lstsq(x * np.sqrt(n * weight)[:, None], total * np.sqrt(weight / n), rcond=None)[0]
    return beta, cr2(x, n, total - n * (x @ beta), weight, cases.codes(cluster))


def same(golden, beta, robust, rtol):
    np.testing.assert_allclose(beta, golden["beta"], rtol=rtol, atol=rtol)
    np.testing.assert_allclose(np.sqrt(np.diag(robust.cov)), golden["se"], rtol=rtol)
    scale = np.outer(golden["se"], golden["se"])
    np.testing.assert_allclose(robust.cov / scale, np.array(golden["vcov"]) / scale, rtol=0, atol=rtol)
    df = [robust.df(row) for row in np.eye(len(beta))]
    np.testing.assert_allclose(df, golden["df"], rtol=rtol)


@pytest.mark.parametrize("name", ["ols", "hospital_clusters", "absorbed", "wls"])
def test_least_squares_equals_clubsandwich(name):
    golden, frame, weight = cases.golden("clusters")[name], cases.rows(), None
    if name == "absorbed":
        frame = frame[~((frame["hospital"] == "H03") & (frame["unit"] != "U003"))]
    if name == "wls":
        weight = 1 + (cases.codes(frame["age"]) + cases.codes(frame["sex"]) + 2) / 2
    cluster = frame["hospital" if name == "hospital_clusters" else "unit"]
    same(golden, *least_squares(frame, golden["terms"], cluster, weight=weight), rtol=1e-8)


@pytest.mark.parametrize(("family", "outcome"), [("gamma", "cost"), ("poisson", "days"), ("binomial", "died")])
def test_glm_equals_clubsandwich(family, outcome):
    golden, frame = cases.golden("clusters")[family], cases.rows()
    x, y = cases.design(frame, golden["terms"]), frame[outcome].to_numpy(float)
    fit = fit_glm(x, np.ones(len(y)), y, family)
    robust = cr2_glm(x, np.ones(len(y)), y, fit, cases.codes(frame["unit"]))
    same(golden, fit.beta, robust, rtol=1e-8)


@pytest.mark.parametrize(("family", "outcome"), [("gamma", "cost"), ("poisson", "days"), ("binomial", "died")])
def test_cells_equal_rows_glm(family, outcome):
    terms, frame = cases.golden("clusters")[family]["terms"], cases.rows()
    small = cases.cells(frame, outcome)
    answers = []
    for data, n, y in (
        (frame, np.ones(len(frame)), frame[outcome].to_numpy(float)),
        (small, small["n"].to_numpy(float), small["sum"].to_numpy(float)),
    ):
        x = cases.design(data, terms)
        fit = fit_glm(x, n, y, family)
        robust = cr2_glm(x, n, y, fit, cases.codes(data["unit"]))
        answers.append((robust.cov, [robust.df(row) for row in np.eye(len(terms))]))
    np.testing.assert_allclose(answers[1][0], answers[0][0], rtol=1e-8, atol=1e-14)
    np.testing.assert_allclose(answers[1][1], answers[0][1], rtol=1e-8)


def test_cells_equal_rows_and_labels_do_not_matter():
    terms, frame = cases.golden("clusters")["ols"]["terms"], cases.rows()
    small = cases.cells(frame, "y")
    _, row = least_squares(frame, terms, frame["unit"])
    _, cell = least_squares(small, terms, small["unit"], small["n"].to_numpy(float), small["sum"].to_numpy(float))
    np.testing.assert_allclose(cell.cov, row.cov, rtol=1e-8, atol=1e-14)
    mixed = frame.sample(frac=1, random_state=2)
    names = {u: f"x{90 - i}" for i, u in enumerate(sorted(frame["unit"].unique()))}
    _, other = least_squares(mixed.assign(beds=mixed["beds"] * 50), terms, mixed["unit"].map(names))
    last = np.eye(len(terms))[-1]
    np.testing.assert_allclose(other.cov[-1, -1], row.cov[-1, -1], rtol=1e-9)
    np.testing.assert_allclose([other.df(last), cell.df(last)], row.df(last), rtol=1e-9)


@pytest.mark.parametrize(("close", "spread"), [(0.5, 0.2), (0.999, 0.4), (1 - 1e-5, 0.1)])
def test_inverse_roots_by_resolvents_and_by_eigenvalues_agree(close, spread):
    rng = np.random.default_rng(5)
    y = np.linalg.qr(rng.normal(size=(7, 60, 4)))[0] * np.sqrt(np.array([0.01, 0.2, 0.4, close]))
    phi = np.exp(spread * rng.normal(size=(7, 60)))
    floor = np.full(7, 1 - close)
    assert (condition(phi, floor) < MOST_CONDITION).all()
    b = phi[:, :, None] * (np.eye(60) - y @ np.swapaxes(y, 1, 2)) * phi[:, None, :]
    values, vectors = np.linalg.eigh(b)
    assert (values[:, -1] / values[:, 0] <= condition(phi, floor) * (1 + 1e-9)).all()
    exact = (vectors / np.sqrt(values)[:, None, :]) @ (np.swapaxes(vectors, 1, 2) @ y)
    np.testing.assert_allclose(shrunken_inverse_root(phi, y, floor), exact, rtol=0, atol=1e-10 * np.abs(exact).max())


def test_clusters_of_many_cells_take_the_same_errors_with_and_without_eigenvalues(monkeypatch):
    """Unequal weights; one cluster's effect is absorbed, so that its matrix is singular."""
    rng = np.random.default_rng(6)
    cluster = np.repeat(np.arange(9), 40)
    alone = (cluster == 8).astype(float)
    x = np.column_stack([np.ones(360), rng.normal(size=9)[cluster], rng.normal(size=360), alone])
    n, y = rng.integers(1, 9, 360).astype(float), rng.poisson(3, 360).astype(float)
    fit = fit_glm(x, n, y * n, "poisson")
    quick = cr2_glm(x, n, y * n, fit, cluster)
    monkeypatch.setattr(clusters, "_CHEAPER", 1000)
    slow = cr2_glm(x, n, y * n, fit, cluster)
    np.testing.assert_allclose(quick.cov, slow.cov, rtol=1e-10, atol=1e-14)
    for contrast in np.eye(3, 4):
        assert quick.df(contrast) == pytest.approx(slow.df(contrast), rel=1e-9)


def test_holds_its_size_under_a_true_null():
    """A normal-theory z-test of the same data rejects far too often; CR2 with its degrees of freedom does not."""
    from scipy import stats

    p, naive = [], []
    for seed in np.random.SeedSequence(8).spawn(300):
        rng = np.random.default_rng(seed)
        cluster = np.repeat(np.arange(22), rng.integers(2, 60, 22))
        x = np.column_stack([np.ones(len(cluster)), rng.lognormal(size=22)[cluster]])
        y = rng.normal(size=22)[cluster] + rng.normal(0, 2, len(cluster))
        beta = np.linalg.lstsq(x, y, rcond=None)[0]
        robust = cr2(x, np.ones(len(y)), y - x @ beta, np.ones(len(y)), cluster)
        t = abs(beta[1]) / np.sqrt(robust.cov[1, 1])
        p.append(2 * stats.t.sf(t, robust.df(np.array([0.0, 1]))))
        naive.append(2 * stats.norm.sf(t))
    assert 0.01 < np.mean(np.array(p) < 0.05) < 0.08
    assert np.mean(np.array(naive) < 0.05) > 0.09


def test_refusals():
    with pytest.raises(DataError, match="two clusters"):
        cr2(np.ones((3, 1)), np.ones(3), np.zeros(3), np.ones(3), np.zeros(3, int))
    with pytest.raises(DataError, match="rank"):
        cr2(np.ones((3, 2)), np.ones(3), np.zeros(3), np.ones(3), np.arange(3))
