"""Do responses keep answer, can't rate, blank and not applicable apart, and does the ledger account for everyone?"""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from microresearch.errors import DataError
from microresearch.instrument import load_instrument
from microresearch.responses import Ledger, Responses, State

FORM = load_instrument("assessment-form")
ITEMS = [item.code for item in FORM.items]


def responses(n: int = 4, seed: int = 1) -> Responses:
    rng = np.random.default_rng(seed)
    ids = pd.Index([f"R_{i}" for i in range(n)], name="response")
    state = pd.DataFrame(rng.integers(0, 4, (n, len(ITEMS))), index=ids, columns=ITEMS).astype("int8")
    values = pd.DataFrame(rng.integers(1, 4, state.shape), index=ids, columns=ITEMS).astype("float64")
    people = pd.DataFrame(
        {
            "person": [f"p{i}" for i in range(n)],
            "unit": [f"U{i % 2}" for i in range(n)],
            "role": "nurse",
            "wave": [1 + i % 2 for i in range(n)],
        },
        index=ids,
    )
    return Responses(FORM, values.where(state == State.ANSWERED), state, people, Ledger(n))


def test_a_value_where_nothing_was_answered_is_refused() -> None:
    good = responses()
    values = good.values.copy()
    row, item = np.argwhere((good.state != State.ANSWERED).to_numpy())[0]
    values.iloc[row, item] = 3.0
    with pytest.raises(DataError, match="an answer must have a value"):
        Responses(FORM, values, good.state, good.people)


def test_an_answer_without_a_value_is_refused() -> None:
    good = responses()
    state = good.state.copy()
    row, item = np.argwhere((good.state != State.ANSWERED).to_numpy())[0]
    state.iloc[row, item] = State.ANSWERED
    with pytest.raises(DataError, match="a value must be an answer"):
        Responses(FORM, good.values, state, good.people)


def test_other_columns_or_other_ids_are_refused() -> None:
    good = responses()
    with pytest.raises(DataError, match="in order"):
        Responses(FORM, good.values[ITEMS[::-1]], good.state[ITEMS[::-1]], good.people)
    with pytest.raises(DataError, match="same response ids"):
        Responses(FORM, good.values, good.state, good.people.iloc[::-1])


def test_keep_and_wave_keep_the_order_and_the_ledger() -> None:
    everyone = responses(6)
    assert everyone.wave(1).values.index.tolist() == ["R_0", "R_2", "R_4"]
    kept = everyone.keep(pd.Index(["R_3", "R_1"]))
    assert kept.people.index.tolist() == ["R_1", "R_3"]
    assert kept.ledger == everyone.ledger
    assert len(kept) == 2


def test_equality_is_over_items_states_unit_and_role_not_row_order_or_time() -> None:
    one = responses()
    shuffled = Responses(FORM, one.values.iloc[::-1], one.state.iloc[::-1], one.people.iloc[::-1])
    assert one.equals(shuffled)
    later = Responses(FORM, one.values, one.state, one.people.assign(started="later"))
    assert one.equals(later)
    moved = Responses(FORM, one.values, one.state, one.people.assign(unit="U9"))
    assert not one.equals(moved)
    state = one.state.replace({int(State.BLANK): int(State.CANT_RATE)})
    assert (state != one.state).to_numpy().any()
    assert not one.equals(Responses(FORM, one.values, state, one.people))


def test_no_one_leaves_twice() -> None:
    ledger = Ledger(5).add("preview", "a preview", ["a", "b"])
    with pytest.raises(DataError, match="already been excluded"):
        ledger.add("speeder", "too fast", ["b"])
    with pytest.raises(DataError, match="already been excluded"):
        ledger.add("speeder", "too fast", ["c", "c"])


def test_the_ledger_as_a_frame() -> None:
    ledger = Ledger(5).add("preview", "a preview", ["a", "b"]).add("consent", "no consent", [])
    assert ledger.to_frame().to_dict("list") == {
        "rule": ["preview", "consent"],
        "reason": ["a preview", "no consent"],
        "excluded": [2, 0],
        "remaining": [3, 3],
    }
    assert Ledger(5).to_frame().empty


@given(st.lists(st.integers(0, 5), max_size=6))
def test_start_less_excluded_is_remaining(sizes: list[int]) -> None:
    ledger, used = Ledger(100), 0
    for step, size in enumerate(sizes):
        ledger = ledger.add(f"rule {step}", "why", [str(i) for i in range(used, used + size)])
        used += size
    assert ledger.start - sum(step.n for step in ledger.steps) == ledger.remaining == 100 - used
    if sizes:
        assert ledger.to_frame()["remaining"].iloc[-1] == ledger.remaining
