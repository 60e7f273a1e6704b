"""A survey export becomes Responses, or an error that names every fault."""

import numpy as np
import pandas as pd
import pytest

from microresearch.errors import DataError, SpecError
from microresearch.responses import State
from microresearch.survey import read_export, read_responses

from .exports import COLUMNS, IDS, NAMES, WORDING, answer, qualtrics

ROWS = [
    answer(1, "Agree", "4", "Strongly  disagree", "Can’t rate"),
    answer(2, "", "Strongly agree", "<b>Neither</b>", " disagree ", wave="2"),
    answer(3, "1", "2.0", "5", "CAN'T RATE", status="Survey Preview"),
]


def test_qualtrics_choice_text_codes_and_both(put, form):
    read = read_responses(put(qualtrics(ROWS)), form, COLUMNS)
    nan = np.nan
    assert np.array_equal(read.values, [[4, 4, 1, nan], [nan, 5, 3, 2], [1, 2, 5, nan]], equal_nan=True)
    assert read.state.to_numpy().tolist() == [[0, 0, 0, 1], [2, 0, 0, 0], [0, 0, 0, 1]]
    assert read.values.index.tolist() == ["R_1", "R_2", "R_3"]
    people = read.people
    assert people["person"].tolist() == ["S1", "S2", "S3"] and people["wave"].tolist() == [1, 2, 1]
    assert people["duration"].tolist() == [300.0] * 3 and people["progress"].tolist() == [100.0] * 3
    assert people["status"].tolist()[2] == "Survey Preview" and people["started"].iloc[0] == pd.Timestamp(
        "2026-03-01 08:01"
    )
    assert people["row"].tolist() == [4, 5, 6]
    assert read.ledger.start == 3


def test_what_was_recognised_is_said(put):
    export = read_export(put(qualtrics(ROWS)))
    assert export.format == "qualtrics" and "three header rows" in export.said and "comma" in export.said
    assert export.texts["trust_1"] == "We trust"


def test_identifiers_stay_outside_unless_declared(put, form):
    path = put(qualtrics(ROWS))
    read = read_responses(path, form, COLUMNS)
    said = read.people.to_csv() + read.values.to_csv()
    assert not any(secret in said for secret in ("example.org", "192.0.2", "said", "twice"))
    kept = read_responses(path, form, COLUMNS, keep={"RecipientEmail": "to send the retest"})
    assert kept.people["RecipientEmail"].tolist() == ["a.person@example.org"] * 3
    with pytest.raises(SpecError, match="RecipientEmail: this column holds direct identifiers"):
        read_responses(path, form, {**COLUMNS, "person": "RecipientEmail"})
    with pytest.raises(SpecError, match="needs its reason"):
        read_responses(path, form, COLUMNS, keep={"RecipientEmail": " "})


def test_every_strange_answer_is_listed_with_its_rows(put, form):
    rows = [answer(i, "Agre" if i % 2 else "Agree", "7", "0", "Agree") for i in range(1, 31)]
    with pytest.raises(DataError) as caught:
        read_responses(put(qualtrics(rows)), form, COLUMNS)
    problems = caught.value.problems
    assert [(p.column, p.value, p.row) for p in problems] == [
        ("trust_1", "Agre", 4),
        ("trust_2", "7", 4),
        ("trust_3", "0", 4),
    ]
    assert "rows 4, 6, 8, 10, 12, 14, 16, 18, 20, 22 and 5 more" in problems[0].what
    assert "4 Agree" in problems[0].allowed and "Can't rate" in problems[0].allowed


def test_many_problems_are_capped_and_counted(put, form):
    rows = [answer(i, f"x{i}", "1", "1", "1") for i in range(1, 56)]
    with pytest.raises(DataError, match=r"15 problems more of the same kind \(55 in all\)"):
        read_responses(put(qualtrics(rows)), form, COLUMNS)


def test_prose_in_an_answer_column_is_not_repeated(put, form):
    rows = [answer(1, "please write to a.person@example.org", "1", "1", "1"), answer(2, "x" * 60, "1", "1", "1")]
    with pytest.raises(DataError) as caught:
        read_responses(put(qualtrics(rows)), form, COLUMNS)
    assert "example" not in str(caught.value) and "xxx" not in str(caught.value)


