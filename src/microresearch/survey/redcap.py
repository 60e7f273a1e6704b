"""How is a REDCap export read? Raw or labelled, header and cells each for itself, with or without dictionary."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pandas as pd

from microresearch.errors import DataError, Problem
from microresearch.survey.answers import key
from microresearch.survey.export import Export, unique_names
from microresearch.survey.problems import nearest, refuse
from microresearch.survey.qualtrics import plain_wording
from microresearch.survey.sheet import Sheet

DICTIONARY = (
    "Variable / Field Name", "Form Name", "Section Header", "Field Type", "Field Label",
    "Choices, Calculations, OR Slider Labels", "Field Note", "Text Validation Type OR Show Slider Number",
    "Text Validation Min", "Text Validation Max", "Identifier?", "Branching Logic (Show field only if...)",
    "Required Field?", "Custom Alignment", "Question Number (surveys only)", "Matrix Group Name", "Matrix Ranking?",
    "Field Annotation",
)  # fmt: skip
"""The 18 columns of a data dictionary, in its order."""
RAW = {"Event Name": "redcap_event_name", "Repeat Instrument": "redcap_repeat_instrument",
       "Repeat Instance": "redcap_repeat_instance", "Survey Identifier": "redcap_survey_identifier",
       "Data Access Group": "redcap_data_access_group"}  # fmt: skip
"""What a labelled header calls the system's own columns."""
COMPLETE = {"0": "Incomplete", "1": "Unverified", "2": "Complete"}
CHECKED = {"0": "Unchecked", "1": "Checked"}
_WITH_CHOICES = frozenset({"radio", "dropdown", "checkbox"})


@dataclass(frozen=True, slots=True)
class Field:
    """One line of a data dictionary."""

    name: str
    form: str
    kind: str
    label: str
    choices: Mapping[str, str]
    identifier: bool


def is_redcap(head: list[list[str]]) -> bool:
    """Whether the header has REDCap's own columns: redcap_..., form_complete beside a record, or their labels."""
    names = [cell.strip() for cell in head[0]] if head else []
    if any(re.fullmatch(r"redcap_[a-z_]+", name) or "___" in name for name in names):
        return True
    labelled = {*RAW, "Survey Timestamp", "Complete?"} & set(names)
    complete = any(re.fullmatch(r"[a-z][a-z0-9_]*_complete", name) for name in names)
    return ("Complete?" in names and len(labelled) >= 1) or (bool(names) and names[0] == "record_id" and complete)


def read_dictionary(sheet: Sheet) -> tuple[Field, ...]:
    """The fields of a REDCap data dictionary.

    Raises
    ------
    DataError
        A column of the 18 that is needed is missing, a field stands twice, or choices cannot be read.
    """
    head = sheet.head(1)
    header = [" ".join(cell.split()) for cell in head[0]] if head else []
    needed = [DICTIONARY[i] for i in (0, 1, 3, 4, 5, 10)]
    missing = [name for name in needed if name not in header]
    allowed = "the 18 columns of a data dictionary"
    refuse(
        [Problem("this column is missing", sheet.file, 1, name, allowed=allowed, mend=", ".join(nearest(name, header)))
         for name in missing]
    )  # fmt: skip
    cells, rows = sheet.body(1, len(header))
    cells.columns = unique_names(header, sheet.file)[0]
    fields: dict[str, Field] = {}
    problems: list[Problem] = []
    for row, entry in zip(rows, cells.astype("str").to_dict("records"), strict=True):
        name, kind = str(entry[DICTIONARY[0]]).strip(), str(entry[DICTIONARY[3]]).strip().casefold()
        if name in fields:
            problems.append(Problem("a field stands twice", sheet.file, int(row), DICTIONARY[0], name))
        choices = _choices(str(entry[DICTIONARY[5]]), kind)
        if choices is None:
            mend = 'write "1, Label | 2, Label"'
            problems.append(Problem("choices that cannot be read", sheet.file, int(row), DICTIONARY[5], mend=mend))
        label, form = plain_wording(str(entry[DICTIONARY[4]])), str(entry[DICTIONARY[1]]).strip()
        flagged = str(entry[DICTIONARY[10]]).strip().casefold() in ("y", "yes", "1")
        fields[name] = Field(name, form, kind, label, choices or {}, flagged)
    refuse(problems)
    return tuple(fields.values())


