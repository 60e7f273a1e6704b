"""Characteristic scores: keyed by the form's bounds, the missing rule counts applicable items only."""

import numpy as np
import pandas as pd
import pytest

from microresearch.errors import DataError, SpecError
from microresearch.instrument import load_instrument
from microresearch.psychometrics.alpha import Alpha, alpha, alpha_table
from microresearch.psychometrics.omega import omega
from microresearch.psychometrics.scales import omegas, other_coefficients
from microresearch.psychometrics.scores import characteristic_scores, keyed_items
from microresearch.responses import Responses, State

LONG = load_instrument("long-form")


def made(form: str = "long-form", n: int = 4, answer: float = 4.0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Everyone answers `answer` everywhere; values and state to be changed by a test."""
    instrument = load_instrument(form)
    index = pd.Index([f"R_{i}" for i in range(n)])
    codes = [item.code for item in instrument.items]
    values = pd.DataFrame(answer, index=index, columns=codes)
    return values, pd.DataFrame(np.int8(State.ANSWERED), index=index, columns=codes)


def responses(values: pd.DataFrame, state: pd.DataFrame, form: str = "long-form") -> Responses:
    people = pd.DataFrame({"person": values.index, "unit": "U001", "role": "nurse", "wave": 1}, index=values.index)
    return Responses(load_instrument(form), values.where(state == State.ANSWERED), state, people)


def test_reversed_items_are_turned_by_the_forms_bounds() -> None:
    values, state = made(answer=4.0)
    turned = [item.code for item in LONG.items if item.reversed]
    assert len(turned) == 2
    values[turned] = 2.0
    scores = characteristic_scores(responses(values, state))
    assert (scores == 4.0).all(axis=None)
    assert list(scores.columns) == [c.code for c in LONG.characteristics]


def test_half_rule_counts_applicable_items_only() -> None:
    values, state = made()
    education = [item.code for item in LONG.items_of("education_training")]
    students = education[2]
    state.loc["R_0", students] = State.NOT_APPLICABLE
    state.loc["R_0", education[0]] = State.CANT_RATE  # 1 of 2 applicable: half
    state.loc["R_1", education[0]] = State.CANT_RATE  # 2 of 3
    state.loc["R_2", education[:2]] = State.BLANK  # 1 of 3: less than half
    state.loc["R_3", education] = State.NOT_APPLICABLE
    values.loc["R_0", education[1]] = 2.0
    scores = characteristic_scores(responses(values, state))["education_training"]
    assert scores["R_0"] == 2.0
    assert scores["R_1"] == 4.0
    assert np.isnan(scores["R_2"])
    assert np.isnan(scores["R_3"])


def test_the_rule_is_declared() -> None:
    values, state = made()
    leadership = [item.code for item in LONG.items_of("leadership")]
    state.loc["R_0", leadership[:5]] = State.BLANK  # 2 of 7
    state.loc["R_1", leadership[:1]] = State.BLANK  # 6 of 7
    given = responses(values, state)
    answered = {
        rule: characteristic_scores(given, rule)["leadership"].notna().tolist() for rule in ("half", "all", "any", 0.9)
    }
    assert answered["half"] == [False, True, True, True]
    assert answered["all"] == [False, False, True, True]
    assert answered["any"] == [True, True, True, True]
    assert answered[0.9] == [False, False, True, True]
    for wrong in ("most", 0.0, 1.5):
        with pytest.raises(SpecError, match="missing rule"):
            characteristic_scores(given, wrong)


def test_items_that_apply_to_no_one_are_left_out() -> None:
    values, state = made()
    state["education_training_3"] = np.int8(State.NOT_APPLICABLE)
    assert keyed_items(responses(values, state), "education_training").shape == (4, 2)
    with pytest.raises(SpecError, match="no such characteristic"):
        keyed_items(responses(values, state), "teaching")


def test_alpha_by_characteristic_is_alpha_of_its_keyed_items() -> None:
    rng = np.random.default_rng(8)
    values, state = made(n=80)
    person = rng.normal(size=(80, 1))
    values[:] = np.clip(np.rint(3 + person + rng.normal(size=values.shape)), 1, 5)
    for item in LONG.items:
        if item.reversed:
            values[item.code] = 6 - values[item.code]
    given = responses(values, state)
    result = alpha(given, "interdependence")
    assert isinstance(result, Alpha)
    assert result.estimate == alpha(keyed_items(given, "interdependence")).estimate
    assert result.negative == ()
    table = alpha_table(given)
    assert len(table) == 20
    assert table["estimate"].notna().all()


def test_a_single_item_characteristic_is_refused_with_what_to_use() -> None:
    given = responses(*made("assessment-form", answer=2.0), form="assessment-form")
    with pytest.raises(DataError, match="reliability of its raters"):
        alpha(given, "leadership")
    assert alpha_table(given)["note"].str.contains("rwg").all()


def test_every_coefficient_of_every_characteristic_or_its_reason() -> None:
    rng = np.random.default_rng(9)
    values, state = made(n=120)
    person = rng.normal(size=(120, 1))
    values[:] = np.clip(np.rint(3 + person + rng.normal(size=values.shape)), 1, 5)
    for item in LONG.items:
        if item.reversed:
            values[item.code] = 6 - values[item.code]
    given = responses(values, state)
    codes = [c.code for c in LONG.characteristics]
    found = omegas(given)
    assert set(found["group"]) == set(codes) and set(found["term"]) >= {"omega, total", "omega, categorical"}
    total = found[found["term"] == "omega, total"].set_index("group")
    assert total.loc[codes[0], "estimate"] == omega(given, columns=codes[0]).estimate
    between = found[found["term"].str.contains("units")]  # everybody works in one unit
    assert between["note"].notna().all()
    others = other_coefficients(given)
    assert set(others["group"]) == set(codes) and not others["term"].isin(["alpha", "omega, total"]).any()
    assert (others["ci_low"] < others["estimate"]).all() and (others["estimate"] < others["ci_high"]).all()
    single = responses(*made("assessment-form", answer=2.0), form="assessment-form")
    assert omegas(single).empty and other_coefficients(single).empty
