import io
import shutil
import subprocess
import time
import zipfile
from pathlib import Path

import docx
import numpy as np
import openpyxl
import pandas as pd
import pytest

from microresearch.report.latex import tex
from microresearch.report.tables import Table
from microresearch.report.word import to_docx
from microresearch.results import NotAvailable


def sample() -> Table:
    frame = pd.DataFrame(
        {
            "scale": ["Leadership", "=1+1", "50% & $5_a {b} \\ ~^ #"],
            "alpha": [1 / 3, -0.25, NotAvailable("one item")],
            "n": [1874, 1850, 12],
            "lack": [0.5, np.nan, 2.0],
        }
    )
    return Table(frame, "Reliability & more", ("A note with 5%.",), counts=("n",), bounded=("alpha",))


def test_word_holds_a_real_table_with_a_header_row_caption_and_notes() -> None:
    document = docx.Document(io.BytesIO(to_docx([sample(), sample()], "Tables")))
    assert len(document.tables) == 2
    grid = document.tables[0]
    assert [[cell.text for cell in row.cells] for row in grid.rows] == [sample().headers, *sample().cells()]
    assert grid.rows[0]._tr.xpath("./w:trPr/w:tblHeader") and not grid.rows[1]._tr.xpath("./w:trPr/w:tblHeader")
    texts = [paragraph.text for paragraph in document.paragraphs]
    assert "Table 1. Reliability & more" in texts and "Table 2. Reliability & more" in texts
    assert "ᵃ Not available: one item" in texts and "A note with 5%." in texts


def test_excel_keeps_full_precision_and_runs_nothing() -> None:
    sheet = openpyxl.load_workbook(io.BytesIO(sample().to_xlsx())).active
    assert sheet is not None
    assert sheet["B4"].value == 1 / 3 and sheet["B4"].number_format == "#,##0.00"
    assert sheet["C4"].value == 1874 and sheet["D5"].value is None
    assert sheet["A5"].value == "'=1+1"
    assert all(cell.data_type != "f" for row in sheet.iter_rows() for cell in row)
    assert sheet["B6"].value == "not available: one item"


@pytest.mark.parametrize("format", ["to_docx", "to_xlsx"])
def test_office_files_are_the_same_to_the_byte_and_carry_no_date(format: str) -> None:
    first = getattr(sample(), format)()
    time.sleep(1.1)  # the clock of a zip entry and of the properties moves on
    assert getattr(sample(), format)() == first
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        core = archive.read("docProps/core.xml")
        assert core.count(b"1980-01-01T00:00:00Z") >= 1 and b"202" not in core


def test_latex_is_escaped() -> None:
    text = sample().to_tex("tab:a")
    assert r"50\% \& \$5\_a \{b\} \textbackslash{} \textasciitilde{}\textasciicircum{} \#" in text
    assert r"Leadership & .33 & 1,874 & 0.50 \\" in text
    assert r"--\textsuperscript{a}" in text
    assert text.count(r"\begin") == text.count(r"\end") == 3
    assert tex("−5") == "$-$5"


def test_latex_compiles(tmp_path: Path) -> None:
    if not shutil.which("pdflatex"):
        pytest.skip("no LaTeX on this machine")
    article = rf"\documentclass{{article}}\usepackage{{booktabs}}\begin{{document}}{sample().to_tex()}\end{{document}}"
    (tmp_path / "a.tex").write_text(article, encoding="utf-8")
    subprocess.run(["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "a.tex"], cwd=tmp_path, check=True,
                   capture_output=True, timeout=240)  # fmt: skip
