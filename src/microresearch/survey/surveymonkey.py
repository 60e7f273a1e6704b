"""How is a SurveyMonkey export read? Two header rows (question; row or answer), nine metadata columns, responses."""

from microresearch.errors import DataError, Problem
from microresearch.survey.answers import key
from microresearch.survey.export import Export, unique_names
from microresearch.survey.qualtrics import plain_wording
from microresearch.survey.sheet import Sheet

META = ("Respondent ID", "Collector ID", "Start Date", "End Date", "IP Address", "Email Address", "First Name",
        "Last Name", "Custom Data 1")  # fmt: skip
IDENTIFIERS = frozenset({"IP Address", "Email Address", "First Name", "Last Name"})
STANDARD = {"response": "Respondent ID", "started": "Start Date", "ended": "End Date"}
GENERIC = frozenset({"", "response", "open-ended response"})


def is_surveymonkey(head: list[list[str]]) -> bool:
    """Whether the first row begins with SurveyMonkey's metadata columns (underscored in its newest form)."""
    first = [_meta(cell) for cell in head[0]] if head else []
    return first[:2] == list(META[:2]) or {"Respondent ID", "Collector ID"} <= set(first[:9])


def read_surveymonkey(sheet: Sheet) -> Export:
    """A SurveyMonkey export of all responses, answers as words or numbers.

    A column goes by its question's wording; where a question has rows, by the row's wording, and where two questions
    share it, by "question | row". The full wording is in `texts`.

    Raises
    ------
    DataError
        The second header row is missing, or there are no responses.
    """
    head = sheet.head(2)
    if len(head) < 2 or len(head[1]) != len(head[0]) or head[1][0].strip():
        what = "the second header row (Response, or the rows of a matrix) is missing"
        mend = "export all responses again as CSV or XLSX and do not delete header rows"
        raise DataError(Problem(what, sheet.file, 2 + sheet.above, mend=mend))
    names, texts = _names(*head)
    header, repeated = unique_names(names, sheet.file, 1 + sheet.above)
    cells, rows = sheet.body(2, len(header))
    cells.columns = header
    return Export(
        sheet.file, "surveymonkey", f"SurveyMonkey export with two header rows, {sheet.said}", cells, rows,
        texts={name: text for name, text in zip(header, texts, strict=True) if text},
        identifiers=IDENTIFIERS & set(header),
        standard={name: column for name, column in STANDARD.items() if column in header},
        repeated=repeated,
    )  # fmt: skip


def _names(questions: list[str], rows: list[str]) -> tuple[list[str], list[str]]:
    """Name and wording of each column; an empty question cell continues the question to its left."""
    names: list[str] = []
    wordings: list[str] = []
    question = ""
    below = [plain_wording(row) for row in rows]
    once = {key(row) for row in below if sum(key(row) == key(other) for other in below) == 1}
    for raw, row in zip(questions, below, strict=True):
        question = plain_wording(raw) or question
        meta = _meta(question)
        if meta in META and not row:
            names.append(meta)
            wordings.append("")
        elif key(row) in GENERIC:
            names.append(question)
            wordings.append(question)
        else:
            names.append(row if key(row) in once else f"{question} | {row}")
            wordings.append(row)
    return names, wordings


def _meta(cell: str) -> str:
    """A metadata column under its usual name: respondent_id is Respondent ID."""
    folded = cell.strip().replace("_", " ").casefold()
    return next((name for name in META if name.casefold() == folded), cell.strip())
