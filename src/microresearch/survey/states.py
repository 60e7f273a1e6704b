"""Does every cell of the raw file come out as answered, can't rate, blank or not applicable? Counted on both sides."""

import numpy as np
import pandas as pd

from microresearch.errors import DataError
from microresearch.responses import Responses, State
from microresearch.survey.answers import BLANK, key
from microresearch.survey.export import Export

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


def reconcile(export: Export, responses: Responses, columns: dict[str, str] | None = None) -> pd.DataFrame:
    """The raw cells of each item against the states that they became, per role.

    Parameters
    ----------
    export : Export
        The raw file (`read_export`).
    responses : Responses
        What was read from it, before cleaning (after it, the rows that remain are compared).
    columns : dict, optional
        Item code -> column, where they differ.

    Returns
    -------
    DataFrame
        A row an item and role: `item`, `role`, `raw_rows`, `raw_filled` (cells that hold something that is not
        declared blank), the four states, and `unexplained` = raw_filled - answered - can't rate - those filled cells
        that became not applicable. It is 0 everywhere, or a cell was lost or invented.

    Raises
    ------
    DataError
        The responses are not those of this file.
    """
    if "row" not in responses.people or not np.isin(responses.people["row"], export.rows).all():
        raise DataError("these responses were not read from this export.")
    place = np.searchsorted(export.rows, responses.people["row"].to_numpy())
    table = state_table(responses, "role")
    said = _groups(responses, "role")
    filled: list[int] = []
    set_aside: list[int] = []
    for item, role in zip(table["item"], table["role"], strict=True):
        column = export.find((columns or {}).get(item, item))
        if column is None:
            raise DataError(f"{export.file} has no column for item {item}.")
        codes, texts = export.levels(column)
        words = {key(one) for one in BLANK} - {key(word) for word in responses.instrument.cant_rate}
        here = np.array([key(text) not in words for text in texts])[codes][place] & said[role]
        filled.append(int(here.sum()))
        away = (responses.state[item] == State.NOT_APPLICABLE).to_numpy()
        set_aside.append(int((here & away).sum()))
    table.insert(2, "raw_filled", filled)
    table = table.rename(columns={"responses": "raw_rows"})
    table["unexplained"] = table["raw_filled"] - table["answered"] - table["cant_rate"] - set_aside
    return table
