"""How is a Qualtrics CSV export read? Three header rows (names, wording, ImportIds), then a response a row."""

import re
from html import unescape

from microresearch.errors import DataError, Problem
from microresearch.survey.export import Export, unique_names
from microresearch.survey.plain import IMPORT_ID
from microresearch.survey.sheet import Sheet

STANDARD = {
    "response": "ResponseId",
    "started": "StartDate",
    "ended": "EndDate",
    "duration": "Duration (in seconds)",
    "progress": "Progress",
    "status": "Status",
}
IDENTIFIERS = frozenset(
    {"IPAddress", "RecipientLastName", "RecipientFirstName", "RecipientEmail", "LocationLatitude", "LocationLongitude"}
)
STATUS = {
    "0": "IP Address", "1": "Survey Preview", "2": "Survey Test", "4": "Imported", "8": "Spam",
    "9": "Survey Preview Spam", "12": "Imported Spam", "16": "Offline Survey", "17": "Offline Survey Preview",
}  # fmt: skip
"""Response types as the numeric export codes them (Qualtrics support, "Understanding your data set")."""


def is_qualtrics(head: list[list[str]]) -> bool:
    """Whether the first records look like a present-day Qualtrics export, header rows right or wrong."""
    if any(IMPORT_ID.match(cell) for cells in head for cell in cells):
        return True
    names = set(head[0]) if head else set()
    return len(names & {*STANDARD.values(), "RecordedDate", "DistributionChannel", "UserLanguage"}) >= 5


def read_qualtrics(sheet: Sheet) -> Export:
    """A Qualtrics CSV or TSV with its three header rows; choice text or codes in the cells.

    Raises
    ------
    DataError
        A header row is missing, doubled or out of place; no responses; rows of unequal length.
    """
    head = sheet.head(8)
    _check_header(head, sheet)
    names, repeated = unique_names(head[0], sheet.file, 1 + sheet.above)
    cells, rows = sheet.body(3, len(head[0]))
    if not len(rows):
        what = "three header rows but no responses"
        raise DataError(Problem(what, sheet.file, mend="export the survey with its answers"))
    cells.columns = names
    said = f"Qualtrics export with three header rows, {sheet.said}"
    return Export(
        sheet.file, "qualtrics", said, cells, rows,
        texts={name: plain_wording(text) for name, text in zip(names, head[1], strict=True)},
        labels={"Status": STATUS} if "Status" in names else {},
        identifiers=IDENTIFIERS & set(names),
        standard={name: column for name, column in STANDARD.items() if column in names},
        repeated=repeated,
    )  # fmt: skip


def plain_wording(text: str) -> str:
    """Question wording without markup, on one line.

    Examples
    --------
    >>> plain_wording("<b>Staff</b>&nbsp;are heard<script>x()</script>")
    'Staff are heard'
    """
    bare = re.sub(r"<(script|style)\b.*?</\1\s*>", " ", text, flags=re.DOTALL | re.IGNORECASE)
    return " ".join(unescape(re.sub(r"<[^<>]*>", " ", bare)).split())


def _check_header(head: list[list[str]], sheet: Sheet) -> None:
    """Names in row 1, wording in row 2, ImportIds in row 3, and nowhere else."""
    ids = [i for i, cells in enumerate(head) if any(IMPORT_ID.match(cell) for cell in cells)]
    allowed = "column names in row 1, question wording in row 2, ImportIds in row 3"
    mend = "export again from Qualtrics and do not delete or add header rows"
    if not ids:
        what = "the row of ImportIds is missing: the header rows are not those of a Qualtrics export"
        raise DataError(Problem(what, sheet.file, min(3, len(head)) + sheet.above, allowed=allowed, mend=mend))
    if ids != [2]:
        rows = " and ".join(str(i + 1 + sheet.above) for i in ids)
        what = f"ImportIds in row {rows}: header rows are missing or doubled"
        raise DataError(Problem(what, sheet.file, ids[0] + 1 + sheet.above, allowed=allowed, mend=mend))
    wrong = [i for i in (1, 2) if len(head[i]) != len(head[0])]
    if wrong:
        what = f"{len(head[wrong[0]])} cells where row 1 has {len(head[0])}"
        raise DataError(Problem(what, sheet.file, wrong[0] + 1 + sheet.above, allowed=allowed, mend=mend))
    not_id = [name for name, cell in zip(head[0], head[2], strict=True) if cell.strip() and not IMPORT_ID.match(cell)]
    if not_id:
        what = "row 3 holds something that is no ImportId: a header row is missing or damaged"
        raise DataError(Problem(what, sheet.file, 3 + sheet.above, not_id[0], allowed=allowed, mend=mend))
