import numpy as np
import pytest

from microresearch.errors import DataError, SpecError
from microresearch.linking.casemix import Stratum, strata, with_defaults
from microresearch.linking.identifiers import check_units, plain
from microresearch.linking.multiplicity import bh, holm
from microresearch.linking.plan import plan_hash

P = [0.001, 0.011, 0.02, 0.02, 0.04, 0.3, 0.9]


def test_adjusted_p_values_equal_r():
    # R 4.2.2: p.adjust(c(.001, .011, .02, .02, .04, .3, .9), "holm") and "BH"
    np.testing.assert_allclose(holm(P), [0.007, 0.066, 0.1, 0.1, 0.12, 0.6, 0.9], atol=1e-12)
    np.testing.assert_allclose(bh(P), [0.007, 0.035, 0.035, 0.035, 0.056, 0.35, 0.9], atol=1e-12)
    np.testing.assert_allclose(holm(P[::-1]), holm(P)[::-1])
    np.testing.assert_array_equal(np.isnan(holm([None, 0.5])), [True, False])
    assert np.isnan(bh([None])).all()
    with pytest.raises(DataError, match="between 0 and 1"):
        holm([1.2])


def test_plan_hash():
    plan = {"outcomes": ["a", "b"], "models": {"a": "mixed"}, "alpha": 0.05}
    assert plan_hash(plan) == plan_hash(dict(reversed(plan.items()))) == plan_hash(plan | {"outcomes": ("a", "b")})
    assert plan_hash(plan) != plan_hash(plan | {"outcomes": ["b", "a"]})
    assert len(plan_hash(plan)) == 12
    for strange in ({"x": {1, 2}}, {"x": object()}, {"x": float("nan")}):
        with pytest.raises(SpecError, match="cannot be hashed"):
            plan_hash(strange)


def test_identifiers():
    assert plain(" U-007 ") == plain("u7") == "u7" and plain("U70") != plain("U7") and plain("000") == "0"
    check_units(["A1"], ["A1", "B2"], "f", "unit")
    with pytest.raises(DataError) as caught:
        check_units(["a-1", "C3"], ["A1", "B2"], "f", "unit")
    assert len(caught.value.problems) == 2
    check_units(["C3"], ["A1"], "f", "unit", closed=False)


def test_strata():
    assert with_defaults(Stratum("age", "age"), True).labels()[:2] == ("under 18", "18 to <45")
    assert with_defaults(Stratum("age", "age"), False).labels() is None
    assert strata([Stratum("s", "sex", levels=("F", "M"))])[0].labels() == ("F", "M")
    for wrong in (
        [{"column": "a", "bands": [1], "levels": ["x"]}],
        [{"colum": "a"}],
        [{}],
        [{"column": "a", "bands": []}],
        ["a", "a"],
    ):
        with pytest.raises(SpecError):
            strata(wrong)
