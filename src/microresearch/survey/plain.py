"""How is a plain separated-text file read? One header row, then a response a row; labels or codes in the cells."""

import re

from microresearch.errors import DataError, Problem
from microresearch.survey.export import Export, unique_names
from microresearch.survey.sheet import Sheet

IMPORT_ID = re.compile(r'^\s*\{\s*"ImportId"')


def read_plain(sheet: Sheet) -> Export:
    """A CSV or other separated-text file with one header row.

    Raises
    ------
    DataError
        No header, no rows, more header rows than one, or rows of unequal length.
    """
    head = sheet.head(6)
    for i, cells in enumerate(head):
        if any(IMPORT_ID.match(cell) for cell in cells):
            what = "a row of ImportIds: this is a Qualtrics export with several header rows, not a plain CSV"
            raise DataError(Problem(what, sheet.file, i + 1 + sheet.above, mend='declare format = "qualtrics"'))
    header = head[0] if head else []
    names, repeated = unique_names(header, sheet.file, 1 + sheet.above)
    cells, rows = sheet.body(1, len(header))
    if not len(rows):
        raise DataError(Problem("a header but no responses", sheet.file, mend="export the survey with its answers"))
    cells.columns = names
    return Export(sheet.file, "csv", f"plain text with one header row, {sheet.said}", cells, rows, repeated=repeated)
