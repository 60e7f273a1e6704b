"""Who took part, and do units with low and high scores differ in whom they hold? Table 1, in counts and in means."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from microresearch.errors import DataError, Problem
from microresearch.report.tables import ALL, NAMED, Table

THIRDS = ("lowest third", "middle third", "highest third")


def thirds(scores: pd.Series) -> pd.Series:
    """Each unit's third by its score: as equal as can be, ties in the order of the index.

    Parameters
    ----------
    scores : Series
        A score per unit; missing stays missing.

    Raises
    ------
    DataError
        Fewer than three units with a score.

    Examples
    --------
    >>> thirds(pd.Series({"a": 3.1, "b": 4.0, "c": 3.5})).tolist()
    ['lowest third', 'highest third', 'middle third']
    """
    known = scores.dropna()
    if len(known) < 3:
        raise DataError(f"thirds: {len(known)} units with a score cannot be parted in three.")
    order = known.sort_values(kind="stable").index
    place = pd.Series(np.arange(len(order)) * 3 // len(order), index=order)
    return place.map(dict(enumerate(THIRDS))).reindex(scores.index).rename("third")


def sample_table(
    people: pd.DataFrame,
    variables: Mapping[str, str],
    *,
    group: str = "",
    groups: Sequence[str] = (),
    title: str = "Characteristics of the sample",
    missing: str = "missing",
    of: str = "",
) -> Table:
    """Counts and percentages of categories, in all and by group, a row per level; missing is a level of its own.

    Parameters
    ----------
    people : DataFrame, a row per person (or stay)
    variables : mapping of column to str
        Categorical columns in order, with what stands in the table.
    group : str
        Column by which people are parted, "" for none.
    groups : sequence of str
        Its values in order; those that occur, sorted, when empty.
    title, missing : str
    of : str
        Whom it counts ("responses"): all tables of these people are then guarded together.

    Returns
    -------
    Table
        Columns variable, level, and per group n and %; counts are exact until the guard has seen the table.

    Raises
    ------
    DataError
        A column is missing, or nobody is in the frame.

    Examples
    --------
    >>> people = pd.DataFrame({"role": ["nurse", "nurse", "physician"]})
    >>> sample_table(people, {"role": "Role"}).frame.to_dict("list")
    {'variable': ['Role', 'Role'], 'level': ['nurse', 'physician'], 'n All': [2, 1], '% All': [66.7, 33.3]}
    """
    _columns(people, [*variables, *([group] if group else [])], "sample_table")
    parts = {ALL: people} | _parts(people, group, groups)
    rows: list[dict[str, object]] = []
    for column, said in variables.items():
        values = people[column].astype(object).where(people[column].notna(), missing).astype(str)
        levels = sorted(set(values) - {missing}) + ([missing] if (values == missing).any() else [])
        for level in levels:
            row: dict[str, object] = {"variable": said, "level": level}
            for name, part in parts.items():
                count = int((values.loc[part.index] == level).sum())
                row |= {f"n {name}": count, f"% {name}": 100 * count / len(part) if len(part) else np.nan}
            rows.append(row)
    counts = tuple(f"n {name}" for name in parts)
    percents = tuple(f"% {name}" for name in parts)
    return Table(
        pd.DataFrame(rows), title, counts=counts, decimals=dict.fromkeys(percents, 1),
        labels={"variable": "Variable", "level": "Level"},
        shares={percent: (count, "") for percent, count in zip(percents, counts, strict=True)},
        notes=("Percentages are of everybody in the column.",), of=of, by=NAMED if of else (),
        where={f"n {name}": {} if name == ALL else {group: name} for name in parts} if of else {},
    )  # fmt: skip


def means_table(
    people: pd.DataFrame,
    variables: Mapping[str, str],
    *,
    group: str = "",
    groups: Sequence[str] = (),
    title: str = "Means in the sample",
) -> Table:
    """Number, mean and SD (ddof 1) of quantities, in all and by group, a row per variable and group.

    Parameters
    ----------
    people, variables, group, groups, title
        As in `sample_table`; the columns are numbers.

    Examples
    --------
    >>> stays = pd.DataFrame({"age": [60.0, 70.0, 80.0]})
    >>> means_table(stays, {"age": "Age, years"}).frame.to_dict("records")
    [{'variable': 'Age, years', 'group': 'All', 'n': 3, 'mean': 70.0, 'sd': 10.0}]
    """
    _columns(people, [*variables, *([group] if group else [])], "means_table")
    parts = {ALL: people} | _parts(people, group, groups)
    rows = []
    for column, said in variables.items():
        for name, part in parts.items():
            values = part[column].dropna().astype(float)
            spread = float(values.std(ddof=1)) if len(values) > 1 else np.nan
            mean = float(values.mean()) if len(values) else np.nan
            rows.append({"variable": said, "group": name, "n": len(values), "mean": mean, "sd": spread})
    labels = {"variable": "Variable", "group": "Group", "mean": "Mean", "sd": "SD"}
    return Table(pd.DataFrame(rows), title, counts=("n",), labels=labels)


def _parts(people: pd.DataFrame, group: str, groups: Sequence[str]) -> dict[str, pd.DataFrame]:
    if not group:
        return {}
    names = list(groups) or sorted(map(str, people[group].dropna().unique()))
    return {name: people[people[group].astype(str) == name] for name in names}


def _columns(people: pd.DataFrame, wanted: Sequence[str], what: str) -> None:
    lacking = [column for column in wanted if column not in people.columns]
    if lacking:
        allowed = ", ".join(map(str, people.columns))
        raise DataError([Problem(f"{what} needs this column", column=column, allowed=allowed) for column in lacking])
    if people.empty:
        raise DataError(f"{what}: nobody is in the frame.")
