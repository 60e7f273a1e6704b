"""Unit-level covariates: reference levels, centring, what is dropped, what is refused."""

import numpy as np
import pandas as pd
import pytest

from microresearch.errors import DataError
from microresearch.units.covariates import code_covariates

UNITS = pd.DataFrame({
    "unit": list("ABCDEF"), "hospital": ["H1", "H1", "H1", "H2", "H2", "H2"],
    "type": ["medical", "surgical", "surgical", "medical", "ambulatory", "medical"],
    "beds": [10.0, 12, 20, 8, 9, 13], "academic": ["yes", "yes", "yes", "no", "no", "no"], "wards": 1,
})  # fmt: skip


def test_reference_is_the_most_frequent_level_or_the_declared_one() -> None:
    assert code_covariates(UNITS, ["type"]).columns.columns.tolist() == ["type: surgical", "type: ambulatory"]
    declared = code_covariates(UNITS, {"type": "ambulatory"})
    assert declared.reference["type"] == "ambulatory"
    assert declared.columns.columns.tolist() == ["type: medical", "type: surgical"]
    with pytest.raises(DataError, match="does not occur"):
        code_covariates(UNITS, {"type": "palliative"})


def test_ties_go_to_the_first_of_the_alphabet_whatever_the_row_order() -> None:
    for frame in (UNITS, UNITS.iloc[::-1]):
        assert code_covariates(frame, ["academic"]).reference["academic"] == "no"


def test_numbers_are_centred_and_not_scaled() -> None:
    beds = code_covariates(UNITS, ["beds"]).columns["beds"]
    assert beds.mean() == pytest.approx(0, abs=1e-12)
    assert beds["B"] - beds["A"] == 2


def test_what_hospitals_or_earlier_columns_say_already_is_dropped_with_a_note() -> None:
    units = UNITS.assign(rooms=lambda d: 2 * d["beds"] + 3)
    design = code_covariates(units, ["beds", "academic", "rooms", "wards"], "hospital")
    assert design.columns.columns.tolist() == ["beds"]
    assert [note.split(":")[0] for note in design.notes] == ["academic", "rooms", "wards"]
    assert "constant within hospitals" in design.notes[0]
    assert code_covariates(units, ["academic"]).columns.columns.tolist() == ["academic: yes"]


def test_matrix_has_full_rank_also_for_some_units() -> None:
    design = code_covariates(UNITS, ["type", "beds"], "hospital")
    for keep in (design.units, pd.Index(list("ABD")), pd.Index(list("ACDEF"))):
        x = design.matrix(keep)
        assert np.linalg.matrix_rank(x) == x.shape[1]
    assert design.matrix(covariates=False).shape == (6, 2)
    assert code_covariates(UNITS).matrix().tolist() == [[1.0]] * 6


def test_refusals() -> None:
    with pytest.raises(DataError, match=r"column staff: .* no such column"):
        code_covariates(UNITS, ["staff"])
    with pytest.raises(DataError, match="1 of 6 units have no value"):
        code_covariates(UNITS.assign(beds=UNITS["beds"].where(UNITS["beds"] > 8)), ["beds"])
    with pytest.raises(DataError, match="stands twice"):
        code_covariates(pd.concat([UNITS, UNITS.head(1)]))
    with pytest.raises(DataError, match="have no hospital"):
        code_covariates(UNITS, hospital=pd.Series({"A": "H1"}))
