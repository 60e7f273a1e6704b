"""What does one cell say: which option, can't rate, or nothing? Every text that says none of these is listed."""

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from html import unescape

import numpy as np
from numpy.typing import NDArray

from microresearch.errors import DataError, Problem
from microresearch.instrument import Instrument, Item
from microresearch.responses import State
from microresearch.survey.export import Export
from microresearch.survey.problems import listed, shown

BLANK = ("", "NA")
"""Texts that say nothing, unless the instrument uses them."""
_NUMBER = re.compile(r"[+-]?\d{1,15}(?:[.,]\d{1,12})?")
_QUOTES = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "´": "'", "“": '"', "”": '"', "–": "-", "—": "-"})


def key(text: str) -> str:
    """Text as options are compared: without markup, case, kind of apostrophe and surplus space.

    Examples
    --------
    >>> key(" <b>Can’t&nbsp;rate</b> ")
    "can't rate"
    """
    if "<" in text or "&" in text:
        text = unescape(re.sub(r"<[^<>]*>", " ", text))
    return " ".join(unicodedata.normalize("NFKC", text).translate(_QUOTES).casefold().split())


def number(text: str) -> float | None:
    """The number that a cell holds, point or comma as decimal mark, or None.

    Examples
    --------
    >>> number("4"), number("4,0"), number("four")
    (4.0, 4.0, None)
    """
    bare = text.strip()
    return float(bare.replace(",", ".")) if bare.isascii() and _NUMBER.fullmatch(bare) else None


def canonical(text: str) -> str:
    """A code as text: whole numbers without decimals, so that "9.0" and "9" are one."""
    value = number(text)
    return f"{value:g}" if value is not None else text.strip()


@dataclass(frozen=True, slots=True)
class Reading:
    """What the distinct texts of one column mean: value and state of each, and what could not be read."""

    value: NDArray[np.float64]
    state: NDArray[np.int8]
    strange: tuple[int, ...]


class Options:
    """The answers that an instrument allows, ready to be looked up by label or code.

    Parameters
    ----------
    instrument : Instrument
        Its options and the words or codes of can't rate.
    blank : collection of text
        What says nothing (matched after can't rate, so that "NA" can be either).

    Raises
    ------
    DataError
        One option's label is another option's code, so that a cell could mean either.
    """

    def __init__(self, instrument: Instrument, blank: Collection[str] = BLANK) -> None:
        self.labels = {key(option.label): float(option.code) for option in instrument.options}
        self.codes = {float(option.code) for option in instrument.options}
        self.cant = {key(canonical(word)) for word in instrument.cant_rate}
        self.blank = {"", *(key(canonical(word)) for word in blank)}
        self.instrument = instrument
        for label, code in self.labels.items():
            value = number(label)
            if value is not None and value != code and value in self.codes:
                what = f"option label {label!r} of {instrument.code} is another option's code"
                raise DataError(Problem(what, mend="give the options labels that are words, or their own codes"))

    def read(self, text: str, item: Item) -> tuple[float, State] | None:
        """Value and state of one text under one item; None when it is no option."""
        word, value = key(text), number(text)
        code = key(canonical(text))
        if word in self.cant or code in self.cant:
            return np.nan, State.CANT_RATE
        if word in self.blank or code in self.blank:
            return np.nan, State.BLANK
        if word in self.labels:
            value = self.labels[word]
        elif value is None or (self.codes and value not in self.codes):
            return None
        return (value, State.ANSWERED) if item.low <= value <= item.high else None

    def allowed(self, item: Item) -> str:
        """The options as a message lists them."""
        inside = [one for one in self.instrument.options if item.low <= one.code <= item.high]
        said = [f"{one.code:g} {one.label}".strip() for one in inside] or [f"{item.low:g} to {item.high:g}"]
        return "; ".join([*said, *dict.fromkeys(self.instrument.cant_rate), "empty"])

    def column(self, texts: list[str], item: Item, labels: Mapping[str, str], missing: Collection[str]) -> Reading:
        """What each distinct text of a column means.

        Value labels of the file stand above bare codes: a code means its label. Where those labels number the options
        otherwise than the instrument does, a code without label is not read. A code that the file declares
        user-missing is never an answer: it is read by its label, else must be declared can't rate or blank.
        """
        by_code = {canonical(code): label for code, label in labels.items()}
        renumbered = any(
            read is not None and read[1] is State.ANSWERED and number(code) != read[0]
            for code, read in ((code, self.read(label, item)) for code, label in by_code.items())
        )
        value, state = np.full(len(texts), np.nan), np.full(len(texts), State.BLANK, dtype=np.int8)
        strange = []
        for i, text in enumerate(texts):
            code = canonical(text)
            read = self.read(by_code.get(code, text), item)
            if read is None and code in by_code:
                read = self.read(text, item)
                read = None if read is not None and read[1] is State.ANSWERED else read
            bare = code not in by_code and number(text) is not None
            if read is not None and read[1] is State.ANSWERED and ((renumbered and bare) or code in missing):
                read = None
            if read is None:
                strange.append(i)
            else:
                value[i], state[i] = read
        return Reading(value, state, tuple(strange))


@dataclass(frozen=True, slots=True, eq=False)
class Strange:
    """One text of one item's column that says none of the options: what is wrong with it, and the rows that hold it."""

    item: Item
    column: str
    what: str
    text: str
    rows: NDArray[np.int64]
    allowed: str

    def problem(self, file: str) -> Problem:
        """It as a message tells it."""
        mend = "correct the export, or add the label or code to the instrument file"
        what = f"{self.what}, in {listed(self.rows)}"
        return Problem(what, file, int(self.rows[0]), self.column, shown(self.text), self.allowed, mend)


def read_items(
    export: Export, instrument: Instrument, columns: Mapping[str, str], blank: Collection[str]
) -> tuple[NDArray[np.float64], NDArray[np.int8], list[Strange]]:
    """Values and states, responses x items, and what maps to no option, item by item in the rows' order."""
    options = Options(instrument, blank)
    shape = (len(export), len(instrument.items))
    values, states = np.full(shape, np.nan, order="F"), np.full(shape, State.BLANK, dtype=np.int8, order="F")
    strange: list[Strange] = []
    for j, item in enumerate(instrument.items):
        column = columns[item.code]
        codes, texts = export.levels(column)
        labels, missing = export.labels.get(column, {}), export.user_missing.get(column, frozenset())
        read = options.column(texts, item, labels, missing)
        values[:, j], states[:, j] = read.value[codes], read.state[codes]
        found = _strange(export, column, item, options, codes, [(i, texts[i]) for i in read.strange])
        strange.extend(sorted(found, key=lambda one: int(one.rows[0])))
    return values, states, strange


def _strange(
    export: Export, column: str, item: Item, options: Options, codes: NDArray[np.intp], texts: list[tuple[int, str]]
) -> Iterator[Strange]:
    labels = export.labels.get(column, {})
    for i, text in texts:
        rows = export.rows[codes == i]
        if not len(rows):
            continue
        label = labels.get(canonical(text))
        what = "an answer that is none of the options" if label is None else "a value label that is none of the options"
        if canonical(text) in export.user_missing.get(column, ()):
            what = "a user-missing code that is declared neither can't rate nor blank"
        yield Strange(item, column, what, label or text, rows, options.allowed(item))
