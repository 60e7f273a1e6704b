import csv
import io
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from microresearch.errors import DataError
from microresearch.report.numbers import Number
from microresearch.report.rounding import apa, p_value
from microresearch.report.tables import Table
from microresearch.results import NotAvailable


def sample() -> Table:
    frame = pd.DataFrame(
        {
            "scale": ["Leadership", "=cmd|' /C calc'!A0", "<b>Staff & focus</b>"],
            "alpha": [1 / 3, 0.9, NotAvailable("a single item has no alpha")],
            "difference": [-1.5, -0.001, np.nan],
            "p": [0.0004, 0.0316, 0.9999],
            "n": [1874, 1850, 12],
        }
    )
    return Table(frame, "Reliability & <more>", ("Note <1>.",), counts=("n",), bounded=("alpha",))


def test_a_reader_sees_apa_rounding() -> None:
    assert sample().cells() == [
        ["Leadership", ".33", "−1.50", "<.001", "1,874"],
        ["=cmd|' /C calc'!A0", ".90", "0.00", ".032", "1,850"],
        ["<b>Staff & focus</b>", "–ᵃ", "–", "1.000", "12"],
    ]
    assert sample().footnotes() == ["Note <1>.", "ᵃ Not available: a single item has no alpha"]


def test_csv_keeps_full_precision_and_runs_nothing() -> None:
    rows = list(csv.reader(io.StringIO(sample().to_csv())))
    assert float(rows[1][1]) == 1 / 3
    assert rows[1][2] == "-1.5"  # a number may start with a minus
    assert rows[2][0] == "'=cmd|' /C calc'!A0"
    assert rows[3][1] == "not available: a single item has no alpha"
    assert not any(cell[:1] in tuple("=+@\t\r") for row in rows for cell in row)


class Balanced(HTMLParser):
    """Records tags and text, and fails where one is closed that is not open."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        self.seen.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_html_is_escaped_and_sortable() -> None:
    html = sample().to_html()
    page = Balanced()
    page.feed(html)
    assert not page.open
    assert "b" not in page.seen and "script" not in page.seen
    assert "<b>Staff & focus</b>" in page.text
    assert html.count('scope="row"') == 3 and html.count('scope="col"') == 5
    assert f'data-value="{1 / 3!r}"' in html


def test_a_table_refuses_columns_that_it_does_not_have() -> None:
    with pytest.raises(DataError, match="column m"):
        Table(pd.DataFrame({"n": [1]}), "T", counts=("m",))


@pytest.mark.parametrize(
    ("value", "decimals", "bounded", "text"),
    [(0.5, 2, True, ".50"), (1.0, 2, True, "1.00"), (-0.5, 2, True, "−.50"), (-0.004, 2, False, "0.00"),
     (1234567.891, 1, False, "1,234,567.9"), (float("inf"), 2, False, "∞")],
)  # fmt: skip
def test_apa_numbers(value: float, decimals: int, bounded: bool, text: str) -> None:
    assert apa(value, decimals, bounded) == text


def test_p_values_at_the_edges() -> None:
    assert [p_value(p) for p in (0.0, 0.00099, 0.001, 0.05, 0.9994, 1.0)] == [
        "<.001", "<.001", ".001", ".050", ".999", "1.000",
    ]  # fmt: skip


def test_numbers_speak_and_refuse_nan() -> None:
    number = Number(-0.1234, "points", -0.2, 0.1, n=96)
    assert number.phrase == "−0.12 points (95% CI −0.20 to 0.10)"
    assert number.to_json() == {
        "value": -0.1234, "unit": "points", "low": -0.2, "high": 0.1, "n": 96, "confidence": 0.95,
        "text": "−0.12 points (95% CI −0.20 to 0.10)",
    }  # fmt: skip
    assert Number(0, "staff", count=True).to_json()["value"] == 0
    for bad in ({"value": float("nan")}, {"value": None}, {"value": 1.0, "low": 0.5}):
        with pytest.raises(DataError):
            Number(**bad)  # type: ignore[arg-type]
