"""How is a Qualtrics export of before 2017 read? Two header rows (names, wording in HTML), then a response a row."""

import re

from microresearch.errors import DataError, Problem
from microresearch.survey.export import Export, unique_names
from microresearch.survey.plain import IMPORT_ID
from microresearch.survey.qualtrics import STATUS, plain_wording
from microresearch.survey.sheet import Sheet

META = ("ResponseID", "ResponseSet", "Name", "ExternalDataReference", "EmailAddress", "Email", "IPAddress", "Status",
        "StartDate", "EndDate", "Finished", "RecipientLastName", "RecipientFirstName", "RecipientEmail",
        "LocationLatitude", "LocationLongitude", "LocationAccuracy")  # fmt: skip
IDENTIFIERS = frozenset({"Name", "EmailAddress", "Email", "IPAddress", "RecipientLastName", "RecipientFirstName",
                         "RecipientEmail", "LocationLatitude", "LocationLongitude"})  # fmt: skip
STANDARD = {"response": "ResponseID", "started": "StartDate", "ended": "EndDate", "progress": "Finished",
            "status": "Status"}  # fmt: skip


def is_legacy(head: list[list[str]]) -> bool:
    """Whether the first two rows are those of the legacy form: ResponseID and ResponseSet, or V1, V2 above them."""
    first, second = ({cell.strip() for cell in head[i]} if i < len(head) else set[str]() for i in (0, 1))
    return {"ResponseID", "ResponseSet"} <= first or ({"V1", "V2"} <= first and "ResponseID" in second)


def read_qualtrics_legacy(sheet: Sheet) -> Export:
    """A legacy Qualtrics CSV: names, wording (with markup), perhaps ImportIds, perhaps an empty last column.

    Whether the survey was finished stands in for progress (100 or 0 per cent), and the time taken is that from start
    to end, for this form has neither.

    Raises
    ------
    DataError
        The wording row is missing, or there are no responses.
    """
    head = sheet.head(4)
    wording = head[1] if len(head) > 1 else []
    at = next((i for i, cell in enumerate(head[0]) if cell.strip() in ("ResponseID", "V1")), 0)
    if len(wording) != len(head[0]) or wording[at].strip() not in ("ResponseID", "Response ID"):
        what = "the second header row (question wording) is missing"
        mend = "export again from Qualtrics and do not delete or add header rows"
        raise DataError(Problem(what, sheet.file, 2 + sheet.above, mend=mend))
    header = [_name(cell, below) for cell, below in zip(head[0], wording, strict=True)]
    first = 3 if len(head) > 2 and any(IMPORT_ID.match(cell) for cell in head[2]) else 2
    if len(head) > first and any(IMPORT_ID.match(cell) for cell in head[first]):
        raise DataError(Problem("the row of ImportIds stands twice", sheet.file, first + 1 + sheet.above))
    names, repeated = unique_names(header, sheet.file, 1 + sheet.above)
    cells, rows = sheet.body(first, len(header))
    cells.columns = names
    said = f"legacy Qualtrics export with {first} header rows, {sheet.said}"
    return Export(
        sheet.file, "qualtrics", said, cells, rows,
        texts={name: plain_wording(text) for name, text in zip(names, wording, strict=True)},
        labels={name: labels for name, labels in (("Status", STATUS), ("Finished", {"1": "True", "0": "False"}))
                if name in names},
        identifiers=IDENTIFIERS & set(names),
        standard={name: column for name, column in STANDARD.items() if column in names},
        repeated=repeated,
    )  # fmt: skip


def _name(cell: str, below: str) -> str:
    """V1 ... V10 stand above the names of the metadata columns."""
    return below.strip() if re.fullmatch(r"V\d+", cell.strip()) and below.strip() in META else cell
