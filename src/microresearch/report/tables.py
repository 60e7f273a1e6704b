"""How does a result become a table? One object with title, notes and rounding, and every format that readers use."""

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

import numpy as np
import pandas as pd

from microresearch.errors import DataError, Problem
from microresearch.report.cells import is_number, neutral
from microresearch.report.rounding import apa, missing, p_value
from microresearch.results import NotAvailable

ALL = "All"
"""The level of a margin in a label column."""

NAMED = ("variable", "level")
"""`by` of a table whose rows each name their dimension and its level, as Table 1 does."""

HIDDEN = "hidden"
"""Stands where the disclosure guard took a number away."""

P_VALUES = ("p", "p_holm", "p_bh", "p_maxt")


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A table of the paper.

    Attributes
    ----------
    frame : DataFrame
        Full precision, a column per column shown (the index is not shown); the first column names the row.
    title : str
    notes : tuple of str
        Below the table, in order.
    counts : tuple of str
        Columns that count people: the disclosure guard suppresses small ones.
    decimals : mapping of column to int
        Where a person reads it; 2 for other numbers that are not whole.
    labels : mapping of column to str
        Headers; the column's own name where absent.
    bounded : tuple of str
        Columns that cannot pass 1 in size: no zero before the point.
    shares : mapping of column to (numerator, denominator)
        Percentages or proportions and the count columns behind them ("" where not shown).
    staff : str
        The column that counts the raters of a row, "" for none: rows under the study's minimum are emptied.
    of : str
        Whom the counts count ("respondents", "stays"), so that all tables of one population are guarded together.
    by : tuple of str
        The label columns that classify them; a row of a margin has "All" there. ("variable", "level") where each row
        names its own dimension.
    where : mapping of column to {dimension: level}
        What a count column adds to the row's own levels: {"n": {}, "died": {"died": "yes"}}; `n` alone when empty.
    whom : mapping of column to a {dimension: level} a row
        In place of `by` and `where`, whom each row of a column counts; None where it counts nobody (or units).

    Examples
    --------
    >>> frame = pd.DataFrame({"scale": ["Leadership"], "alpha": [0.8765], "n": [1874]})
    >>> table = Table(frame, "Reliability", counts=("n",), bounded=("alpha",))
    >>> table.cells()
    [['Leadership', '.88', '1,874']]
    """

    frame: pd.DataFrame
    title: str
    notes: tuple[str, ...] = ()
    counts: tuple[str, ...] = ()
    decimals: Mapping[str, int] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    bounded: tuple[str, ...] = ()
    shares: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    staff: str = ""
    of: str = ""
    by: tuple[str, ...] = ()
    where: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    whom: Mapping[str, Sequence[Mapping[str, str] | None]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        named = (
            *self.counts, *self.decimals, *self.labels, *self.bounded, *self.shares, *self.by, *self.where, *self.whom,
            *filter(None, [self.staff]),
        )  # fmt: skip
        strange = [column for column in dict.fromkeys(named) if column not in self.frame.columns]
        if strange:
            allowed = ", ".join(map(str, self.frame.columns))
            raise DataError([Problem(f"table {self.title!r}", column=c, allowed=allowed) for c in strange])
        if self.frame.columns.duplicated().any():
            raise DataError(f"table {self.title!r}: two columns have the same name.")

    @property
    def headers(self) -> list[str]:
        """The column headers as shown."""
        return [str(self.labels.get(column, column)) for column in self.frame.columns]

    def cells(self) -> list[list[str]]:
        """Every cell as a person reads it, a list per row."""
        marks = {reason: letter(i) for i, reason in enumerate(self.reasons())}
        columns = [[self._say(column, value, marks) for value in self.frame[column]] for column in self.frame.columns]
        return [list(row) for row in zip(*columns, strict=True)]

    def reasons(self) -> list[str]:
        """Why cells are empty: the reasons of all `NotAvailable` values, once each, in reading order."""
        found = [v.reason for row in self.frame.itertuples(index=False) for v in row if isinstance(v, NotAvailable)]
        return list(dict.fromkeys(found))

    def footnotes(self) -> list[str]:
        """The notes, then the reasons of cells that are not available, each under its letter."""
        return [*self.notes, *(f"{letter(i)} Not available: {reason}" for i, reason in enumerate(self.reasons()))]

    def people(self) -> dict[str, list[dict[str, str] | None]]:
        """Whom each row of each count column counts: a level of each dimension that it names; empty without `of`."""
        if not self.of:
            return {}
        found = {str(c): [None if one is None else dict(one) for one in rows] for c, rows in self.whom.items()}
        declared = self.where or ({} if self.whom or "n" not in self.frame else {"n": {}})
        for column, more in declared.items():
            rows: list[dict[str, str] | None] = []
            for record in self.frame.to_dict("records"):
                own = {record["variable"]: record["level"]} if self.by == NAMED else {d: record[d] for d in self.by}
                rows.append({str(d): str(level) for d, level in own.items() if str(level) != ALL} | dict(more))
            found[str(column)] = rows
        return found

    def number_of(self, column: str) -> list[int | None]:
        """The counts of a column: as they stand, or of a share without a column of its own those behind it."""
        part, whole = self.shares.get(column, (column, ""))
        values = pd.to_numeric(self.frame[column], errors="coerce").astype("Float64")
        if not part and whole:
            values = (values / 100 * pd.to_numeric(self.frame[whole], errors="coerce")).round()
        return [None if pd.isna(value) else round(float(value)) for value in values]

    def numeric(self, column: object) -> bool:
        """Whether the column is aligned as numbers."""
        values = [v for v in self.frame[column] if not missing(v)]  # type: ignore[index]
        numbers = [v for v in values if is_number(v)]
        return bool(numbers) and all(is_number(v) or isinstance(v, NotAvailable) or v == HIDDEN for v in values)

    def to_csv(self) -> str:
        """Comma-separated, full precision, newline "\\n"; text that a spreadsheet would run as a formula is quoted."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow([neutral(str(column)) for column in self.frame.columns])
        writer.writerows([[_plain(value) for value in row] for row in self.frame.itertuples(index=False, name=None)])
        return out.getvalue()

    def to_html(self, caption: bool = True) -> str:
        """An HTML table: escaped, header cells with scope, numbers with `data-value` for sorting, notes below."""
        numeric = [self.numeric(column) for column in self.frame.columns]
        head = "".join(
            f'<th scope="col"{_class(number)}>{escape(text)}</th>'
            for text, number in zip(self.headers, numeric, strict=True)
        )
        body = "\n".join(self._row(values, texts, numeric) for values, texts in self._rows())
        title = f"<caption><span>{escape(self.title)}</span></caption>" if caption else ""
        notes = "".join(f"<p>{escape(note)}</p>" for note in self.footnotes())
        notes = f'<div class="notes">{notes}</div>' if notes else ""
        return f'<table class="sortable">{title}<thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table>{notes}'

    def to_docx(self) -> bytes:
        """A Word file with this one table; several in one file: `word.to_docx`."""
        from microresearch.report.word import to_docx

        return to_docx([self])

    def to_xlsx(self) -> bytes:
        """An Excel file with this one table, full precision, shown rounded."""
        from microresearch.report.excel import to_xlsx

        return to_xlsx(self)

    def to_tex(self, label: str = "") -> str:
        """The table for LaTeX, with booktabs rules."""
        from microresearch.report.latex import to_tex

        return to_tex(self, label)

    def _repr_html_(self) -> str:
        return self.to_html()

    def _rows(self) -> list[tuple[tuple[object, ...], list[str]]]:
        return list(zip(self.frame.itertuples(index=False, name=None), self.cells(), strict=True))

    def _row(self, values: Sequence[object], texts: Sequence[str], numeric: Sequence[bool]) -> str:
        said = []
        for place, (value, text, number) in enumerate(zip(values, texts, numeric, strict=True)):
            key = f' data-value="{float(str(value))!r}"' if number and is_number(value) and not missing(value) else ""
            tag, scope = ("th", ' scope="row"') if place == 0 else ("td", "")
            said.append(f"<{tag}{scope}{_class(number)}{key}>{escape(text)}</{tag}>")
        return f"<tr>{''.join(said)}</tr>"

    def _say(self, column: object, value: object, marks: Mapping[str, str]) -> str:
        if isinstance(value, NotAvailable):
            return f"–{marks[value.reason]}"
        if missing(value):
            return "–"
        if not is_number(value):
            return "yes" if value is True or value is np.True_ else "no" if value in (False,) else str(value)
        number, name = float(str(value)), str(column)
        if name in P_VALUES:
            return p_value(number)
        whole = isinstance(value, (int, np.integer)) or (name in self.counts and number.is_integer())
        return apa(number, self.decimals.get(name, 0 if whole else 2), name in self.bounded)


def letter(place: int) -> str:
    """The superscript letter of a footnote: ᵃ, ᵇ, ..."""
    return "ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻ"[place % 25]


def _class(number: bool) -> str:
    return ' class="num"' if number else ""


def _plain(value: object) -> str:
    if isinstance(value, NotAvailable):
        return neutral(f"not available: {value.reason}")
    if missing(value):
        return ""
    if is_number(value):
        number = float(str(value))
        whole = isinstance(value, (int, np.integer)) or not math.isfinite(number)
        return str(value) if whole else repr(number)
    return neutral(str(value))
