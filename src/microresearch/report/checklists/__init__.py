"""Is each item of a reporting guideline answered, and where? A checklist whose answers point into the report."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import pandas as pd

from microresearch.errors import Problem, SpecError
from microresearch.report.tables import Table

CHECKLISTS = ("strobe", "record", "cheers2022", "jars")
"""The guidelines that are built in; items in our words, under the guideline's numbers."""

NOT_REPORTED = "not reported"


@dataclass(frozen=True, slots=True)
class Item:
    """One item: its number in the guideline, the part of the paper, and what it asks, in our words."""

    number: str
    section: str
    asks: str


@dataclass(frozen=True, slots=True)
class Checklist:
    """A guideline with answers.

    Attributes
    ----------
    name, title, source : str
    items : tuple of Item
    answers : mapping of number to str
        Where the report answers an item ("Figure 1", "Methods, Models").
    not_applicable : mapping of number to str
        Why an item does not apply.
    """

    name: str
    title: str
    source: str
    items: tuple[Item, ...]
    answers: Mapping[str, str]
    not_applicable: Mapping[str, str]

    @property
    def coverage(self) -> float:
        """Share (0 to 1) of the applicable items that are answered."""
        applicable = [item for item in self.items if item.number not in self.not_applicable]
        return sum(item.number in self.answers for item in applicable) / len(applicable) if applicable else 1.0

    @property
    def said(self) -> str:
        """How many of the applicable items are answered, in words."""
        return f"{len(self.answers)} of {len(self.items) - len(self.not_applicable)} applicable items answered"

    def to_frame(self) -> pd.DataFrame:
        """Columns item, section, asks, answer: a row per item, in the guideline's order."""
        rows = [(item.number, item.section, item.asks, self._answer(item.number)) for item in self.items]
        return pd.DataFrame(rows, columns=["item", "section", "asks", "answer"], dtype="str")

    def to_table(self) -> Table:
        """The checklist as a table, for the page and for Word."""
        labels = {"item": "Item", "section": "Section", "asks": "What is asked", "answer": "Where it is answered"}
        notes = (
            f"{self.said} ({100 * self.coverage:.0f}%).",
            f"Items in our words; guideline: {self.source}.",
        )
        return Table(self.to_frame(), self.title, notes=notes, labels=labels)

    def _answer(self, number: str) -> str:
        if number in self.not_applicable:
            return f"not applicable: {self.not_applicable[number]}"
        return self.answers.get(number, NOT_REPORTED)


def checklist(
    name: str, answers: Mapping[str, str] | None = None, not_applicable: Mapping[str, str] | None = None
) -> Checklist:
    """A guideline with the answers that a study can give.

    Parameters
    ----------
    name : str
        "strobe", "record", "cheers2022" or "jars".
    answers : mapping of item number to str
        Where the report answers the item; items without one are "not reported".
    not_applicable : mapping of item number to str
        Why an item does not apply.

    Returns
    -------
    Checklist

    Raises
    ------
    SpecError
        An unknown guideline or item, an empty answer or reason, or an item both answered and not applicable; all at
        once.

    Examples
    --------
    >>> strobe = checklist("strobe", {"13c": "Figure 1"}, {"6b": "not a matched study"})
    >>> strobe.to_frame().query("item == '13c'")["answer"].item(), round(strobe.coverage, 3)
    ('Figure 1', 0.03)
    """
    if name not in CHECKLISTS:
        raise SpecError(f"no checklist is called {name!r}. Allowed: {', '.join(CHECKLISTS)}.")
    title, source, items = _load(name)
    answers, not_applicable = dict(answers or {}), dict(not_applicable or {})
    numbers = [item.number for item in items]
    problems = [
        Problem(f"{name}: no such item", value=number, allowed=", ".join(numbers))
        for number in dict.fromkeys([*answers, *not_applicable])
        if number not in numbers
    ]
    for given, what in ((answers, "answer"), (not_applicable, "reason")):
        problems += [Problem(f"{name}, item {n}: the {what} is empty") for n, text in given.items() if not text.strip()]
    both = answers.keys() & not_applicable.keys()
    problems += [Problem(f"{name}, item {n}: answered, yet not applicable") for n in sorted(both)]
    if problems:
        raise SpecError(problems)
    return Checklist(name, title, source, items, answers, not_applicable)


def evidence(name: str) -> Mapping[str, Any]:
    """What in a report answers each item of a guideline: item number -> names of evidence, best first.

    Examples
    --------
    >>> evidence("strobe")["13c"]
    ['figure:flow*']
    """
    text = (files("microresearch.report.checklists") / "evidence.toml").read_text(encoding="utf-8")
    content: Mapping[str, Mapping[str, Any]] = tomllib.loads(text)
    return content.get(name, {})


@cache
def _load(name: str) -> tuple[str, str, tuple[Item, ...]]:
    text = (files("microresearch.report.checklists") / f"{name}.toml").read_text(encoding="utf-8")
    content = tomllib.loads(text)
    return content["title"], content["source"], tuple(Item(**item) for item in content["item"])
