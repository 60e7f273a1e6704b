"""Do the five files of one table show the same numbers? Each is read back as another program would read it."""

import csv
import io
import re
from xml.etree import ElementTree

import docx
import numpy as np
import openpyxl
import pandas as pd
import pytest

from microresearch.report.rounding import apa, p_value
from microresearch.report.tables import Table
from microresearch.results import NotAvailable

Rows = list[list[str]]


def table(more: int) -> Table:
    """Signs, thousands, small p, hidden and missing cells; with more columns it is wider than a page."""
    rng = np.random.default_rng(7)
    frame = pd.DataFrame(
        {
            "scale": ["Leadership", "Staff focus", "Trust & respect, 50 %"], "alpha": [0.87654, -0.0049, 1 / 3],
            "estimate": [-1234.5678, 0.005, 2e-7], "p": [0.0004, 0.0496, 0.9996],
            "n": pd.array([1874, 12, None], dtype="Int64"), "note": ["hidden", 0.5, NotAvailable("one item")],
        }
        | {f"column {i}": rng.normal(0, 10.0**i, 3) for i in range(more)}
    )  # fmt: skip
    return Table(frame, "Table", counts=("n",), bounded=("alpha",), decimals={"estimate": 3})


def in_word(one: Table) -> list[Rows]:
    document = docx.Document(io.BytesIO(one.to_docx()))
    return [[[cell.text for cell in row.cells] for row in grid.rows[1:]] for grid in document.tables]


def in_latex(one: Table) -> list[Rows]:
    parts = re.findall(r"\\midrule\n(.*?)\n\\bottomrule", one.to_tex(), flags=re.DOTALL)
    signs = {"$-$": "−", r"\textless{}": "<", r"\&": "&", r"\%": "%", "--": "–", r"\textsuperscript{a}": "ᵃ"}

    def plain(cell: str) -> str:
        for sign, letter in signs.items():
            cell = cell.replace(sign, letter)
        return cell

    return [[[plain(c) for c in line.removesuffix(r" \\").split(" & ")] for line in p.split("\n")] for p in parts]


def in_html(one: Table) -> tuple[Rows, list[list[str | None]]]:
    body = ElementTree.fromstring(re.findall("<tbody>.*</tbody>", one.to_html(), flags=re.DOTALL)[0])
    return [[str(c.text) for c in row] for row in body], [[c.get("data-value") for c in row] for row in body]


def joined(parts: list[Rows]) -> Rows:
    """The parts of a split table side by side again, without the repeated first column."""
    return [[*rows[0], *(cell for row in rows[1:] for cell in row[1:])] for rows in zip(*parts, strict=True)]


@pytest.mark.parametrize(("more", "parts"), [(0, 1), (6, 2)])
def test_five_formats_show_the_same_numbers(more: int, parts: int) -> None:
    one = table(more)
    shown = one.cells()
    word, latex = in_word(one), in_latex(one)
    assert len(word) == parts == len(latex)
    assert joined(word) == shown
    assert joined(latex) == shown
    html, values = in_html(one)
    assert html == shown
    head, *plain = csv.reader(io.StringIO(one.to_csv()))
    sheet = openpyxl.load_workbook(io.BytesIO(one.to_xlsx())).active
    assert sheet is not None
    top = next(row for row in range(1, 9) if sheet.cell(row, 1).value == head[0])
    for i, row in enumerate(one.frame.itertuples(index=False)):
        for j, value in enumerate(row):
            cell = sheet.cell(top + 1 + i, j + 1).value
            if isinstance(value, float | int) and not pd.isna(value):
                assert float(plain[i][j]) == value and cell == pytest.approx(value, rel=1e-15)  # in full, and so shown:
                assert said(one, head[j], float(plain[i][j])) == shown[i][j]
                assert values[i][j] is None or float(str(values[i][j])) == value
            else:
                assert plain[i][j] == ("" if cell is None else str(cell))


def said(one: Table, column: str, value: float) -> str:
    """How a person reads a number of the CSV."""
    if column == "p":
        return p_value(value)
    return apa(value, 0 if column == "n" else one.decimals.get(column, 2), column in one.bounded)