def _choices(text: str, kind: str) -> dict[str, str] | None:
    """Codes and labels of "1, Yes | 0, No"; {} for a field without choices; None when they cannot be read."""
    if kind in ("yesno", "truefalse"):
        return {"1": "Yes", "0": "No"} if kind == "yesno" else {"1": "True", "0": "False"}
    if kind not in _WITH_CHOICES:
        return {}
    pairs = [part.partition(",") for part in text.split("|") if part.strip()]
    if not pairs or any(not comma or not code.strip() for code, comma, _ in pairs):
        return None
    return {code.strip(): plain_wording(label) for code, _, label in pairs}


def read_redcap(sheet: Sheet, dictionary: tuple[Field, ...] = ()) -> Export:
    """A REDCap CSV export, with its data dictionary when there is one.

    Codes and labels are both read, in the cells and in the header. A labelled header is translated to field names by
    the dictionary; without one its columns go by their labels. A record with several rows (events, repeats) gives a
    response a row; what stands once in a record (unit, role, consent) counts for all its rows.

    Raises
    ------
    DataError
        The header is not that of a REDCap export, or there are no responses.
    """
    head = sheet.head(1)
    raw = [cell.strip() for cell in head[0]] if head else []
    if not raw or not raw[0]:
        raise DataError(Problem("the header row is blank", sheet.file, 1 + sheet.above))
    labelled = any(name in {*RAW, "Complete?", "Survey Timestamp"} for name in raw)
    header = _translated(raw, dictionary) if labelled else raw
    names, repeated = unique_names(header, sheet.file, 1 + sheet.above)
    if labelled:
        known = [label for label, _ in _header_of(dictionary)]
        said = [key(cell) for cell in raw]
        repeated |= {
            name for name, label in zip(names, said, strict=True) if said.count(label) > max(known.count(label), 1)
        }
    cells, rows = sheet.body(1, len(names))
    cells.columns = names
    for column in (name for name in names if name.endswith("_timestamp") or name == "Survey Timestamp"):
        cells[column] = cells[column].astype("str").replace("[not completed]", "")
    record = names[0]
    cells["redcap_response"] = _response_ids(cells, record)
    by_name = {field.name: field for field in dictionary}
    labels = {name: found for name in names if (found := _labels(name, by_name))}
    words = "labels" if labelled else "field names"
    beside = f", data dictionary of {len(dictionary)} fields" if dictionary else ", no data dictionary"
    return Export(
        sheet.file, "redcap", f"REDCap export with {words} in the header{beside}, {sheet.said}", cells, rows,
        texts={name: by_name[name].label for name in names if name in by_name},
        labels=labels,
        identifiers=frozenset(name for name in names if name == "redcap_survey_identifier"
                              or (name in by_name and (by_name[name].identifier or by_name[name].kind == "notes"))),
        standard={"response": "redcap_response", "person": record},
        repeated=repeated,
        record=record,
    )  # fmt: skip


def _labels(name: str, fields: Mapping[str, Field]) -> Mapping[str, str]:
    """Value labels of one column: of its field, of a checkbox, or of a form's status."""
    if name in fields and fields[name].kind != "checkbox":
        return fields[name].choices
    if "___" in name:
        return CHECKED
    return COMPLETE if name.endswith("_complete") or name.startswith("Complete?") else {}


def _response_ids(cells: pd.DataFrame, record: str) -> pd.Series:
    """The record where it has one row; else record, event and repeat."""
    ids = cells[record].astype("str").str.strip()
    if not ids.duplicated().any():
        return ids
    for column in ("redcap_event_name", "redcap_repeat_instrument", "redcap_repeat_instance"):
        if column in cells:
            part = cells[column].astype("str").str.strip()
            ids = ids.where(part == "", ids + "/" + part)
    return ids


def _translated(header: list[str], dictionary: tuple[Field, ...]) -> list[str]:
    """A labelled header as field names; both stand in the same order, which settles labels that occur twice."""
    waiting = list(_header_of(dictionary))
    translated: list[str] = []
    for cell in header:
        if cell in RAW:
            translated.append(RAW[cell])
            continue
        at = next((i for i, (label, _) in enumerate(waiting) if label == key(cell)), None)
        translated.append(cell if at is None else waiting.pop(at)[1])
    return translated


def _header_of(dictionary: tuple[Field, ...]) -> Iterator[tuple[str, str]]:
    """Label and name of each column in the order of a labelled export."""
    forms = [field.form for field in dictionary]
    for i, field in enumerate(dictionary):
        if field.kind == "checkbox":
            for code, label in field.choices.items():
                yield key(f"{field.label} (choice={label})"), f"{field.name}___{code}"
        elif field.kind != "descriptive":
            yield key(field.label), field.name
        if field.form not in forms[i + 1 :]:
            yield key("Complete?"), f"{field.form}_complete"
