"""What could a reader work out from all published tables together? The attack, and the cells that stop it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import csr_array

from microresearch.errors import DisclosureError
from microresearch.report.disclosure import guard, hide, why_hidden
from microresearch.report.suppression import spread
from microresearch.report.tables import ALL, HIDDEN, NAMED, Table, is_number

LIMIT = 50_000
"""Cells of the finest cross-classification up to which all tables of a population are attacked at once."""

Where: TypeAlias = frozenset[tuple[str, str]]
"""Which people a count counts: a level of each dimension that is named."""

Spot: TypeAlias = tuple[str, int, str]
"""A table's name, row position and column."""


@dataclass(frozen=True, slots=True)
class Count:
    """One count of people: whom it counts, how many, and every cell that shows it."""

    where: Where
    value: int
    spots: tuple[Spot, ...]


def guard_together(
    exact: Mapping[str, Table], threshold: int = 10, *, out: Mapping[str, Table] | None = None
) -> dict[str, Table]:
    """Guard tables one by one, then hide more until no small count follows from any combination of them.

    Parameters
    ----------
    exact : mapping of name to Table
        With exact counts; those that say whom they count (`of`, `by`, `where`) are taken together.
    threshold : int
        The largest count that may not be shown.
    out : mapping of name to Table
        Tables of `exact` that are published already, as they were published: they stay as they are.

    Returns
    -------
    dict of name to Table
        Small counts, and as few others as were needed, replaced by "hidden".

    Raises
    ------
    DisclosureError
        A small count follows from what is already out; the message names the table.

    Notes
    -----
    All counts of one population are sums over its finest cross-classification. A hidden count is safe when an integer
    program over that classification, given every count shown and that hidden counts are not 0 (zeros are shown), can
    still raise it above the threshold. Where it cannot, the smallest count that holds it down (by the dual of the
    linear program) is hidden as well.

    References
    ----------
    Fischetti & Salazar-González (2001), Management Science 47, 1008-1027. doi:10.1287/mnsc.47.7.1008.9805

    Examples
    --------
    >>> role = Table(pd.DataFrame({"role": ["nurse", "physician"], "n": [40, 30]}), "By role", of="staff", by=("role",))
    >>> both = Table(pd.DataFrame({"role": ["nurse"] * 2 + ["physician"] * 2, "sex": ["F", "M"] * 2,
    ...                            "n": [36, 4, 15, 15]}), "By role and sex", of="staff", by=("role", "sex"))
    >>> shown = guard_together({"role": role, "both": both})
    >>> shown["both"].frame["n"].tolist(), shown["role"].frame["n"].tolist()
    (['hidden', 'hidden', 15, 15], [40, 30])
    """
    shown = {name: (out or {}).get(name) or guard(table, threshold, name=name) for name, table in exact.items()}
    hidden = {spot for name, table in shown.items() for spot in _hidden(name, table)}
    for population in dict.fromkeys(table.of for table in exact.values() if table.of):
        ours = {name: table for name, table in exact.items() if table.of == population}
        for group in _groups(ours):
            hidden |= _protect(group, threshold, frozenset(out or {}), hidden)
    return {
        name: table if name in (out or {}) else _apply(table, name, hidden, threshold) for name, table in shown.items()
    }


def _hidden(name: str, table: Table) -> set[Spot]:
    return {
        (name, row, str(column))
        for column in table.frame.columns
        for row, value in enumerate(table.frame[column])
        if isinstance(value, str) and value == HIDDEN
    }


def counts_of(tables: Mapping[str, Table]) -> list[Count]:
    """Every count of people in these tables; the same people in two tables are one count.

    Raises
    ------
    DisclosureError
        Two tables give different numbers for the same people.
    """
    found: dict[Where, Count] = {}
    for name, table in tables.items():
        for column, extra in (table.where or {"n": {}}).items():
            for row, record in enumerate(table.frame.to_dict("records")):
                if not is_number(record[column]) or pd.isna(record[column]):
                    continue
                dims = (
                    {str(record["variable"]): record["level"]}
                    if table.by == NAMED
                    else {d: record[d] for d in table.by}
                )
                levels = {dim: str(level) for dim, level in dims.items() if str(level) != ALL} | dict(extra)
                where, value = frozenset(levels.items()), int(record[column])
                known = found.get(where)
                if known is not None and known.value != value:
                    raise DisclosureError(f"table {name!r} and {known.spots[0][0]!r} differ on the same people.")
                spots = (*(known.spots if known else ()), (name, row, str(column)))
                found[where] = Count(where, value, spots)
    return sorted(found.values(), key=lambda count: sorted(count.where))


def _groups(tables: Mapping[str, Table]) -> list[Mapping[str, Table]]:
    """All tables together, or every pair where the joint classification would be too large."""
    if _finest(counts_of(tables))[1] <= LIMIT:
        return [tables]
    names = list(tables)
    return [{a: tables[a], b: tables[b]} for i, a in enumerate(names) for b in names[i + 1 :]]


