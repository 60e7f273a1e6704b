"""Omega within and between units against lavaan's two-level model; planted truth, boundary, invariants, refusals."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from microresearch.errors import DataError
from microresearch.numeric.two_level import fit_two_level
from microresearch.psychometrics.omega_levels import LevelOmega, OmegaLevels, omega_levels
from microresearch.results import NotAvailable

GOLDEN = Path(__file__).parents[1] / "golden" / "omega"
TWO = pd.read_csv(GOLDEN / "two.csv").astype({"unit": str})
THEIRS = json.loads((GOLDEN / "levels.json").read_text())


def both(found: OmegaLevels) -> tuple[LevelOmega, LevelOmega]:
    assert isinstance(found.within, LevelOmega)
    assert isinstance(found.between, LevelOmega)
    return found.within, found.between


def test_estimates_and_errors_agree_with_lavaan() -> None:
    within, between = both(omega_levels(TWO, interval="normal"))
    assert (within.estimate, between.estimate) == (
        pytest.approx(THEIRS["within"], abs=1e-5), pytest.approx(THEIRS["between"], abs=1e-5)
    )  # fmt: skip
    np.testing.assert_allclose([within.se, between.se], [THEIRS["se_within"], THEIRS["se_between"]], atol=1e-6)
    within, between = both(omega_levels(TWO))
    np.testing.assert_allclose([within.se, between.se], [THEIRS["robust_within"], THEIRS["robust_between"]], atol=1e-6)


def test_parameters_and_likelihood_agree_with_lavaan() -> None:
    fit = fit_two_level(TWO.drop(columns="unit").to_numpy(), pd.factorize(TWO["unit"])[0].astype(np.int64))
    assert fit.loglik == pytest.approx(THEIRS["loglik"], abs=1e-6)
    theirs = pd.DataFrame(THEIRS["est"]).query("not lhs.str.startswith('f') or op == '=~'")
    for level, ours in ((1, fit.within), (2, fit.between)):
        part = theirs[theirs["level"] == level]
        np.testing.assert_allclose(ours[0], part.loc[part["op"] == "=~", "est"], atol=1e-5)
        np.testing.assert_allclose(ours[1], part.loc[part["op"] == "~~", "est"], atol=1e-5)
    assert not fit.held.any()


def planted(rng: np.random.Generator, between: float, unique: float) -> pd.DataFrame:
    unit = np.repeat(np.arange(60), rng.integers(4, 25, 60))
    common = rng.normal(size=(len(unit), 1)) + between * rng.normal(size=(60, 1))[unit]
    own = rng.normal(size=(len(unit), 4)) + unique * rng.normal(size=(60, 4))[unit]
    return pd.DataFrame(common + own, columns=list("abcd")).assign(unit=unit)


def test_planted_truth_is_recovered_and_covered() -> None:
    """40 surveys of 60 units: .8 within, and the share of the common part between."""
    rng = np.random.default_rng(70)
    truth = 0.8, 16 * 0.25 / (16 * 0.25 + 4 * 0.09)
    found = [both(omega_levels(planted(rng, 0.5, 0.3))) for _ in range(40)]
    for level, value in enumerate(truth):
        estimates = np.array([pair[level].estimate for pair in found])
        assert abs(estimates.mean() - value) < 3 * estimates.std() / 40**0.5 + 0.01
        assert np.mean([value in pair[level].interval for pair in found]) >= 0.85


def test_units_alike_leave_a_reason_between_and_a_number_within() -> None:
    rng = np.random.default_rng(71)
    data = planted(rng, 0.0, 0.0)
    data[list("abcd")] -= data.groupby("unit")[list("abcd")].transform("mean") * 0.9
    found = omega_levels(data)
    assert isinstance(found.between, NotAvailable)
    assert isinstance(found.within, LevelOmega)
    assert "held at zero" in found.notes[0]
    assert "note" in found.to_frame()


def test_held_variances_are_where_the_likelihood_asks_for_less() -> None:
    """At the bound no small raise of a held variance makes the fit better."""
    rng = np.random.default_rng(72)
    data = planted(rng, 0.5, 0.0)
    fit = fit_two_level(data[list("abcd")].to_numpy(), data["unit"].to_numpy())
    assert fit.held[1].any()
    assert (fit.between[1][fit.held[1]] == 0).all()
    assert (fit.between[1] >= 0).all()


def test_order_names_and_scale_do_not_matter() -> None:
    first = both(omega_levels(TWO))
    mixed = TWO.sample(frac=1, random_state=4)
    items = ["x3", "x1", "x4", "x2"]
    second = both(omega_levels(mixed[items] * 5 + 2, unit="ward " + mixed["unit"]))
    for a, b in zip(first, second, strict=True):
        assert (a.estimate, a.se) == (pytest.approx(b.estimate, abs=1e-8), pytest.approx(b.se, abs=1e-7))


def test_refusals() -> None:
    with pytest.raises(DataError, match="cannot carry"):
        omega_levels(TWO[["x1", "x2", "unit"]])
    with pytest.raises(DataError, match="cannot carry"):
        omega_levels(TWO[TWO["unit"].isin(["1", "2", "3"])])
    with pytest.raises(DataError, match="no such column"):
        omega_levels(TWO, unit="ward")
