"""By what name is a unit shown? By one drawn at random, never by a hash that could be tried out."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pandas as pd
from matplotlib.text import Text
from matplotlib.ticker import Formatter, FuncFormatter

from microresearch.errors import DataError
from microresearch.report.style import StudyFigure
from microresearch.report.tables import Table

UNIT = "unit"
"""The column that names units, in every frame of the library."""


def pseudonyms(units: Iterable[str], rng: np.random.Generator, word: str = "Unit") -> dict[str, str]:
    """A random name for each unit; the key is private and must be kept beside the private data.

    Parameters
    ----------
    units : iterable of str
        Names or ids, each once.
    rng : Generator
        Where units are real, one that nobody can repeat (`numpy.random.default_rng()` without a seed), drawn once and
        kept: a seed that is published would give the key away.
    word : str
        What stands before the number.

    Returns
    -------
    dict of unit to pseudonym
        "Unit 01", "Unit 02", ...: the numbers say nothing of the order of the units.

    Raises
    ------
    DataError
        No unit, or one twice.

    Examples
    --------
    >>> key = pseudonyms(["Ward 4B", "Ward 4C"], np.random.default_rng(1))
    >>> sorted(key.values())
    ['Unit 1', 'Unit 2']
    """
    names = list(units)
    if not names or len(set(names)) != len(names):
        raise DataError("pseudonyms need one or more units, each once.")
    digits = len(str(len(names)))
    order = rng.permutation(len(names))
    return {name: f"{word} {place + 1:0{digits}d}" for name, place in zip(sorted(names), order, strict=True)}


def renamed(thing: Table | StudyFigure, key: Mapping[str, str]) -> Table | StudyFigure:
    """The same table or figure with every unit under its pseudonym, in cells, titles, notes and drawn labels.

    Rows that name units are put into the order of the pseudonyms, for the old order would give the key away.

    Parameters
    ----------
    thing : Table or StudyFigure
        A figure is changed in place.
    key : mapping of unit to pseudonym

    Examples
    --------
    >>> table = Table(pd.DataFrame({"unit": ["4B", "4C"], "score": [3.1, 4.0]}), "Scores of 4B and 4C")
    >>> shown = renamed(table, {"4B": "Unit 2", "4C": "Unit 1"})
    >>> shown.title, shown.frame["unit"].tolist()
    ('Scores of Unit 2 and Unit 1', ['Unit 1', 'Unit 2'])
    """
    if not key:
        return thing
    if isinstance(thing, Table):
        notes = tuple(_said(note, key) for note in thing.notes)
        frame = _frame(thing.frame.reset_index(drop=True), key)
        whom = {column: tuple(rows[i] for i in frame.index) for column, rows in thing.whom.items()}
        title = _said(thing.title, key)
        return replace(thing, frame=frame.reset_index(drop=True), title=title, notes=notes, whom=whom)
    thing.data = _frame(thing.data, key).reset_index(drop=True)
    thing.title, thing.alt, thing.note = (_said(text, key) for text in (thing.title, thing.alt, thing.note))
    for axis in (axis for axes in thing.axes for axis in (axes.xaxis, axes.yaxis)):
        if any(_said(label.get_text(), key) != label.get_text() for label in axis.get_ticklabels()):
            axis.set_major_formatter(_under_pseudonyms(axis.get_major_formatter(), key))
    for text in thing.findobj(Text):
        if isinstance(text, Text) and (said := _said(text.get_text(), key)) != text.get_text():
            text.set_text(said)
    return thing


def _under_pseudonyms(written: Formatter, key: Mapping[str, str]) -> FuncFormatter:
    """Tick labels as they were written, units renamed."""

    def say(value: float, place: int | None = None) -> str:
        return _said(written(value, place), key)

    return FuncFormatter(say)


def _frame(frame: pd.DataFrame, key: Mapping[str, str]) -> pd.DataFrame:
    """The column of units, and every other that holds nothing but units, renamed; rows in the new order."""
    found: dict[str, pd.Series] = {}
    for column in map(str, frame.columns):
        values = frame[column].astype(object)
        known = values.isin(list(key))
        if known.any() and (column == UNIT or known[values.notna()].all()):
            found[column] = values.where(~known, values.map(dict(key)))
    if not found:
        return frame
    first = UNIT if UNIT in found else next(iter(found))
    return frame.assign(**found).sort_values(first, kind="stable", key=lambda names: names.astype(str))


def _said(text: str, key: Mapping[str, str]) -> str:
    """The text with every unit's name in it replaced: names of two letters or digits and more, one of them a letter."""
    pattern = _pattern(tuple(key)) if text else None
    return pattern.sub(lambda found: key[found[0]], text) if pattern else text


@lru_cache(maxsize=4)
def _pattern(units: tuple[str, ...]) -> re.Pattern[str] | None:
    """What finds the names of these units in a text, the longest first; None where no name can be told from a text."""
    names = [name for name in units if len(name) > 1 and re.search(r"[^\W\d]", name)]
    words = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    return re.compile(rf"(?<!\w)(?:{words})(?!\w)") if names else None
