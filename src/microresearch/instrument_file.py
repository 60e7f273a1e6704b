"""What does an instrument file say, and can it be meant? The form's TOML, checked as a whole."""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from microresearch.errors import Problem
from microresearch.io import read_spec

Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_.]*$")]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Number = Annotated[float, Field(allow_inf_nan=False)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class InstrumentTable(_Table):
    """`[instrument]`: what the form is called and where it comes from."""

    code: Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_.-]*$")]
    name: Name
    version: Name
    language: Name
    reflective: bool
    source: Name
    note: str = ""
    content_validity: Name = "not established"


class OptionEntry(_Table):
    """One closed answer."""

    code: Number
    label: Name


class ResponseTable(_Table):
    """`[response]`: how an answer may look."""

    options: list[OptionEntry] = Field(min_length=2)
    cant_rate: list[Name] = Field(default_factory=list)


class GroupEntry(_Table):
    """`[[groups]]`: a higher-order group."""

    code: Code
    name: Name


class ItemEntry(_Table):
    """One question under its characteristic."""

    code: Code
    text: Name
    low: Number | None = None
    high: Number | None = None
    reversed: bool = False
    applies: Code = "all"


class CharacteristicEntry(_Table):
    """`[[characteristics]]`: a characteristic and its items."""

    code: Code
    name: Name
    group: Code
    description: str = ""
    items: list[ItemEntry] = Field(min_length=1)


class InstrumentFile(_Table):
    """The whole file."""

    instrument: InstrumentTable
    response: ResponseTable
    groups: list[GroupEntry] = Field(min_length=1)
    characteristics: list[CharacteristicEntry] = Field(min_length=1)


def read_instrument_file(path: str | Path) -> InstrumentFile:
    """The file's tables; SpecError lists every misspelt key, wrong type, doubled code, unknown group and bad bound."""
    return read_spec(path, InstrumentFile, check=cross_checks)


def cross_checks(tables: Mapping[str, Any], file: str) -> list[Problem]:
    """What is wrong between entries that may each be well formed; looks only at what has the right type."""
    groups = list(_entries(tables.get("groups")))
    characteristics = list(_entries(tables.get("characteristics")))
    items = [(str(c.get("code", "?")), item) for c in characteristics for item in _entries(c.get("items"))]
    response = tables.get("response")
    options = list(_entries(response.get("options"))) if isinstance(response, dict) else []
    found = [
        *_twice("groups", [g.get("code") for g in groups]),
        *_twice("characteristics", [c.get("code") for c in characteristics]),
        *_twice("characteristics.*.items", [item.get("code") for _, item in items]),
        *_twice("response.options", [o.get("label") for o in options]),
        *_twice("response.options", [o.get("code") for o in options]),
        *_group_problems(groups, characteristics),
        *_cant_rate_problems(response, options),
        *_bound_problems(items, options),
    ]
    return [
        Problem(what, file=file, column=column, allowed=allowed, mend=mend) for what, column, allowed, mend in found
    ]


Finding = tuple[str, str, str, str]


def _entries(value: object) -> Iterator[dict[str, Any]]:
    """The tables in a list, where it is one."""
    yield from (entry for entry in value if isinstance(entry, dict)) if isinstance(value, list) else ()


def _twice(where: str, codes: list[object]) -> Iterator[Finding]:
    told = [code.casefold() if isinstance(code, str) else code for code in codes]
    for code in dict.fromkeys(told):
        if code is not None and told.count(code) > 1:
            yield f"{code} stands {told.count(code)} times", where, "", "give each its own"


def _group_problems(groups: list[dict[str, Any]], characteristics: list[dict[str, Any]]) -> Iterator[Finding]:
    known = [g["code"] for g in groups if isinstance(g.get("code"), str)]
    for entry in characteristics:
        group = entry.get("group")
        if isinstance(group, str) and group not in known:
            column = f"characteristics.{entry.get('code', '?')}.group"
            yield f"there is no group {group!r}", column, ", ".join(known), "add the group, or name one of these"
    used = [entry.get("group") for entry in characteristics]
    for group in known:
        if group not in used:
            yield "no characteristic belongs to this group", f"groups.{group}", "", "remove it, or name it in one"


def _cant_rate_problems(response: object, options: list[dict[str, Any]]) -> Iterator[Finding]:
    words = response.get("cant_rate") if isinstance(response, dict) else None
    labels = {str(o.get("label", "")).casefold() for o in options}
    codes = {f"{o['code']:g}" for o in options if _is_number(o.get("code"))}
    for word in words if isinstance(words, list) else ():
        if isinstance(word, str) and (word.casefold() in labels or word in codes):
            yield f"{word!r} is an option too", "response.cant_rate", "", "take it out of one of the two"


def _bound_problems(items: list[tuple[str, dict[str, Any]]], options: list[dict[str, Any]]) -> Iterator[Finding]:
    codes = sorted(float(o["code"]) for o in options if _is_number(o.get("code")))
    if not codes:
        return
    allowed = ", ".join(f"{code:g}" for code in codes)
    for characteristic, item in items:
        where = f"characteristics.{characteristic}.items.{item.get('code', '?')}"
        bounds = {"low": item.get("low", codes[0]), "high": item.get("high", codes[-1])}
        if not all(_is_number(value) for value in bounds.values()):
            continue
        for key, value in bounds.items():
            if value not in codes:
                yield f"{value:g} is no option of this form", f"{where}.{key}", allowed, "take the code of an option"
        if bounds["low"] >= bounds["high"]:
            what = f"low is {bounds['low']:g} and high is {bounds['high']:g}"
            yield what, f"{where}.low", f"less than {bounds['high']:g}", "low must lie below high"


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
