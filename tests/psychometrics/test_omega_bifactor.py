"""Omega from a confirmatory bifactor model against lavaan; planted truth, invariants, refusals."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from microresearch.errors import ConvergenceError, SpecError
from microresearch.psychometrics.omega_bifactor import omega_bifactor

GOLDEN = Path(__file__).parents[1] / "golden" / "omega"
ITEMS = pd.read_csv(GOLDEN / "bifactor.csv")
GROUPS = {"first": list("abc"), "second": list("def"), "third": list("ghi")}


@pytest.mark.parametrize(("interval", "name"), [("normal", "ml"), ("robust", "mlr")])
def test_estimates_and_errors_agree_with_lavaan(interval: str, name: str) -> None:
    theirs = json.loads((GOLDEN / "bifactor.json").read_text())[name]
    ours = omega_bifactor(ITEMS, GROUPS, interval=interval)  # type: ignore[arg-type]
    assert ours.hierarchical == pytest.approx(theirs["omega_h"], abs=1e-5)
    assert ours.total == pytest.approx(theirs["omega_t"], abs=1e-5)
    assert ours.hierarchical_se == pytest.approx(theirs["se_h"], abs=1e-6)
    assert ours.total_se == pytest.approx(theirs["se_t"], abs=1e-6)


def test_planted_shares_are_recovered() -> None:
    rng = np.random.default_rng(80)
    general, own = rng.normal(size=(6000, 1)), np.repeat(rng.normal(size=(6000, 3)), 3, axis=1)
    items = pd.DataFrame(0.8 * general + 0.5 * own + 0.6 * rng.normal(size=(6000, 9)), columns=list("abcdefghi"))
    found = omega_bifactor(items, GROUPS)
    whole = (9 * 0.8) ** 2 + 3 * (3 * 0.5) ** 2 + 9 * 0.36
    assert found.hierarchical == pytest.approx((9 * 0.8) ** 2 / whole, abs=0.02)
    assert found.total == pytest.approx(1 - 9 * 0.36 / whole, abs=0.01)
    assert found.hierarchical_interval.low < found.hierarchical < found.hierarchical_interval.high < found.total


def test_order_and_scale_do_not_matter() -> None:
    base = omega_bifactor(ITEMS, GROUPS)
    moved = ITEMS.sample(frac=1, random_state=1)[ITEMS.columns[::-1]] * 4 - 3
    other = omega_bifactor(moved, {"z": list("hig"), "y": list("cab"), "x": list("fed")})
    assert other.hierarchical == pytest.approx(base.hierarchical, abs=1e-6)
    assert other.hierarchical_se == pytest.approx(base.hierarchical_se, abs=1e-5)
    assert base.to_frame()["term"].tolist() == ["omega, hierarchical", "omega, total"]


def test_refusals() -> None:
    with pytest.raises(SpecError, match="three or more"):
        omega_bifactor(ITEMS, {"first": list("abc"), "second": list("de")})
    with pytest.raises(SpecError, match="two groups"):
        omega_bifactor(ITEMS, {"first": list("abc"), "second": list("cde")})
    with pytest.raises(SpecError, match="no such item"):
        omega_bifactor(ITEMS, {"first": list("abc"), "second": list("dex")})
    improper = pd.read_csv(GOLDEN / "group.csv")
    with pytest.raises(ConvergenceError, match="improper"):
        omega_bifactor(improper, {"a": ["A2", "A3", "A4", "A5"], "c": ["C1", "C2", "C3"], "e": ["E3", "E4", "E5"]})