def test_missing_columns_propose_the_nearest(put, form):
    head = [[n.replace("trust_2", "trsut_2").replace("role", "Roles") for n in NAMES], WORDING, IDS]
    with pytest.raises(DataError) as caught:
        read_responses(put(qualtrics(ROWS, head)), form, COLUMNS)
    said = str(caught.value)
    assert "column role: no column for 'role'" in said and "nearest column: Roles" in said
    assert "column trust_2: no column for item trust_2" in said and "trsut_2" in said


@pytest.mark.parametrize(
    ("head", "row"),
    [([NAMES], 1), ([NAMES, WORDING], 3), ([NAMES, IDS], 2), ([["Report"] + [""] * 20, NAMES, WORDING, IDS], 4),
     ([NAMES, WORDING, WORDING, IDS], 4), ([NAMES, WORDING, IDS, IDS], 3), ([WORDING, IDS], 2)],
)  # fmt: skip
def test_wrong_header_rows(put, form, head, row):
    for format in ("qualtrics", "auto"):
        with pytest.raises(DataError) as caught:
            read_responses(put(qualtrics(ROWS, head)), form, COLUMNS, format)
        assert "header row" in str(caught.value) and caught.value.problems[0].file.endswith("survey.csv")
    assert row == caught.value.problems[0].row or row == 1


def test_qualtrics_read_as_plain_is_refused(put, form):
    with pytest.raises(DataError, match="Qualtrics export with several header rows"):
        read_responses(put(qualtrics(ROWS)), form, COLUMNS, "csv")


def test_repeated_response_ids_and_columns(put, form):
    rows = [answer(1, *"1111"), answer(2, *"1111"), answer(1, *"2222"), answer(4, *"1111", ResponseId="")]
    with pytest.raises(DataError) as caught:
        read_responses(put(qualtrics(rows)), form, COLUMNS)
    assert "no response id in row 7" in str(caught.value) and "the same response id stands in rows 4, 6" in str(
        caught.value
    )
    assert "R_1" not in str(caught.value)
    head = [[n.replace("comments", "role") for n in NAMES], WORDING, IDS]
    with pytest.raises(DataError, match="column role: this column stands more than once"):
        read_responses(put(qualtrics(ROWS, head)), form, COLUMNS)