def _finest(counts: Sequence[Count], others: bool = False) -> tuple[dict[str, list[str]], float]:
    """The levels of each dimension (with one more for people in none that is named), and how many cells they make."""
    levels: dict[str, list[str]] = {}
    for dim, level in sorted({pair for count in counts for pair in count.where}):
        levels.setdefault(dim, []).append(level)
    if others:
        levels = {dim: [*some, "(none of these)"] for dim, some in levels.items()}
    return levels, float(np.prod([float(len(some)) for some in levels.values()]))


def _classified(counts: Sequence[Count]) -> Any:
    """Counts x finest cells. A reader takes the named levels for everybody, as long as the counts allow it."""
    matrix: Any = _matrix(counts, _finest(counts)[0])
    value = np.array([count.value for count in counts], dtype=float)
    if linprog(np.zeros(matrix.shape[1]), A_eq=matrix, b_eq=value, method="highs").status == 0:
        return matrix
    return _matrix(counts, _finest(counts, others=True)[0])


def _matrix(counts: Sequence[Count], levels: Mapping[str, list[str]]) -> Any:
    """Counts x finest cells: 1 where the cell is counted."""
    dims = list(levels)
    cells = list(product(*(levels[dim] for dim in dims)))
    place = {dim: i for i, dim in enumerate(dims)}
    codes = np.array([[levels[dim].index(cell[i]) for i, dim in enumerate(dims)] for cell in cells])
    rows = []
    for count in counts:
        inside = np.ones(len(cells), dtype=bool)
        for dim, level in count.where:
            inside &= codes[:, place[dim]] == levels[dim].index(level)
        rows.append(inside)
    return csr_array(np.array(rows, dtype=float))


def _protect(tables: Mapping[str, Table], threshold: int, fixed: frozenset[str], hidden: set[Spot]) -> set[Spot]:
    """Every spot of these tables that must be hidden, given those that are."""
    counts = counts_of(tables)
    matrix = _classified(counts)
    value = np.array([count.value for count in counts], dtype=float)
    small = (value > 0) & (value <= threshold)
    stuck = np.array(
        [any(name in fixed and (name, row, c) not in hidden for name, row, c in count.spots) for count in counts]
    )
    gone = (np.array([any(spot in hidden for spot in count.spots) for count in counts]) | small) & ~stuck
    queue = [int(i) for i in np.flatnonzero(small)]
    while queue:
        target = queue[0]
        if not stuck[target] and _ceiling(matrix, value, gone, target) > threshold:
            queue.pop(0)
            continue
        held = _binding(matrix, value, gone, target)
        blockers = [i for i in held if not stuck[i] and not stuck[target]]
        if not blockers:
            raise DisclosureError(
                f"table {counts[target].spots[0][0]!r}: a count of {threshold} or fewer people follows from what is "
                "published. Merge its groups."
            )
        gone[min(blockers, key=lambda i: (value[i], i))] = True
    return {spot for count, out in zip(counts, gone, strict=True) if out for spot in count.spots}


def _ceiling(matrix: Any, value: np.ndarray, gone: np.ndarray, target: int) -> float:
    """The largest whole number that the hidden count could be, as far as a reader can tell."""
    goal = -matrix[[target]].toarray()[0]
    low, high = np.where(gone, 1.0, value), np.where(gone, np.inf, value)
    ceiling = value.sum() + 1000.0  # more than anyone could be: keeps the program bounded
    found = milp(
        goal,
        integrality=np.ones(len(goal)),
        bounds=Bounds(0, ceiling),
        constraints=LinearConstraint(matrix, low, high),
    )
    if not found.success:
        raise DisclosureError(f"the disclosure attack could not be solved ({found.message}); publish fewer cells.")
    return round(-float(found.fun))


def _binding(matrix: Any, value: np.ndarray, gone: np.ndarray, target: int) -> list[int]:
    """The shown counts that hold the hidden one down, by the dual of the linear program."""
    shown = np.flatnonzero(~gone)
    goal = -matrix[[target]].toarray()[0]
    found = linprog(
        goal, A_ub=-matrix[np.flatnonzero(gone)], b_ub=-np.ones(int(gone.sum())), A_eq=matrix[shown], b_eq=value[shown],
        method="highs",
    )  # fmt: skip
    if found.status == 0:
        held = shown[np.abs(found.eqlin.marginals) > 1e-9]
        if len(held := held[value[held] > 0]):
            return [int(i) for i in held]
    return [int(i) for i in shown if value[i] > 0]


def _apply(table: Table, name: str, hidden: set[Spot], threshold: int) -> Table:
    mask = np.zeros(table.frame.shape, dtype=bool)
    for which, row, column in hidden:
        if which == name:
            mask[row, table.frame.columns.get_loc(column)] = True
    if not mask.any():
        return table
    spread(table.frame, mask, table.shares)
    return hide(table, mask, why_hidden(threshold))
