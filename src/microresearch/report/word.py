"""How does a table reach a Word manuscript? As a real Word table with caption, repeating header row and notes."""

import io
from collections.abc import Sequence
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from microresearch.report.archive import stable_zip
from microresearch.report.split import PAGE, fitting, parts

if TYPE_CHECKING:
    from microresearch.report.tables import Table

_FONT = "Times New Roman"

LINE = 175.0
"""Width in mm of the text of a page, margins of 20 mm left."""


def to_docx(tables: "Sequence[Table]", heading: str = "") -> bytes:
    """Tables as one .docx file, each with its number and title, a header row that repeats, and its notes.

    Parameters
    ----------
    tables : sequence of Table
        Numbered from 1 in this order.
    heading : str
        Above the first table, "" for none.

    Returns
    -------
    bytes
        The same bytes every time.

    Examples
    --------
    >>> import pandas as pd
    >>> from microresearch.report.tables import Table
    >>> content = to_docx([Table(pd.DataFrame({"scale": ["Leadership"], "alpha": [0.9]}), "Reliability")])
    >>> content[:2]
    b'PK'
    """
    from docx import Document
    from docx.shared import Mm, Pt

    document = Document()
    normal: Any = document.styles["Normal"]
    normal.font.name, normal.font.size = _FONT, Pt(10)
    for section in document.sections:
        section.left_margin = section.right_margin = Mm(20)
    if heading:
        document.add_heading(heading, level=1)
    for number, table in enumerate(tables, start=1):
        for part in parts(table):
            _caption(document, f"Table {number}", part.title)
            _body(document, part)
            for note in part.footnotes():
                _paragraph(document, note, size=8.5)
        _paragraph(document, "", size=6)
    core = document.core_properties
    core.author, core.title, core.comments = "", heading, ""
    buffer = io.BytesIO()
    document.save(buffer)
    return stable_zip(buffer.getvalue())


def _caption(document: Any, number: str, title: str) -> None:
    from docx.shared import RGBColor

    paragraph = document.add_paragraph(style="Caption")
    paragraph.paragraph_format.keep_with_next = True
    for text, italic in ((f"{number}. ", False), (title, True)):
        run = paragraph.add_run(text)
        run.bold, run.italic, run.font.color.rgb, run.font.name = not italic, italic, RGBColor(0, 0, 0), _FONT


def _paragraph(document: Any, text: str, size: float) -> None:
    from docx.shared import Pt

    paragraph = document.add_paragraph()
    paragraph.paragraph_format.space_after = Pt(2)
    paragraph.add_run(text).font.size = Pt(size)


def _body(document: Any, table: "Table") -> None:
    """The rows: of each kind one is made with all its settings and then copied, which takes a fiftieth of the time."""
    from docx.oxml.ns import qn
    from docx.shared import Mm

    rows = [table.headers, *table.cells()]
    numeric = [table.numeric(column) for column in table.frame.columns]
    grid = document.add_table(rows=1, cols=len(table.headers))
    grid.autofit = False
    wide = fitting(table)
    widths = [Mm(max(9.0, LINE * one / max(sum(wide), PAGE))) for one in wide]
    _tighten(grid)
    for column, width in zip(grid.columns, widths, strict=True):
        column.width = width
    blank = grid._tbl.tr_lst[0]
    grid._tbl.remove(blank)
    patterns: dict[tuple[bool, bool, bool], Any] = {}
    last = len(rows) - 1
    for i, texts in enumerate(rows):
        kind = (i == 0, i < min(last, 3) or last - 3 < i < last, i == last)
        if kind not in patterns:
            patterns[kind] = _pattern(deepcopy(blank), grid, numeric, widths, *kind)
        row = deepcopy(patterns[kind])
        for run, text in zip(row.iter(qn("w:r")), texts, strict=True):
            run.text = text
        grid._tbl.append(row)


def _pattern(
    blank: Any, grid: Any, numeric: Sequence[bool], widths: Sequence[Any], first: bool, kept: bool, last: bool
) -> Any:
    """A row without its words: the header (`first`), one kept with the next, or the last."""
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.shared import Pt
    from docx.table import _Row

    row = _Row(blank, grid)
    for cell, number, width in zip(row.cells, numeric, widths, strict=True):
        cell.width = width
        paragraph = cell.paragraphs[0]
        paragraph.paragraph_format.space_after = Pt(0)
        paragraph.paragraph_format.keep_with_next = kept
        paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT if number else WD_ALIGN_PARAGRAPH.LEFT
        run = paragraph.add_run()
        run.font.size, run.bold = Pt(8.5), first
        edges = {"top": 12} if first else {}
        edges |= {"bottom": 6} if first else {"bottom": 12} if last else {}
        _rule(cell, edges)
    _fix(row, header=first)
    return blank


def _tighten(grid: Any) -> None:
    """Cells with 1 mm of room at their sides, where Word leaves 2."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    room = OxmlElement("w:tblCellMar")
    for side in ("left", "right"):
        edge = OxmlElement(f"w:{side}")
        edge.set(qn("w:w"), "57")
        edge.set(qn("w:type"), "dxa")
        room.append(edge)
    grid._tbl.tblPr.append(room)


def _rule(cell: Any, edges: dict[str, int]) -> None:
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    if not edges:
        return
    borders = OxmlElement("w:tcBorders")
    for edge, size in edges.items():
        line = OxmlElement(f"w:{edge}")
        for name, value in (("val", "single"), ("sz", str(size)), ("color", "000000")):
            line.set(qn(f"w:{name}"), value)
        borders.append(line)
    cell._tc.get_or_add_tcPr().append(borders)


def _fix(row: Any, header: bool) -> None:
    from docx.oxml import OxmlElement

    properties = row._tr.get_or_add_trPr()
    properties.append(OxmlElement("w:cantSplit"))
    if header:
        properties.append(OxmlElement("w:tblHeader"))