@pytest.mark.parametrize(
    ("data", "match"),
    [(b"", "empty"), (b"\xef\xbb\xbf\r\n", "empty"), (qualtrics([]), "no responses"),
     (qualtrics(ROWS).replace("’".encode(), b"\xe9"), "not in UTF-8.*declare its encoding"),
     (qualtrics(ROWS).replace(b"nurse", b"nu\0rse"), "NUL"),
     (qualtrics(ROWS).replace(b"2026-03-01 09:00:00", b'2026"-03-01 09:00:00', 1), "quotation mark in line 4"),
     (qualtrics(ROWS).replace(b",nurse", b"", 1), "row 4: 20 cells where the header has 21"),
     (qualtrics(ROWS) + b"R_9,x\r\n", "row 7: 2 cells where the header has 21")],
)  # fmt: skip
def test_damaged_files(put, form, data, match):
    with pytest.raises(DataError, match=match) as caught:
        read_responses(put(data), form, COLUMNS)
    assert "survey.csv" in str(caught.value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings_give_the_same(put, form, encoding):
    whole = read_responses(put(qualtrics(ROWS), "a.csv"), form, COLUMNS)
    declared = "cp1252" if encoding == "cp1252" else None
    other = read_responses(put(qualtrics(ROWS, encoding=encoding), "b.csv"), form, COLUMNS, encoding=declared)
    assert whole.equals(other)


@pytest.mark.parametrize("separator", [";", "\t", "|", ","])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_plain_text_variants(put, form, separator, end):
    lines = [
        "id,unit,role,trust_1,trust_2,trust_3,teach_1",
        "a,W,nurse,4,Agree,1,",
        "",
        'b,W,"nurse",5,NA,2,Can\'t rate',
    ]
    text = end.join(lines).replace(",", separator)
    read = read_responses(put(text), form, {"response": "id", "unit": "unit", "role": "role"})
    assert read.values.index.tolist() == ["a", "b"] and read.people["row"].tolist() == [2, 4]
    assert np.array_equal(read.values, [[4, 4, 1, np.nan], [5, np.nan, 2, np.nan]], equal_nan=True)
    assert read.state.to_numpy().tolist() == [[0, 0, 0, 2], [0, 2, 0, 1]]


def test_decimal_comma_and_sep_line(put, form):
    text = "sep=;\nid;trust_1;trust_2;trust_3;teach_1\na;4,0;3,0;1;2\n"
    read = read_responses(put(text), form, {"response": "id"})
    assert read.values.iloc[0].tolist() == [4, 3, 1, 2] and read.people["row"].tolist() == [3]


def test_no_ids_no_unit(put, form):
    read = read_responses(put("trust_1,trust_2,trust_3,teach_1,age\n1,2,3,4,50\n,,,,\nNA,NA,NA,5,40\n"), form)
    assert read.values.index.tolist() == ["2", "4"] and read.people["person"].tolist() == ["2", "4"]
    assert read.people["unit"].tolist() == ["", ""] and read.people["wave"].tolist() == [1, 1]
    assert read.ledger.start == 2


def test_items_may_stand_under_other_names(put, form):
    names = {item.code: f"Q{i}" for i, item in enumerate(form.items)}
    read = read_responses(put("Q0,Q1,Q2,Q3\n1,2,3,4\n"), form, items=names)
    assert read.values.iloc[0].tolist() == [1, 2, 3, 4]
    with pytest.raises(SpecError, match="no item has the code 'trust_9'"):
        read_responses(put("Q0\n1\n"), form, items={"trust_9": "Q0"})


def test_declared_labels_stand_above_codes(put, form):
    labels = {f"trust_{i}": {"9": "Can't rate", "1": "Strongly agree", "5": "Strongly disagree"} for i in (1, 2)}
    labels["role"] = {"1": "nurse", "2": "physician"}
    path = put("role,trust_1,trust_2,trust_3,teach_1\n1,9,5,3,4\n2,1,1.0,3,4\n")
    read = read_responses(path, form, {"role": "role"}, labels=labels)
    assert read.people["role"].tolist() == ["nurse", "physician"]
    assert (
        read.state.iloc[0, 0] == State.CANT_RATE
        and read.values.iloc[1, 0] == 5
        and read.values.iloc[:, 1].tolist() == [1, 5]
    )
    with pytest.raises(DataError, match="column trust_1"):
        read_responses(put("role,trust_1,trust_2,trust_3,teach_1\n1,2,5,3,4\n"), form, labels=labels)


def test_cant_rate_may_be_declared_as_a_code(put, form):
    from dataclasses import replace

    coded = replace(form, cant_rate=("9",))
    read = read_responses(put("trust_1,trust_2,trust_3,teach_1\n9,9.0,3,4\n"), coded)
    assert read.state.iloc[0].tolist() == [State.CANT_RATE, State.CANT_RATE, 0, 0]


def test_times_waves_progress_are_checked(put, form):
    rows = [answer(1, *"1111", wave="two", **{"Progress": "150", "Duration (in seconds)": "-3"}, StartDate="soon")]
    with pytest.raises(DataError) as caught:
        read_responses(put(qualtrics(rows)), form, COLUMNS)
    assert {p.column for p in caught.value.problems} == {"wave", "Progress", "Duration (in seconds)", "StartDate"}
    assert "soon" not in str(caught.value)


def test_two_instruments_share_people_and_ledger(put, form):
    from dataclasses import replace

    other = replace(form, code="other", items=(replace(form.items[0], code="comments"),))
    rows = [answer(1, *"1234", comments="5"), answer(2, *"1234", comments="Agree")]
    both = read_responses(put(qualtrics(rows)), [form, other], COLUMNS)
    assert list(both) == ["small", "other"] and both["other"].values["comments"].tolist() == [5, 4]
    assert both["small"].people is both["other"].people and both["small"].ledger == both["other"].ledger


def test_order_of_rows_and_columns_does_not_matter(put, form):
    whole = read_responses(put(qualtrics(ROWS), "a.csv"), form, COLUMNS)
    order = np.random.default_rng(1).permutation(len(NAMES))
    turned = [[row[i] for i in order] for row in (NAMES, WORDING, IDS, *ROWS[::-1])]
    other = read_responses(put(qualtrics(turned[3:], turned[:3]), "b.csv"), form, COLUMNS)
    assert whole.equals(other)
