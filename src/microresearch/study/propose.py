"""Which column of a stranger's file holds what? Proposals from names alone, each to be looked at by its owner."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from microresearch.instrument import Instrument
from microresearch.survey.export import Export

CALLED: Mapping[str, tuple[str, ...]] = {
    "response": ("response", "responseid", "response id", "record_id", "record id", "respondent id", "id"),
    "person": (
        "person", "externalreference", "externaldatareference", "staff_id", "staff id", "staff number", "employee",
        "participant", "participant_id", "respondent", "your staff number",
    ),
    "unit": (
        "unit", "ward", "department", "clinic", "team", "practice", "where do you work", "redcap_data_access_group",
    ),
    "role": ("role", "profession", "position", "occupation", "job", "your role", "discipline"),
    "wave": ("wave", "round", "timepoint", "time point", "which round is this", "redcap_event_name"),
    "started": ("started", "startdate", "start date", "started_at", "start"),
    "ended": ("ended", "enddate", "end date", "finished_at", "end"),
    "duration": ("duration", "duration in seconds", "seconds", "seconds taken"),
    "progress": ("progress",),
    "status": ("status",),
    "consent": ("consent", "do you agree to take part", "i agree to take part", "informed consent", "consent 1"),
}  # fmt: skip
"""What people call the standard columns, the likeliest first."""

LATE = ("los", "died", "death", "readmi", "cost", "charge")
_MIX: Mapping[str, tuple[float, ...]] = {"age": (18, 45, 65, 75), "comorbidity": (1, 3, 5), "charlson": (1, 3, 5)}


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a survey export is taken to be.

    Attributes
    ----------
    format, said : str
        The format, and what was recognised in words.
    columns : dict
        Standard name -> column.
    items : dict
        Item code -> column, only where they are called otherwise; `lacking`: items for which nothing was found.
    """

    format: str
    said: str
    columns: dict[str, str]
    items: dict[str, str]
    lacking: tuple[str, ...]


def propose(export: Export, instruments: Sequence[Instrument]) -> Proposal:
    """Match the columns of an export to the standard names and to the items of instruments.

    A column is proposed for an item when it is called as the item, or its question is worded as the item, or, where
    neither is so, its name is nearly the item's.
    """
    items: dict[str, str] = {}
    lacking: list[str] = []
    taken: set[str] = set()
    for item in (item for form in instruments for item in form.items):
        column = export.find(item.code) or _worded(export, item.text)
        near = get_close_matches(item.code, [c for c in map(str, export.cells.columns) if c not in taken], 1, 0.85)
        column = column or (near[0] if near else None)
        if column is None:
            lacking.append(item.code)
            continue
        taken.add(column)
        if export.find(item.code) is None:
            items[item.code] = column
    left = [str(column) for column in export.cells.columns if str(column) not in taken]
    columns = dict(export.standard)
    for name, words in CALLED.items():
        if name not in columns and (found := _called(words, left, export.texts, set(columns.values()))):
            columns[name] = found
    return Proposal(export.format, export.said, columns, items, tuple(lacking))


def _worded(export: Export, wording: str) -> str | None:
    like = [column for column, text in export.texts.items() if wording.strip() and _plain(text) == _plain(wording)]
    return like[0] if len(like) == 1 else None


def _called(words: Iterable[str], columns: Sequence[str], texts: Mapping[str, str], taken: set[str]) -> str | None:
    """The first column whose name or wording is one of the words."""
    free = [column for column in columns if column not in taken]
    for word in words:
        for column in free:
            names = (_plain(column), _plain(texts.get(column, "")))
            if _plain(word) in names or any(name.endswith(f" {_plain(word)}") for name in names if " " in _plain(word)):
                return column
    return None


def _plain(text: str) -> str:
    return " ".join(re.sub(r"[^a-z0-9]+", " ", text.casefold()).split())


def propose_column(columns: Sequence[str], *words: str) -> str | None:
    """The first column that is called as one of the words."""
    plain = {_plain(column): column for column in reversed(columns)}
    return next((plain[_plain(word)] for word in words if _plain(word) in plain), None)


def propose_case_mix(columns: Sequence[str]) -> list[dict[str, object]]:
    """Case-mix entries for columns that are called as what is known at admission."""
    found: list[dict[str, object]] = []
    for word in ("age", "sex", "gender", "comorbidity", "charlson"):
        if (column := propose_column(columns, word)) is not None:
            entry: dict[str, object] = {"name": word, "column": column}
            found.append(entry | ({"bands": list(_MIX[word])} if word in _MIX else {}))
    return found
