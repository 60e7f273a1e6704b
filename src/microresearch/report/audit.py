"""What could a reader work out from all published tables together? The attack, and the cells that stop it."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from microresearch.errors import DisclosureError
from microresearch.report.disclosure import guard, hide, why_hidden
from microresearch.report.reader import Block, Count, Where, blocks, size
from microresearch.report.suppression import spread
from microresearch.report.tables import HIDDEN, Table

LIMIT = 50_000
"""Cells of a cross-classification up to which all tables of a population are attacked at once."""

Spot: TypeAlias = tuple[str, int, str]
"""A table's name, row position and column."""


def guard_together(
    exact: Mapping[str, Table], threshold: int = 10, *, out: Mapping[str, Table] | None = None
) -> dict[str, Table]:
    """Guard tables one by one, then hide more until no small count follows from any combination of them.

    Parameters
    ----------
    exact : mapping of name to Table
        With exact counts; those that say whom they count (`of`, and `by`, `where` or `whom`) are taken together.
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
    All counts of one population are sums over its cross-classification. A hidden count is safe when an integer program
    over that classification, given every count shown and that hidden counts are not 0 (zeros are shown), can still
    raise it above the threshold. Where it cannot, the smallest count that holds it down (by the dual of the linear
    program) is hidden as well. So are the people by whom one count exceeds another that lies within it, and counts
    that follow from a percentage of full precision.

    References
    ----------
    Fischetti & Salazar-González (2001), Management Science 47, 1008-1027. doi:10.1287/mnsc.47.7.1008.9805

    Examples
    --------
    >>> import pandas as pd
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
        for column, people in table.people().items():
            zero = column in table.shares and not table.shares[column][0]
            for row, (where, value) in enumerate(zip(people, table.number_of(column), strict=True)):
                if where is None or value is None:
                    continue
                here = frozenset(where.items())
                known = found.get(here)
                if known is not None and known.value != value:
                    raise DisclosureError(f"table {name!r} and {known.spots[0][0]!r} differ on the same people.")
                spots = (*(known.spots if known else ()), (name, row, str(column)))
                found[here] = Count(here, value, spots, zero=zero and (known is None or known.zero))
    return sorted(found.values(), key=lambda count: sorted(count.where))


def differences(counts: Sequence[Count], threshold: int) -> list[Count]:
    """Few people who are in one count and not in another that lies within it: no cell shows them, two cells do."""
    return [
        Count(inner.where, outer.value - inner.value, among=outer.where)
        for outer in counts
        for inner in counts
        if 0 < outer.value - inner.value <= threshold and outer.where < inner.where
    ]


def _groups(tables: Mapping[str, Table]) -> list[Mapping[str, Table]]:
    """All tables together, or every pair where the joint classification would be too large."""
    if size(counts_of(tables)) <= LIMIT:
        return [tables]
    names = list(tables)
    return [{a: tables[a], b: tables[b]} for i, a in enumerate(names) for b in names[i + 1 :]]


def _protect(tables: Mapping[str, Table], threshold: int, fixed: frozenset[str], hidden: set[Spot]) -> set[Spot]:
    """Every spot of these tables that must be hidden, given those that are."""
    counts = counts_of(tables)
    counts += differences(counts, threshold)
    stuck = np.array(
        [any(name in fixed and (name, row, c) not in hidden for name, row, c in count.spots) for count in counts]
    )
    few = np.array([0 < count.value <= threshold for count in counts])
    gone = (np.array([any(spot in hidden for spot in count.spots) for count in counts]) | few) & ~stuck
    gone |= np.array([count.among is not None for count in counts])
    late = np.array([bool(count.where) and any(name not in fixed for name, *_ in count.spots) for count in counts])
    for shown in (~gone, np.zeros(len(counts), dtype=bool)):
        parts, held = blocks(counts, shown)
        now = gone.copy()
        try:
            for part in parts:
                if not late.any() or late[part.members].any():
                    _close(part, counts, few, now, stuck | held, threshold)
        except DisclosureError:
            if not held.any():
                raise
        else:
            return {spot for count, out in zip(counts, now, strict=True) if out for spot in count.spots}
    return set()


def _close(
    part: Block,
    counts: Sequence[Count],
    few: NDArray[np.bool_],
    gone: NDArray[np.bool_],
    stuck: NDArray[np.bool_],
    threshold: int,
) -> None:
    """Hide more of a block (in `gone`) until none of its few people follow."""
    some = [counts[i] for i in part.members]
    value = np.array([count.value for count in some], dtype=float)
    least = np.array([0.0 if count.zero or count.among is not None else 1.0 for count in some])
    queue = [int(i) for i in np.flatnonzero(few[part.members])]
    while queue:
        target, out = queue[0], gone[part.members]
        low, high = np.where(out, least, value), np.where(out, np.inf, value)
        open_target = out[target]
        if open_target and part.extreme(low, high, target, -1) > threshold:
            queue.pop(0)
            continue
        if open_target and not least[target] and part.extreme(low, high, target, 1) == 0:
            queue.pop(0)
            continue
        held = part.binding(low, high, target) if open_target else []
        blockers = [i for i in held if not stuck[part.members[i]]]
        if not blockers:
            told = dict.fromkeys(repr(one.spots[0][0]) for one in (some[target], *(some[i] for i in held)) if one.spots)
            raise DisclosureError(
                f"table {', '.join(list(told)[:4])}: a count of {threshold} or fewer people follows from what is "
                "published. Merge its groups."
            )
        gone[part.members[min(blockers, key=lambda i: (value[i], i))]] = True


def _apply(table: Table, name: str, hidden: set[Spot], threshold: int) -> Table:
    mask = np.zeros(table.frame.shape, dtype=bool)
    for which, row, column in hidden:
        if which == name:
            mask[row, table.frame.columns.get_loc(column)] = True
    if not mask.any():
        return table
    spread(table.frame, mask, table.shares, table.counts)
    return hide(table, mask, why_hidden(threshold))
