"""Which bytes of a text export are which cell? Decoding, separators and quotes checked before anything is believed."""

from dataclasses import dataclass
from io import BytesIO

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from microresearch.errors import DataError, Problem
from microresearch.survey.problems import refuse

_SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}
_CHUNK = 1 << 24
_PROBE = 500
_QUOTE, _LF, _CR = b'"'[0], b"\n"[0], b"\r"[0]


@dataclass(frozen=True, slots=True, eq=False)
class TextSheet:
    """The records of one separated-text file, every one with its place.

    Attributes
    ----------
    file : str
        Name for messages.
    data : bytes
        The text as UTF-8 without byte order mark.
    encoding, separator : str
        What was found or declared.
    starts, stops : arrays, shape (n_records,)
        Byte offsets; record i stands in row `i + 1 + above` of a spreadsheet.
    widths : array, shape (n_records,)
        Cells in each record; 0 where the line is blank.
    above : int
        Lines before the first record (a `sep=` line).
    """

    file: str
    data: bytes
    encoding: str
    separator: str
    starts: NDArray[np.int64]
    stops: NDArray[np.int64]
    widths: NDArray[np.int64]
    above: int = 0

    @property
    def said(self) -> str:
        """What was recognised, in words."""
        return f"{self.encoding.upper()}, separated by {_SEPARATORS.get(self.separator, repr(self.separator))}"

    def head(self, n: int) -> list[list[str]]:
        """The cells of the first n records, as text."""
        kept: list[list[str]] = []
        for i in range(min(n, len(self.starts))):
            raw = self.data[self.starts[i] : self.stops[i]]
            kept.append([] if not raw else self._parse(BytesIO(raw), int(self.widths[i]), "str").iloc[0].tolist())
        return kept

    def body(self, first: int, width: int) -> tuple[pd.DataFrame, NDArray[np.int64]]:
        """Records from number `first` (0-based) as text cells, wholly empty ones left out.

        Columns whose texts come again and again are categorical; those of ids and prose are not.

        Returns
        -------
        cells : DataFrame, records x width
        rows : array
            Spreadsheet row of each record.
        """
        rows = np.arange(first, len(self.starts), dtype=np.int64) + 1 + self.above
        if not len(rows):
            return pd.DataFrame({i: pd.Series(dtype="str") for i in range(width)}), rows
        width_in_file = self._agreed_width(first, width)
        stream = BytesIO(self.data)
        stream.seek(int(self.starts[first]))
        cells = self._parse(stream, width_in_file, self._kinds(first, width_in_file)).iloc[:, :width]
        if len(cells) != len(rows):
            raise DataError(Problem(f"{len(rows)} records stand in the file but {len(cells)} were read", self.file))
        empty = _empty(cells)
        return cells.loc[~empty].reset_index(drop=True), rows[~empty]

    def _agreed_width(self, first: int, width: int) -> int:
        """Cells per record; an empty last column, present in every record or in none, is the one liberty taken."""
        widths = self.widths[first:]
        filled = widths > 0
        trailing = (self.stops[first:] > self.starts[first:]) & filled
        last = np.frombuffer(self.data, np.uint8)[np.maximum(self.stops[first:] - 1, 0)]
        extra = trailing & (widths == width + 1) & (last == ord(self.separator))
        if filled.any() and extra[filled].all():
            return width + 1
        wrong = np.flatnonzero(filled & (widths != width))
        refuse(
            [
                Problem(
                    f"{widths[i]} cells where the header has {width}",
                    self.file,
                    first + int(i) + 1 + self.above,
                    mend="look for a missing or stray separator or quotation mark in this row",
                )
                for i in wrong
            ]
        )
        return width

    def _kinds(self, first: int, width: int) -> dict[int, str]:
        """How each column is best held, by its first records: as categories, or as text where most differ."""
        last = min(first + _PROBE, len(self.starts))
        raw = self.data[int(self.starts[first]) : int(self.stops[last - 1])]
        probe = self._parse(BytesIO(raw), width, "str")
        many = probe.nunique().to_numpy() > max(0.5 * len(probe), 50)
        return {column: "str" if many[column] else "category" for column in range(width)}

    def _parse(self, stream: BytesIO, width: int, dtype: str | dict[int, str]) -> pd.DataFrame:
        try:
            return pd.read_csv(
                stream, sep=self.separator, header=None, names=list(range(width)), dtype=dtype,  # type: ignore[arg-type]
                na_filter=False, skip_blank_lines=False, index_col=False, encoding="utf-8", engine="c",
            )  # fmt: skip
        except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
            raise DataError(Problem("the rows cannot be parsed as separated text", self.file)) from error


