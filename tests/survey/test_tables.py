"""States reconcile with the raw file, columns are accounted for, the dictionary counts, experts' ratings add up."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from microresearch.errors import DataError, SpecError
from microresearch.survey import (
    apply_applicability,
    clean,
    column_uses,
    content_validity,
    data_dictionary,
    read_export,
    read_responses,
    reconcile,
    state_table,
    unmapped_values,
)

from .exports import COLUMNS

HERE = Path(__file__).parent / "fixtures"


@pytest.fixture
def both(form):
    export = read_export(HERE / "qualtrics.csv")
    return export, read_responses(export, form, COLUMNS)


def test_states_reconcile_with_the_raw_file(both):
    export, read = both
    table = reconcile(export, read)
    assert (table["unexplained"] == 0).all() and table["raw_rows"].sum() == 4 * 8
    raw = export.cells[["trust_1", "trust_2", "trust_3", "teach_1"]].astype(str)
    assert table["raw_filled"].sum() == (raw != "").to_numpy().sum()
    states = state_table(read, None).set_index("item")
    assert states.loc["trust_1"].to_dict() == {
        "responses": 8, "answered": 6, "cant_rate": 1, "blank": 1, "not_applicable": 0,
    }  # fmt: skip
    done = clean(read, [{"rule": "consent"}])
    assert (reconcile(export, done)["unexplained"] == 0).all()


def test_a_lost_cell_is_seen(both):
    from dataclasses import replace

    export, read = both
    cells = export.cells.copy()
    cells["trust_1"] = cells["trust_1"].astype(str).where(cells.index != 3, "Agree")
    assert reconcile(replace(export, cells=cells), read)["unexplained"].sum() == 1
    with pytest.raises(DataError, match="not read from this export"):
        reconcile(replace(export, rows=export.rows + 100), read)


def test_answers_set_aside_as_not_applicable_are_explained(both):
    export, read = both
    units = pd.DataFrame({"unit": sorted(read.people["unit"].unique())}).assign(academic="no")
    done = apply_applicability(read, units)
    table = reconcile(export, done).query("item == 'teach_1'")
    assert table["not_applicable"].sum() == 8 and table["raw_filled"].sum() == 6
    assert (table["unexplained"] == 0).all()


def test_identifiers_that_only_the_format_knows(form):
    export = read_export(HERE / "redcap_raw.csv", dictionary=HERE / "redcap_dictionary.csv")
    uses = column_uses(export, [form], {"person": "staff_id"}).set_index("column")
    assert uses.loc["comments"].tolist() == ["dropped", "direct identifier"]
    assert uses.loc["redcap_survey_identifier", "why"] == "direct identifier"


def test_every_column_is_accounted_for(both, form):
    export, _ = both
    uses = column_uses(export, [form], COLUMNS, keep={"DistributionChannel": "to tell e-mail from kiosk"})
    by = uses.set_index("column")
    assert list(by.index) == list(export.cells.columns)
    for column in ("RecipientEmail", "IPAddress", "LocationLatitude", "RecipientLastName"):
        assert by.loc[column].tolist() == ["dropped", "direct identifier"]
    assert by.loc["trust_1", "use"] == "answers" and by.loc["ExternalReference", "use"] == "person"
    assert by.loc["DistributionChannel"].tolist() == ["kept", "to tell e-mail from kiosk"]
    assert by.loc["UserLanguage"].tolist() == ["dropped", "not used"]


def test_identifiers_are_known_by_name_in_plain_files(put, form):
    head = "id,Email address,first_name,lastName,remarks,unit_name_code,trust_1,trust_2,trust_3,teach_1\n"
    path = put(head + f"a,x@example.org,Jo,Doe,{'very long remark ' * 4},7,1,2,3,4\n")
    uses = column_uses(read_export(path), [form], {"response": "id"}).set_index("column")["why"].to_dict()
    assert [uses[c] for c in ("Email address", "first_name", "lastName")] == ["direct identifier"] * 3
    assert uses["remarks"] == "free text"


def test_a_person_is_not_told_by_an_address_unless_the_study_says_why(put, form):
    path = put("Your e-mail,trust_1,trust_2,trust_3,teach_1\nx@example.org,1,2,3,4\n")
    with pytest.raises(SpecError, match="direct identifiers"):
        read_responses(path, form, {"person": "Your e-mail"})
    keep = {"Your e-mail": "to join the two rounds; no other code exists"}
    assert len(read_responses(path, form, {"person": "Your e-mail"}, keep=keep)) == 1


def test_every_value_that_maps_to_nothing_is_listed_with_all_its_rows(put, form):
    cells = ["Mostly" if i % 2 else "Agree" for i in range(60)]
    path = put("trust_1,trust_2,trust_3,teach_1\n" + "".join(f"{cell},1,2,seven\n" for cell in cells))
    table = unmapped_values(read_export(path), form).set_index("item")
    assert table.index.tolist() == ["trust_1", "teach_1"] and table["n"].tolist() == [30, 60]
    assert table.loc["trust_1", "rows"].split() == [str(i + 2) for i in range(60) if i % 2]
    assert table.loc["teach_1", "value"] == "seven" and "Agree" in table.loc["teach_1", "allowed"]
    with pytest.raises(DataError, match="rows 3, 5, 7, 9, 11, 13, 15, 17, 19, 21 and 20 more"):
        read_responses(path, form)
    assert unmapped_values(read_export(path), form, labels={"trust_1": {"Mostly": "Agree"}})["item"].tolist() == [
        "teach_1"
    ]


def test_the_dictionary_counts_what_is_there(both):
    table = data_dictionary(both[1]).set_index("variable")
    row = table.loc["trust_1"]
    assert row["wording"] == "We trust each other." and row["options"].startswith("1 = Strongly disagree; 2 = Disagree")
    assert row[["n", "answered", "cant_rate", "blank"]].tolist() == [8, 6, 1, 1]
    assert row[["low", "high", "lowest", "highest"]].tolist() == [1, 5, 1, 5] and row["applies"] == "all"
    assert table.loc["trust_3", "reversed"] == "yes" and table.loc["unit", "answered"] == 8


PUBLISHED = [(3, 3, 1.00, 0.125, 1.00), (3, 2, 0.67, 0.375, 0.47), (4, 3, 0.75, 0.25, 0.67), (5, 4, 0.80, 0.156, 0.76),
             (6, 5, 0.83, 0.094, 0.81), (7, 6, 0.86, 0.055, 0.85), (8, 7, 0.88, 0.031, 0.87)]  # fmt: skip
"""N, A, I-CVI, chance, kappa as printed by Polit, Beck & Owen (2007); their kappas are rounded on the way."""


@pytest.mark.parametrize(("n", "agreeing", "i_cvi", "chance", "kappa"), PUBLISHED)
def test_content_validity_as_published(n, agreeing, i_cvi, chance, kappa):
    panel = pd.DataFrame([[4] * agreeing + [1] * (n - agreeing)], index=["x"])
    row = content_validity(panel).items.iloc[0]
    assert abs(row["i_cvi"] - i_cvi) <= 0.005 + 1e-9
    assert abs(row["p_chance"] - chance) <= 0.0005 + 1e-9
    assert abs(row["kappa"] - kappa) < 0.0065


def test_content_validity_of_a_sheet(put):
    done = content_validity(put("item,a,b,c\nx,4,3,1\ny,3,4,4\nz,1,,2\n", "experts.csv"))
    assert done.s_cvi_ave == pytest.approx((2 / 3 + 1 + 0) / 3) and done.s_cvi_ua == pytest.approx(1 / 3)
    assert done.items["verdict"].tolist() == ["fair", "excellent", "poor"] and done.n_missing == 1
    assert done.to_frame()["term"].tolist()[-2:] == ["S-CVI/Ave", "S-CVI/UA"]
    with pytest.raises(DataError) as caught:
        content_validity(pd.DataFrame({"a": [5, 3.5, 4], "b": [3, np.nan, 4]}, index=["x", "y", "y"]))
    said = str(caught.value)
    assert (
        "item x that is not on the scale" in said
        and "got '3.5'" in said
        and "fewer than two" in said
        and "twice" in said
    )
