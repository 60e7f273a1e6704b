"""Does every cell of the raw file come out as answered, can't rate, blank or not applicable? Counted on both sides."""

from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from microresearch.errors import DataError
from microresearch.responses import Responses, State
from microresearch.survey.answers import BLANK, canonical, key
from microresearch.survey.export import Export
from microresearch.survey.item_columns import item_columns

STATES = ("answered", "cant_rate", "blank", "not_applicable")


def state_table(responses: Responses, by: str | None = "role") -> pd.DataFrame:
    """How often each item was answered, not ratable, blank and not applicable.

    Parameters
    ----------
    responses : Responses
    by : str or None
        Column of `people` (role, unit, wave) to count within; None counts over all.

    Returns
    -------
    DataFrame
        A row an item (and group): `item`, `by`'s name, `responses`, and the four states, which add up to `responses`.
        Exact counts, so private.

    Raises
    ------
    DataError
        There is no such column.
    """
    groups = _groups(responses, by)
    state = responses.state.to_numpy()
    rows = []
    for name, mask in groups.items():
        for j, item in enumerate(responses.state.columns):
            counts = np.bincount(state[mask, j], minlength=4)
            row = {"item": item, **({} if by is None else {by: name}), "responses": int(mask.sum())}
            rows.append(row | dict(zip(STATES, counts.tolist(), strict=True)))
    return pd.DataFrame(rows)


def _groups(responses: Responses, by: str | None) -> dict[str, np.ndarray]:
    if by is None:
        return {"": np.ones(len(responses), dtype=bool)}
    if by not in responses.people:
        raise DataError(f"people have no column {by!r}; there are {', '.join(responses.people.columns)}.")
    column = responses.people[by]
    return {str(name): (column == name).to_numpy() for name in sorted(column.unique(), key=str)}


def reconcile(
    export: Export, responses: Responses, items: Mapping[str, str] | None = None, blank: Collection[str] = BLANK
) -> pd.DataFrame:
    """The raw cells of each item against the states that they became, per role.

    Parameters
    ----------
    export : Export
        The raw file (`read_export`), with the study's own value labels where it declares some (`relabelled`).
    responses : Responses
        What was read from it, before cleaning (after it, the rows that remain are compared).
    items, blank
        As given to `read_responses`.

    Returns
    -------
    DataFrame
        A row an item and role: `item`, `role`, `raw_rows`, `raw_filled` (cells that hold something that is not
        declared blank), the four states, and `unexplained` = raw_filled - answered - can't rate - those filled cells
        that became not applicable. It is 0 everywhere, or a cell was lost or invented. Exact counts, so private.

    Raises
    ------
    DataError
        The responses are not those of this file.
    """
    if "row" not in responses.people or not np.isin(responses.people["row"], export.rows).all():
        raise DataError("these responses were not read from this export.")
    place = np.searchsorted(export.rows, responses.people["row"].to_numpy())
    columns = item_columns(export, responses.instrument, items)
    if lacking := [code for code, column in columns.items() if column is None]:
        raise DataError([export.absent((items or {}).get(code, code), f"item {code}") for code in lacking])
    cant = {key(canonical(word)) for word in responses.instrument.cant_rate}
    nothing = {"", *(key(canonical(word)) for word in blank)} - cant
    filled = {code: _filled(export, str(column), nothing)[place] for code, column in columns.items()}
    away = (responses.state == State.NOT_APPLICABLE).to_numpy()
    said = _groups(responses, "role")
    table = state_table(responses, "role").rename(columns={"responses": "raw_rows"})
    pairs = list(zip(table["item"], table["role"], strict=True))
    table.insert(3, "raw_filled", [int((filled[item] & said[role]).sum()) for item, role in pairs])
    aside = {item: filled[item] & away[:, j] for j, item in enumerate(responses.state.columns)}
    set_aside = np.array([int((aside[item] & said[role]).sum()) for item, role in pairs])
    table["unexplained"] = table["raw_filled"] - table["answered"] - table["cant_rate"] - set_aside
    return table


def _filled(export: Export, column: str, nothing: Collection[str]) -> NDArray[np.bool_]:
    """Which cells of a column say something: a code by its label, where the file or the study has one."""
    codes, texts = export.levels(column)
    labels = {canonical(code): label for code, label in export.labels.get(column, {}).items()}
    said = [(labels.get(canonical(text), text), text) for text in texts]
    silent = [key(canonical(word)) in nothing or key(canonical(text)) in nothing for word, text in said]
    return ~np.array(silent, dtype=bool)[codes]