def _empty(cells: pd.DataFrame) -> NDArray[np.bool_]:
    """Which records have only empty cells: they hold no response."""
    mask = np.ones(len(cells), dtype=bool)
    coded = [name for name in cells.columns if isinstance(cells[name].dtype, pd.CategoricalDtype)]
    for name in coded:
        column = cells[name]
        blank = np.flatnonzero(column.cat.categories.astype(str).str.strip() == "")
        mask &= np.isin(column.cat.codes.to_numpy(), [-1, *blank])
        if not mask.any():
            return mask
    for name in cells.columns.difference(coded, sort=False):
        mask[mask] = (cells.loc[mask, name].str.strip() == "").to_numpy()
    return mask


def open_text(text: str, file: str, separator: str | None = None, encoding: str = "utf-8") -> TextSheet:
    """The records of separated text, with every quotation mark accounted for.

    Parameters
    ----------
    text : str
        The whole file, decoded.
    file : str
        Its name, for messages.
    separator : str, optional
        Declared; else found from the first record (or a `sep=` line above it).
    encoding : str
        What the file was in, to be told.

    Raises
    ------
    DataError
        An empty file, or a quotation mark that neither opens, closes nor doubles (RFC 4180, 2.5-2.7).
    """
    if not text.strip():
        raise DataError(Problem("the file is empty", file, mend="export the survey again"))
    first = text[: text.find("\n") if "\n" in text else len(text)].strip()
    above = int(first.lower().startswith("sep=") and len(first) == 5)
    separator = separator or (first[4] if above else _separator(first))
    if len(separator) != 1 or not separator.isascii():
        raise DataError(Problem("the separator must be one ASCII character", file))
    data = text.encode()
    starts, stops, widths = _records(data, file, ord(separator))
    return TextSheet(file, data, encoding, separator, starts[above:], stops[above:], widths[above:], above)


def _separator(first: str) -> str:
    bare = "".join(first.split('"')[::2])
    return max(_SEPARATORS, key=lambda one: (bare.count(one), one == ","))


def _records(data: bytes, file: str, separator: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    quoted = b'"' in data
    if quoted:
        _check_quotes(data, file, separator)
    ends: list[NDArray[np.int64]] = []
    cuts: list[NDArray[np.int64]] = []
    carry = np.uint8(0)
    for low in range(0, len(data), _CHUNK):
        part = np.frombuffer(data, np.uint8, min(_CHUNK, len(data) - low), low)
        breaks, cut = (part == _LF) | (part == _CR), part == separator
        if quoted:
            inside = np.bitwise_xor.accumulate((part == _QUOTE).view(np.uint8)) ^ carry
            carry = inside[-1]
            breaks, cut = breaks & (inside == 0), cut & (inside == 0)
        ends.append(np.flatnonzero(breaks) + low)
        cuts.append(np.flatnonzero(cut) + low)
    ends_all, places = np.concatenate(ends), np.concatenate(cuts)
    everything = np.frombuffer(data, np.uint8)
    is_lf, after = everything[ends_all] == _LF, everything[np.minimum(ends_all + 1, len(data) - 1)]
    ends_all = ends_all[is_lf | (after != _LF) | (ends_all + 1 == len(data))]
    starts, stops = np.append(0, ends_all + 1), np.append(ends_all, len(data))
    if starts[-1] >= len(data):
        starts, stops = starts[:-1], stops[:-1]
    widths = np.diff(np.searchsorted(places, np.append(starts, len(data)))) + 1
    last = everything[np.maximum(stops - 1, 0)]
    stops = np.where((last == _CR) & (stops > starts), stops - 1, stops)
    widths[stops <= starts] = 0
    return starts, stops, widths


def _check_quotes(data: bytes, file: str, separator: int) -> None:
    everything = np.frombuffer(data, np.uint8)
    quotes = np.concatenate(
        [
            np.flatnonzero(np.frombuffer(data, np.uint8, min(_CHUNK, len(data) - low), low) == _QUOTE) + low
            for low in range(0, len(data), _CHUNK)
        ]
    )
    opening, closing = quotes[0::2], quotes[1::2]
    fine = [separator, _LF, _CR, _QUOTE]
    before = np.where(opening > 0, everything[np.maximum(opening - 1, 0)], _LF)
    after = np.where(closing + 1 < len(data), everything[np.minimum(closing + 1, len(data) - 1)], _LF)
    wrong = np.sort(np.concatenate([opening[~np.isin(before, fine)], closing[~np.isin(after, fine)]]))
    if not len(wrong) and len(quotes) % 2:
        wrong = quotes[-1:]
    if len(wrong):
        line = data.count(b"\n", 0, int(wrong[0])) + 1
        what = f"a quotation mark in line {line} neither opens, closes nor doubles"
        raise DataError(Problem(what, file, line, mend="quote whole cells, and double quotation marks inside them"))
