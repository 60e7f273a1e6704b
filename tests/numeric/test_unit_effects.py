import glm_cases as cases
import numpy as np
import pytest

from microresearch.errors import DataError
from microresearch.numeric.glm import Separation
from microresearch.numeric.unit_effects import unit_effects

MIX = ["ageb", "agec", "sexM"]
KINDS = [("binomial", "died"), ("poisson", "days"), ("gamma", "cost"), ("gaussian", "y")]


def effects(family, outcome, frame, n=None, total=None, squares=None):
    y = frame[outcome].to_numpy(float) if total is None else total
    n = np.ones(len(frame)) if n is None else n
    squares = y**2 if squares is None else squares
    return unit_effects(family, cases.design(frame, MIX), n, y, cases.codes(frame["unit"]), squares)


@pytest.mark.parametrize(("family", "outcome"), KINDS)
def test_equals_glm_with_a_dummy_a_unit(family, outcome):
    golden, frame = cases.golden("two_stage"), cases.rows()
    got, want = effects(family, outcome, frame), golden[family]
    np.testing.assert_allclose(got.slopes, want["slopes"], rtol=1e-7)
    keep = ~got.firth
    if family == "binomial":
        assert [name for name, k in zip(sorted(frame["unit"].unique()), keep, strict=True) if k] == golden["units"]
        np.testing.assert_allclose(got.effect[got.firth], golden["firth"], rtol=1e-6)
    else:
        assert keep.all()
    np.testing.assert_allclose(got.effect[keep], want["effect"], rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(got.cov[np.ix_(keep, keep)], want["cov"], rtol=1e-6, atol=1e-10)


@pytest.mark.parametrize(("family", "outcome"), KINDS)
def test_cells_equal_rows(family, outcome):
    row, small = effects(family, outcome, cases.rows()), cases.cells(cases.rows(), outcome)
    cell = effects(family, outcome, small, *(small[c].to_numpy(float) for c in ("n", "sum", "sumsq")))
    np.testing.assert_allclose(cell.effect, row.effect, rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(cell.cov, row.cov, rtol=1e-8, atol=1e-12)


def test_the_reference_level_does_not_matter():
    frame = cases.rows()
    z = cases.design(frame, MIX)
    other = np.column_stack([1 - z[:, 0] - z[:, 1], z[:, 1], 1 - z[:, 2]])
    n, y, unit = np.ones(len(frame)), frame["died"].to_numpy(float), cases.codes(frame["unit"])
    one, two = (unit_effects("binomial", x, n, y, unit) for x in (z, other))
    np.testing.assert_allclose(two.effect, one.effect, rtol=1e-8)
    np.testing.assert_allclose(two.cov, one.cov, rtol=1e-7, atol=1e-10)


def test_slopes_come_from_within_units():
    """Case mix that goes with the units' own level misleads a pooled slope; the within-unit one recovers the truth."""
    slopes = []
    for seed in np.random.SeedSequence(4).spawn(60):
        rng = np.random.default_rng(seed)
        level = rng.normal(0, 1, 60)
        unit = np.repeat(np.arange(60), 80)
        z = rng.binomial(1, 1 / (1 + np.exp(-level[unit]))).astype(float)
        y = rng.binomial(1, 1 / (1 + np.exp(1 - level[unit] - 0.5 * z))).astype(float)
        slopes.append(unit_effects("binomial", z[:, None], np.ones(len(y)), y, unit).slopes[0])
    slopes = np.array(slopes)
    # with 80 rows a unit the incidental-parameter bias of unit dummies is about slope / 80
    assert abs(slopes.mean() - 0.5 * (1 + 1 / 79)) < 3 * slopes.std(ddof=1) / np.sqrt(60)


def test_refusals():
    z, n, unit = np.array([[0.0], [1], [0], [1]]), np.full(4, 30.0), np.array([0, 0, 1, 1])
    with pytest.raises(Separation) as caught:
        unit_effects("binomial", z, n, np.array([10.0, 0, 12, 0]), unit)
    assert caught.value.columns == [0]
    with pytest.raises(DataError, match="no unit has both"):
        unit_effects("binomial", z, n, np.zeros(4), unit)
    with pytest.raises(DataError, match="two-part"):
        unit_effects("gamma", z, n, np.array([1.0, 0, 1, 1]), unit, np.ones(4))
    with pytest.raises(DataError, match="sums of squares"):
        unit_effects("poisson", z, n, np.ones(4), unit)
    aliased = unit_effects("binomial", np.column_stack([z, z[:, 0] * 0]), n, np.array([10.0, 5, 12, 9]), unit)
    assert aliased.slopes[1] == 0
