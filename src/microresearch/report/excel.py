"""How does a table reach a spreadsheet? With full precision, and with no text that a spreadsheet would run."""

import io
from typing import TYPE_CHECKING

from microresearch.report.archive import stable_zip
from microresearch.report.cells import is_number, neutral
from microresearch.report.rounding import missing
from microresearch.results import NotAvailable

if TYPE_CHECKING:
    from microresearch.report.tables import Table


def to_xlsx(table: "Table") -> bytes:
    """A table as one .xlsx sheet: title, header row, values in full precision shown rounded, notes.

    Examples
    --------
    >>> import pandas as pd
    >>> from microresearch.report.tables import Table
    >>> to_xlsx(Table(pd.DataFrame({"scale": ["Leadership"], "alpha": [0.9]}), "Reliability"))[:2]
    b'PK'
    """
    from openpyxl import Workbook
    from openpyxl.styles import Alignment, Border, Font, Side
    from openpyxl.utils import get_column_letter

    book = Workbook()
    sheet = book.worksheets[0]
    sheet.title = "Table"
    sheet.append([neutral(table.title)])
    sheet.append([])
    sheet.append([neutral(text) for text in table.headers])
    for row in table.frame.itertuples(index=False, name=None):
        sheet.append([_value(value) for value in row])
    for cell in sheet[3]:
        cell.font, cell.alignment = Font(bold=True), Alignment(wrap_text=True, vertical="bottom")
        cell.border = Border(top=Side(style="medium"), bottom=Side(style="thin"))
    shown = [table.headers, *table.cells()]
    for place, column in enumerate(table.frame.columns, start=1):
        for i, value in enumerate(table.frame[column]):
            if is_number(value) and not missing(value):
                whole = float(str(value)).is_integer() and column not in table.decimals
                digits = 0 if whole else table.decimals.get(column, 2)
                sheet.cell(4 + i, place).number_format = "#,##0" + ("." + "0" * digits if digits else "")
        longest = max(len(cells[place - 1]) for cells in shown)
        sheet.column_dimensions[get_column_letter(place)].width = min(48, max(8, longest + 2))
    for note in ["", *table.footnotes()]:
        sheet.append([neutral(note)])
    for row_cells in sheet.iter_rows():
        for cell in row_cells:
            if isinstance(cell.value, str):
                cell.data_type = "s"
    sheet.freeze_panes = "B4"
    buffer = io.BytesIO()
    book.save(buffer)
    return stable_zip(buffer.getvalue())


def _value(value: object) -> float | int | str | None:
    if isinstance(value, NotAvailable):
        return neutral(f"not available: {value.reason}")
    if missing(value):
        return None
    if is_number(value):
        number = float(str(value))
        return int(number) if number.is_integer() and abs(number) < 2**53 else number
    return neutral(str(value))
