"""Response rates: AAPOR's RR1 and RR2 by unit and role; without a roster a reason."""

import pandas as pd
import pytest

from microresearch.errors import DataError
from microresearch.results import NotAvailable
from microresearch.units.response_rates import ResponseRates, response_rates

ROSTER = pd.DataFrame({
    "staff_id": [f"s{i}" for i in range(10)], "unit": ["A"] * 6 + ["B"] * 4,
    "role": ["nurse"] * 4 + ["physician"] * 2 + ["nurse"] * 3 + ["support"],
})  # fmt: skip
PEOPLE = pd.DataFrame({
    "person": ["s0", "s1", "s4", "s6", "s0", "x9"], "progress": [100.0, 70, 100, 100, 100, 100],
    "wave": [1, 1, 1, 1, 2, 1],
})  # fmt: skip


def rates(**settings: float) -> ResponseRates:
    found = response_rates(ROSTER, PEOPLE, **settings)
    assert isinstance(found, ResponseRates)
    return found


def test_planted_counts_come_back() -> None:
    found = rates()
    assert found.overall[["n_roster", "n_complete", "n_partial"]].iloc[0].tolist() == [10, 3, 1]
    assert found.overall[["rr1", "rr2"]].iloc[0].tolist() == [0.3, 0.4]
    assert found.units.loc["A", ["n_complete", "n_partial", "n_roster"]].tolist() == [2, 1, 6]
    assert found.units.loc["B", "rr2"] == 0.25
    assert found.roles.loc["support", "rr2"] == 0
    assert found.cells.loc[("A", "physician"), "rr1"] == 0.5
    assert found.n_off_roster == 1


def test_parts_add_up_to_the_whole() -> None:
    found = rates()
    counts = ["n_roster", "n_complete", "n_partial"]
    for parts in (found.units, found.roles, found.cells):
        assert parts[counts].sum().tolist() == found.overall[counts].iloc[0].tolist()


def test_what_counts_as_complete_is_declared() -> None:
    assert rates(complete_at=60).overall["rr1"].iloc[0] == 0.4
    bare = response_rates(ROSTER, PEOPLE.drop(columns="progress"))
    assert isinstance(bare, ResponseRates)
    assert bare.overall["rr1"].iloc[0] == 0.4
    assert "without it count as complete" in bare.note


def test_without_a_roster_there_is_a_reason() -> None:
    found = response_rates(None, PEOPLE)
    assert isinstance(found, NotAvailable)
    assert not found
    assert "no roster" in found.reason


def test_refusals() -> None:
    with pytest.raises(DataError, match="roster has no such column"):
        response_rates(ROSTER.drop(columns="role"), PEOPLE)
    with pytest.raises(DataError, match="stands twice"):
        response_rates(pd.concat([ROSTER, ROSTER.head(1)]), PEOPLE)


def test_tidy() -> None:
    frame = rates().to_frame()
    assert frame.columns.tolist() == ["term", "group", "estimate", "n"]
    assert frame.loc[frame["group"] == "overall", "estimate"].tolist() == [0.3, 0.4]
