"""Every unit name means one declared unit or stops the run; the roster and the units file are checked whole."""

import numpy as np
import pandas as pd
import pytest

from microresearch.errors import DataError
from microresearch.responses import State
from microresearch.survey import (
    apply_applicability,
    assign_units,
    crosswalk,
    read_responses,
    read_roster,
    read_units,
)

from .exports import COLUMNS, answer, qualtrics

UNITS = (
    "unit,name,variants,hospital,type,beds,academic\n"
    "U1,Ward 3,W3|Third ward,H1,medical,20,yes\nU2,Ward 4,,H1,surgical,18,No\n"
)


@pytest.fixture
def read(put, form):
    def make(*names: str):
        rows = [answer(i, *"1234", unit=name) for i, name in enumerate(names, 1)]
        return read_responses(put(qualtrics(rows)), form, COLUMNS)

    return make


def test_variants_map_to_their_unit(put, read):
    walk = crosswalk(read_units(put(UNITS, "units.csv")))
    done = assign_units(read("Ward 3", "w3", " THIRD   ward ", "U2", "Ward 4", ""), walk)
    assert done.people["unit"].tolist() == ["U1", "U1", "U1", "U2", "U2", ""]


def test_an_unmatched_name_stops_and_proposes(put, read):
    walk = crosswalk(read_units(put(UNITS, "units.csv")))
    with pytest.raises(DataError) as caught:
        assign_units({"small": read("Ward 3", "Wrad 3", "Wrad 3", "Ward 5", "Dr Smith's desk")}, walk, "survey.csv")
    first, second, third = (str(problem) for problem in caught.value.problems)
    assert first.startswith("survey.csv, row 5, column unit") and "rows 5, 6" in first and "Ward 3 (U1)" in first
    assert "Ward 4 (U2)" in second
    assert "no declared name is near" in third and "Smith" not in str(caught.value)


def test_ambiguous_variants_are_refused(put):
    data = UNITS.replace("Ward 4,,", "Ward 4,w3|ward  3,")
    with pytest.raises(DataError) as caught:
        read_units(put(data, "units.csv"))
    assert len(caught.value.problems) == 2 and "row 3" in str(caught.value) and "(U1 and U2)" in str(caught.value)


def test_all_faults_of_the_units_file_at_once(put):
    data = "unit,name,hospital,beds,academic\nU1,A,H1,x,maybe\nU1,B,,-2,yes\n,C,H1,,no\n"
    with pytest.raises(DataError) as caught:
        read_units(put(data, "units.csv"))
    said = str(caught.value)
    for part in ("row 4, column unit: this cell is empty", "the same unit stands in rows 2, 3", "column academic",
                 "got 'maybe'", "column hospital", "row 2, column beds", "row 3, column beds"):  # fmt: skip
        assert part in said, part
    with pytest.raises(DataError, match=r"column unit: this column is missing.*nearest column: units"):
        read_units(put("units,name\nU1,A\n", "units.csv"))


def test_a_bare_list_of_units_is_enough(put):
    units = read_units(put("unit\n1\n2\n", "units.csv"))
    assert units["name"].tolist() == ["1", "2"] and crosswalk(units).match("2") == "2"


def test_the_roster_is_checked_without_showing_staff(put):
    data = "staff_id,unit,role\nS1,U1,nurse\nS1,U9,nurse\n,U1,nrse\nS4,,nurse\n"
    with pytest.raises(DataError) as caught:
        read_roster(put(data, "roster.csv"), units=["U1", "U2"], roles=["nurse", "physician"])
    said = str(caught.value)
    assert "the same staff_id stands in rows 2, 3" in said and "S1" not in said and "S4" not in said
    assert "got 'U9'" in said and "nearest: nurse" in said and "row 4, column staff_id" in said and "row 5" in said
    good = read_roster(put("staff_id,unit,role\n007,U1,nurse\n", "roster.csv"), ["U1"])
    assert good["staff_id"].tolist() == ["007"]


def test_items_that_do_not_apply(put, read):
    units = read_units(put(UNITS, "units.csv"))
    done = apply_applicability(assign_units(read("W3", "Ward 4", ""), crosswalk(units)), units)
    assert done.state["teach_1"].tolist() == [State.ANSWERED, State.NOT_APPLICABLE, State.ANSWERED]
    assert np.isnan(done.values["teach_1"].iloc[1]) and done.values["trust_1"].tolist() == [1, 1, 1]
    assert apply_applicability(done, units).equals(done)
    with pytest.raises(DataError, match="academic"):
        apply_applicability(done, units.drop(columns="academic"))
    with pytest.raises(DataError, match="does not list, in row 5"):
        apply_applicability(done, pd.DataFrame({"unit": ["U1"], "academic": ["yes"]}))
