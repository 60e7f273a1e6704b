"""Which unit does each name in the export mean? Declared variants only; a name that matches none stops the run."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeVar, cast

import numpy as np
import pandas as pd

from microresearch.errors import DataError, Problem
from microresearch.instrument import EVERYWHERE
from microresearch.responses import Responses, State
from microresearch.survey.answers import key
from microresearch.survey.problems import listed, nearest, refuse

Some = TypeVar("Some", Responses, dict[str, Responses])


@dataclass(frozen=True, slots=True)
class Crosswalk:
    """Every declared name of every unit.

    Attributes
    ----------
    to_unit : mapping
        Name, folded (see `crosswalk`), to unit id.
    names : mapping
        Folded name to the name as declared, for proposals.
    """

    to_unit: Mapping[str, str]
    names: Mapping[str, str]

    def match(self, name: str) -> str | None:
        """The unit that a name means; None where none is declared."""
        return self.to_unit.get(key(name))

    def proposals(self, name: str) -> tuple[str, ...]:
        """Declared names most like this one, with their units."""
        return tuple(f"{near} ({self.to_unit[key(near)]})" for near in nearest(key(name), self.names.values()))


def crosswalk(units: pd.DataFrame) -> Crosswalk:
    """The names of each unit: its id, its name and its variants.

    Two spellings count as one when they differ only in upper and lower case, surrounding or repeated spaces, or the
    kind of apostrophe or dash, for these cannot tell two units apart. Every other difference must be declared.

    Parameters
    ----------
    units : DataFrame
        A row a unit with `unit` (id) and, where there are any, `name` and `variants` (separated by "|").

    Raises
    ------
    DataError
        A name stands for two units; all such names at once.

    Examples
    --------
    >>> walk = crosswalk(pd.DataFrame({"unit": ["U1"], "name": ["Ward 3 North"], "variants": ["W3N|3 North"]}))
    >>> walk.match(" ward 3  north"), walk.match("W3N"), walk.match("Ward 3")
    ('U1', 'U1', None)
    >>> walk.proposals("Ward 3 Noth")[0]
    'Ward 3 North (U1)'
    """
    to_unit: dict[str, str] = {}
    names: dict[str, str] = {}
    problems = []
    for row, entry in zip(units.index, units.to_dict("records"), strict=True):
        unit = str(entry["unit"])
        variants = str(entry.get("variants", "") or "").split("|")
        for name in (unit, str(entry.get("name", "") or ""), *variants):
            folded = key(name)
            if not folded:
                continue
            other = to_unit.setdefault(folded, unit)
            names.setdefault(folded, " ".join(name.split()))
            if other != unit:
                at = int(row) if units.index.name == "row" else None
                what = f"one name stands for two units ({other} and {unit})"
                problems.append(Problem(what, "", at, "variants", " ".join(name.split()), mend="leave it to one unit"))
    refuse(problems)
    return Crosswalk(to_unit, names)


def assign_units(responses: Some, walk: Crosswalk, file: str = "") -> Some:
    """The same responses with each unit name replaced by the unit id; an empty name stays empty.

    Raises
    ------
    DataError
        Names that match no unit, each with its rows and the nearest declared names. The name itself is not shown:
        people type all sorts of things into such a field.
    """
    forms = {"": responses} if isinstance(responses, Responses) else responses
    people = next(iter(forms.values())).people
    names = people["unit"]
    matched = {name: walk.match(name) for name in names.unique()}
    problems = []
    for name, unit in matched.items():
        if unit is None and name.strip():
            rows = _rows(people, (names == name).to_numpy())
            near = walk.proposals(name)
            mend = "add it as a variant of its unit in the units file"
            mend += f" (nearest: {', '.join(near)})" if near else " (no declared name is near)"
            what = f"a unit name that matches no unit, in {listed(rows)}"
            problems.append(Problem(what, file, int(rows[0]), "unit", mend=mend))
    refuse(problems)
    units = names.map({name: unit or "" for name, unit in matched.items()}).astype("str")
    made = {code: replace(one, people=one.people.assign(unit=units)) for code, one in forms.items()}
    return cast("Some", made[""] if isinstance(responses, Responses) else made)


def _rows(people: pd.DataFrame, mask: np.ndarray) -> np.ndarray:
    """File rows of the responses where the mask holds; their place where no file rows are known."""
    return (people["row"].to_numpy() if "row" in people else np.arange(1, len(people) + 1))[mask]


def apply_applicability(responses: Some, units: pd.DataFrame) -> Some:
    """Items that apply only to some units set to not applicable for staff of the others.

    An item's `applies` names a yes/no column of the units file ("all" applies to everyone). Where that column is not
    "yes" for the unit of a response, its state becomes not applicable and its value missing, whatever was ticked.
    A response without a unit is left as it is: nobody knows whether the item applied.

    Parameters
    ----------
    responses : Responses or dict of Responses
        With unit ids in `people` (after `assign_units`).
    units : DataFrame
        A row a unit: `unit` and the columns that items name.

    Raises
    ------
    DataError
        An item names a column that the units file does not have, or a response a unit that it does not list.
    """
    if not isinstance(responses, Responses):
        return cast("Some", {code: apply_applicability(one, units) for code, one in responses.items()})
    if all(item.applies == EVERYWHERE for item in responses.instrument.items):
        return responses
    applies = responses.instrument.applies(units.set_index(units["unit"].astype(str)))
    unit = responses.people["unit"]
    strange = ~unit.isin(applies.index) & (unit != "")
    if strange.any():
        rows = _rows(responses.people, strange.to_numpy())
        what = f"a unit that the units file does not list, in {listed(rows)}"
        raise DataError(Problem(what, column="unit", mend="assign units by the crosswalk first"))
    values, state = responses.values.copy(), responses.state.copy()
    place = applies.index.get_indexer(pd.Index(unit))
    for code in applies.columns[~applies.all()]:
        outside = ~applies[code].to_numpy()[place] & (place >= 0)
        values.loc[outside, code] = np.nan
        state.loc[outside, code] = np.int8(State.NOT_APPLICABLE)
    return cast("Some", replace(responses, values=values, state=state))
