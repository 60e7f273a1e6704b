"""Eight responses, one file a format, one and the same Responses."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from microresearch.errors import DataError, SpecError
from microresearch.responses import State
from microresearch.survey import clean, read_export, read_responses, reconcile, unmapped_values

from .exports import COLUMNS

HERE = Path(__file__).parent / "fixtures"
ITEM = "We trust each other."
SELF = {name: name for name in ("response", "person", "unit", "role", "wave", "started", "duration", "consent")}
LEGACY = {**COLUMNS, "person": "ExternalDataReference"}
MONKEY = {
    "person": "What is your staff number?", "unit": "Where do you work?", "role": "What is your role?",
    "wave": "Which round is this?", "consent": "Do you agree to take part?",
}  # fmt: skip
REDCAP = {"person": "staff_id", "unit": "unit", "role": "role", "wave": "round", "started": "started_at",
          "duration": "seconds", "consent": "consent___1"}  # fmt: skip
DICTIONARY = {"dictionary": HERE / "redcap_dictionary.csv"}
CASES = {
    "qualtrics.csv": ("qualtrics", COLUMNS, {}),
    "qualtrics.xlsx": ("qualtrics", COLUMNS, {}),
    "qualtrics_legacy.csv": ("qualtrics", LEGACY, {}),
    "surveymonkey.csv": ("surveymonkey", MONKEY, {}),
    "redcap_raw.csv": ("redcap", REDCAP, DICTIONARY),
    "redcap_labels.csv": ("redcap", REDCAP, DICTIONARY),
    "spss.sav": ("spss", SELF, {}),
    "stata.dta": ("stata", SELF, {}),
    "stata_pandas.dta": ("stata", SELF, {}),
    "excel.xlsx": ("excel", SELF, {}),
    "plain.csv": ("csv", SELF, {}),
    "plain_latin1.csv": ("csv", SELF, {"encoding": "latin-1"}),
    "plain_utf16.txt": ("csv", SELF, {}),
    "plain_decimal_comma.csv": ("csv", SELF, {"labels": {f"trust_{i}": {"9": "Can't rate"} for i in (1, 2)}
                                              | {"teach_1": {"9": "Can't rate"}}}),
}  # fmt: skip


def source() -> pd.DataFrame:
    frame = pd.read_csv(HERE / "source.csv", dtype=str, keep_default_na=False)
    return frame.set_index("response")


@pytest.mark.parametrize("name", CASES)
def test_every_format_gives_the_same_responses(form, name):
    format, columns, more = CASES[name]
    read = read_responses(HERE / name, form, columns, **more)
    held = read_responses(HERE / name, form, columns, format, **more)
    table = source()
    raw = table[[item.code for item in form.items]]
    states = np.where(raw == "cant", State.CANT_RATE, np.where(raw == "", State.BLANK, State.ANSWERED))
    values = raw.apply(pd.to_numeric, errors="coerce").to_numpy(dtype=float)
    assert np.array_equal(read.values, values, equal_nan=True) and np.array_equal(read.state, states)
    for column in ("person", "unit", "role"):
        assert read.people[column].tolist() == table[column].tolist()
    assert read.people["wave"].tolist() == table["wave"].astype(int).tolist()
    assert read.people["duration"].tolist() == table["duration"].astype(float).tolist()
    assert read.people["started"].tolist() == pd.to_datetime(table["started"]).tolist()
    assert read.values.index.tolist() == table.index.tolist()
    assert held.content_hash() == read.content_hash() == reference(form).content_hash()
    assert clean(read, [{"rule": "consent"}]).values.index.tolist() == table.index[table["consent"] == "Yes"].tolist()


def reference(form):
    return read_responses(HERE / "plain.csv", form, SELF)


@pytest.mark.parametrize("name", CASES)
def test_every_cell_of_every_format_is_reconciled(form, name):
    _, columns, more = CASES[name]
    labels = more.get("labels", {})
    export = read_export(HERE / name, **{key: value for key, value in more.items() if key != "labels"})
    read = read_responses(export, form, columns, labels=labels)
    table = reconcile(export.relabelled(labels), read)
    raw = source()[[item.code for item in form.items]]
    assert (table["unexplained"] == 0).all() and table["raw_filled"].sum() == (raw != "").to_numpy().sum()
    assert unmapped_values(export, form, labels=labels).empty


@pytest.mark.parametrize("labels_in", ["header", "cells"])
def test_redcap_header_and_cells_are_labelled_independently(put, form, labels_in):
    raw, labelled = ((HERE / name).read_text().split("\n", 1) for name in ("redcap_raw.csv", "redcap_labels.csv"))
    head, cells = (labelled[0], raw[1]) if labels_in == "header" else (raw[0], labelled[1])
    read = read_responses(put(f"{head}\n{cells}"), form, REDCAP, **DICTIONARY)
    assert read.content_hash() == reference(form).content_hash()
    assert read.people["consent"].tolist() == reference_redcap(form).people["consent"].tolist()


def reference_redcap(form):
    return read_responses(HERE / "redcap_raw.csv", form, REDCAP, **DICTIONARY)


@pytest.mark.parametrize("name", CASES)
def test_the_format_is_recognised_and_said(name):
    format, _, more = CASES[name]
    export = read_export(HERE / name, **{key: value for key, value in more.items() if key != "labels"})
    assert export.format == format and len(export.said) > 10
    assert not {"example.org", "192.0.2.7", "Doe"} & set(export.said.split())


def test_the_fixtures_are_what_the_script_writes(tmp_path, monkeypatch, script):
    import shutil

    make = script(str(HERE / "make.py"))
    shutil.copy(HERE / "source.csv", tmp_path)
    monkeypatch.setattr(make, "HERE", tmp_path)
    make.main()
    for name in [*CASES, "redcap_dictionary.csv"]:
        if Path(name).suffix in (".csv", ".txt"):
            assert (tmp_path / name).read_bytes() == (HERE / name).read_bytes(), name
        else:
            again, kept = read_export(tmp_path / name), read_export(HERE / name)
            pd.testing.assert_frame_equal(again.cells, kept.cells)
            assert again.labels == kept.labels and again.user_missing == kept.user_missing


def test_a_file_is_held_to_its_declared_format():
    for name, format in [("spss.sav", "csv"), ("plain.csv", "stata"), ("excel.xlsx", "spss"), ("stata.dta", "excel")]:
        with pytest.raises(DataError, match=f"declared as {format}, but this is"):
            read_export(HERE / name, format)
    for name, format in [("plain.csv", "qualtrics"), ("plain.csv", "surveymonkey"), ("qualtrics.csv", "surveymonkey")]:
        with pytest.raises(DataError, match="header row"):
            read_export(HERE / name, format)
    with pytest.raises(SpecError, match="did you mean 'qualtrics'"):
        read_export(HERE / "plain.csv", "qualtrix")
    with pytest.raises(SpecError, match="a data dictionary is REDCap's"):
        read_export(HERE / "plain.csv", "csv", dictionary=HERE / "redcap_dictionary.csv")


def test_user_missing_codes_are_not_blank_and_not_answers(tmp_path, form):
    import pyreadstat

    others = {c: [1.0] * 4 for c in ("trust_2", "trust_3", "teach_1")}
    frame = pd.DataFrame({"trust_1": [1.0, 8.0, 9.0, np.nan], **others})
    labels = {"trust_1": {1: "Strongly disagree", 9: "Can't rate"}}
    pyreadstat.write_sav(frame, str(tmp_path / "a.sav"), missing_ranges={"trust_1": [{"lo": 8, "hi": 9}]},
                         variable_value_labels=labels)  # fmt: skip
    with pytest.raises(DataError, match="user-missing code that is declared neither can't rate nor blank, in row 2"):
        read_responses(tmp_path / "a.sav", form)
    read = read_responses(tmp_path / "a.sav", form, blank=["8"])
    assert read.state["trust_1"].tolist() == [State.ANSWERED, State.BLANK, State.CANT_RATE, State.BLANK]


def test_value_labels_stand_above_codes(tmp_path, form):
    import pyreadstat

    turned = {5: "Strongly disagree", 4: "Disagree", 3: "Neither", 2: "Agree", 1: "Strongly agree", 7: "Often"}
    frame = pd.DataFrame({c: [1.0, 2.0, 7.0] for c in ("trust_1", "trust_2", "trust_3", "teach_1")})
    pyreadstat.write_sav(frame.iloc[:2], str(tmp_path / "a.sav"), variable_value_labels={"trust_1": turned})
    assert read_responses(tmp_path / "a.sav", form).values["trust_1"].tolist() == [5, 4]
    assert read_responses(tmp_path / "a.sav", form).values["trust_2"].tolist() == [1, 2]
    pyreadstat.write_sav(frame, str(tmp_path / "b.sav"), variable_value_labels={"trust_1": turned})
    with pytest.raises(DataError, match=r"a value label that is none of the options, in row 3 \(got 'Often'\)"):
        read_responses(tmp_path / "b.sav", form)


def test_workbooks_that_leave_something_open_are_refused(tmp_path):
    import openpyxl

    def book(**cells: object) -> openpyxl.Workbook:
        made = openpyxl.Workbook()
        made.active.append(["id", "trust_1"])
        made.active.append(["a", 1])
        for place, value in cells.items():
            made.active[place] = value
        return made

    path = tmp_path / "a.xlsx"
    merged = book()
    merged.active.merge_cells("A1:B1")
    several = book()
    several.create_sheet("Other").append(["id"])
    for made, match in [
        (merged, r"merged cells \(A1:B1\)"),
        (several, "2 sheets hold something.*Sheet, Other.*sheet ="),
        (book(B2="=1+1"), "row 2, column B: a formula without a stored value"),
        (book(B2="#N/A"), "row 2, column B: an error value"),
        (openpyxl.Workbook(), "the file is empty"),
    ]:
        made.save(path)
        with pytest.raises(DataError, match=match):
            read_export(path)
    several.save(path)
    assert len(read_export(path, sheet="Sheet")) == 1
    with pytest.raises(DataError, match="nearest: Other"):
        read_export(path, sheet="Othr")
    path.write_bytes(b"\xd0\xcf\x11\xe0old")
    with pytest.raises(DataError, match=r"save it as \.xlsx"):
        read_export(path)


ASKED = "unit,role,consent___1,trust_1,trust_2,trust_3,teach_1,f_complete"
REPEATS = f"""record_id,redcap_event_name,redcap_repeat_instance,{ASKED}
1,enrol_arm_1,,Ward 3,1,1,,,,,2
1,survey_arm_1,1,,,,4,5,1,2,2
1,survey_arm_1,2,,,,4,4,1,2,0
2,survey_arm_1,1,Ward 4,2,0,3,3,3,3,1
"""


def test_redcap_events_and_repeats(put, form):
    columns = {"unit": "unit", "role": "role", "consent": "consent___1", "wave": "redcap_repeat_instance",
               "progress": "f_complete"}  # fmt: skip
    read = read_responses(put(REPEATS), form, columns, labels={"role": {"1": "nurse", "2": "physician"}})
    assert read.values.index.tolist() == ["1/enrol_arm_1", "1/survey_arm_1/1", "1/survey_arm_1/2", "2/survey_arm_1/1"]
    assert read.people["person"].tolist() == ["1", "1", "1", "2"] and read.people["wave"].tolist() == [0, 1, 2, 1]
    assert read.people["unit"].tolist() == ["Ward 3"] * 3 + ["Ward 4"] and read.people["role"].iloc[2] == "nurse"
    assert read.people["progress"].tolist() == [100, 100, 0, 0]
    done = clean(read, [{"rule": "consent"}, {"rule": "eligibility"}, {"rule": "duplicate"}])
    assert done.values.index.tolist() == ["1/survey_arm_1/1", "1/survey_arm_1/2"]


def test_a_damaged_dictionary_is_named(put):
    good = (HERE / "redcap_dictionary.csv").read_text()
    raw = HERE / "redcap_raw.csv"
    for bad, match in [
        (good.replace("Field Type", "Kind"), "column Field Type: this column is missing"),
        (good.replace('"1, nurse | 2', '"nurse | 2'), "row 5.*choices that cannot be read"),
        (good.replace("\nunit,", "\nstaff_id,"), "row 4.*a field stands twice"),
    ]:
        with pytest.raises(DataError, match=match):
            read_export(raw, dictionary=put(bad, "dictionary.csv"))


def test_a_label_that_stands_twice_is_nobodys_column(put, form):
    text = (HERE / "redcap_labels.csv").read_text().replace("Anything else?", ITEM, 1)
    with pytest.raises(DataError, match="column trust_1: this column stands more than once"):
        read_responses(put(text), form, REDCAP, **DICTIONARY)


def test_surveymonkey_headers_that_are_missing(put):
    lines = (HERE / "surveymonkey.csv").read_text().split("\n", 2)
    with pytest.raises(DataError, match="second header row"):
        read_export(put(lines[0] + "\n" + lines[2]))


def test_surveymonkey_rows_that_two_questions_share(put, form):
    meta = "Respondent ID,Collector ID"
    path = put(f"{meta},We agree,,Others agree,\n,,Trust,Help,Trust,Other\n7,1,5,4,3,2\n")
    export = read_export(path)
    assert list(export.cells.columns)[2:] == ["We agree | Trust", "Help", "Others agree | Trust", "Other"]
    names = {"trust_1": "We agree | Trust", "trust_2": "Help", "trust_3": "Others agree | Trust", "teach_1": "Other"}
    assert read_responses(export, form, items=names).values.iloc[0].tolist() == [5, 4, 3, 2]


def test_legacy_headers_that_are_missing(put):
    lines = (HERE / "qualtrics_legacy.csv").read_text(encoding="utf-8-sig").split("\n", 2)
    with pytest.raises(DataError, match=r"header row"):
        read_export(put(lines[0] + "\n" + lines[2]), "qualtrics")
