"""Which cells of a table must be hidden, so that no small count of people is shown or can be worked out?"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Cell: TypeAlias = tuple[int, str]  # row position, column

NOT_PEOPLE = frozenset(
    {"n_units", "n_hospitals", "n_items", "n_factors", "n_boot", "n_characteristics", "n_options", "n_levels", "n_sims"}
)
"""Columns that count things which no guard needs to hide."""

_PEOPLE = re.compile(r"^(n|n_\w+|\w+_n|count|counts|\w+_count|excluded|remaining|events|staff|patients|stays|raters)$")
_PERCENT = re.compile(r"(percent|pct|share|rate|proportion|%)", re.IGNORECASE)
NESTED = (("n_raters", "n_roster"), ("n_complete", "n_roster"), ("n_events", "n_patients"), ("n_without", "n"))
"""Column pairs whose difference counts people as well."""


@dataclass(frozen=True, slots=True)
class Relation:
    """Cells whose counts add up to `total`; `cell` is where the total stands, None when it is known from elsewhere."""

    parts: tuple[Cell, ...]
    cell: Cell | None
    total: float


def people_columns(frame: pd.DataFrame, declared: Sequence[str] = ()) -> list[str]:
    """The columns that count people: those declared, and whole numbers under a name that says so."""
    found = []
    for column in map(str, frame.columns):
        named = _PEOPLE.match(column) and column not in NOT_PEOPLE
        if column in declared or (named and _whole(frame[column])):
            found.append(column)
    return found


def small(count: float, threshold: int) -> bool:
    """Whether a count is one that may not be shown: 1 up to the threshold."""
    return 0 < count <= threshold


def hidden_cells(
    frame: pd.DataFrame,
    counts: Sequence[str],
    threshold: int = 10,
    shares: Mapping[str, tuple[str, str]] | None = None,
    known: Sequence[float] = (),
) -> NDArray[np.bool_]:
    """Primary and complementary suppression of one table.

    Parameters
    ----------
    frame : DataFrame, rows x columns
    counts : sequence of str
        Columns that count people.
    threshold : int
        The largest count that may not be shown.
    shares : mapping of column to (numerator, denominator)
        Percentages (0 to 100) with the count columns behind them; "" where one is not in the table.
    known : sequence of float
        Totals that a reader knows from elsewhere (the number analysed): blocks may add up to them, and a count
        that falls short of one by few people gives those away.

    Returns
    -------
    array of bool, rows x columns
        True where the cell is hidden: every small count, then as few others (the smallest) as it takes that no
        hidden count follows from a sum, and whatever is a ratio of them.

    References
    ----------
    Hundepool et al. (2012), Statistical Disclosure Control, Wiley, chapter 4. doi:10.1002/9781118348239
    """
    values = frame[list(counts)].apply(pd.to_numeric, errors="coerce").to_numpy(float, na_value=np.nan)
    place = {column: i for i, column in enumerate(counts)}
    mask = (values > 0) & (values <= threshold)
    pairs = [(a, b) for a, b in (*NESTED, *(shares or {}).values()) if a in place and b in place]
    for part, whole in pairs:
        rest = values[:, place[whole]] - values[:, place[part]]
        mask[:, place[part]] |= (rest > 0) & (rest <= threshold)
    for total in known:
        mask |= (total - values > 0) & (total - values <= threshold)
    relations = additive(frame, values, counts, known)
    complete(values, mask, relations, place, threshold)
    full = np.zeros(frame.shape, dtype=bool)
    for column, i in place.items():
        full[:, frame.columns.get_loc(column)] = mask[:, i]
    _alone(frame, full, values, place, shares or {}, threshold)
    spread(frame, full, shares or {}, counts)
    return full


def complete(
    values: NDArray[np.float64],
    mask: NDArray[np.bool_],
    relations: Sequence[Relation],
    place: Mapping[str, int],
    threshold: int,
) -> None:
    """Hide more cells (in place) until every relation leaves each hidden count more room than the threshold."""
    changed = True
    while changed:
        changed = False
        for relation in relations:
            cells = [*relation.parts, *([relation.cell] if relation.cell else [])]
            spots = [(row, place[column]) for row, column in cells]
            hidden = [spot for spot in spots if mask[spot]]
            if not hidden or not _tight(values, spots, hidden, relation, mask, threshold):
                continue
            open_spots = [s for s in spots if not mask[s] and values[s] > 0]
            if open_spots:
                mask[min(open_spots, key=lambda s: (values[s], s))] = True
                changed = True


def _tight(
    values: NDArray[np.float64],
    spots: Sequence[tuple[int, int]],
    hidden: Sequence[tuple[int, int]],
    relation: Relation,
    mask: NDArray[np.bool_],
    threshold: int,
) -> bool:
    if len(hidden) == 1:
        return True
    if relation.cell is not None and mask[spots[-1]]:
        return False  # the total is hidden as well: the parts have no ceiling
    room = sum(values[spot] for spot in hidden) - (len(hidden) - 1)
    return bool(room <= threshold)


def additive(
    frame: pd.DataFrame, values: NDArray[np.float64], counts: Sequence[str], known: Sequence[float] = ()
) -> list[Relation]:
    """Where the columns add up: rows that are sums of others, columns that are, and totals known elsewhere."""
    relations = []
    for rows in _blocks(frame, counts):
        for i, column in enumerate(counts):
            cells = [(row, column) for row in rows]
            inside = values[rows, i]
            total = np.nansum(inside)
            for at, row in enumerate(rows):
                if len(rows) > 2 and inside[at] > 0 and _equal(inside[at], total - inside[at]):
                    relations.append(Relation(tuple(cells[:at] + cells[at + 1 :]), (row, column), float(inside[at])))
            if len(rows) > 1 and any(np.isclose(total, known)):
                relations.append(Relation(tuple(cells), None, float(total)))
    blocks = _blocks(frame, counts)
    inner = blocks[1:] or blocks
    gaps = [relation for rows in inner for relation in _differences(values, rows, counts)]
    return [*relations, *gaps, *_across(values, counts)]


def _differences(
    values: NDArray[np.float64], rows: Sequence[int], counts: Sequence[str], most: int = 15
) -> list[Relation]:
    """Rows that are the sum of two others, as in a flow (received = left out + kept), in blocks of few rows."""
    if len(rows) > most:
        return []
    return [
        Relation(((a, column), (b, column)), (whole, column), float(values[whole, i]))
        for i, column in enumerate(counts)
        for whole in rows
        for a, b in combinations([row for row in rows if row != whole], 2)
        if min(values[a, i], values[b, i]) > 0 and _equal(values[a, i] + values[b, i], values[whole, i])
    ]


def _equal(a: float, b: float) -> bool:
    """Whether two counts are the same but for the last digits (numpy's isclose, for single numbers, is slow)."""
    return bool(abs(a - b) <= 1e-8 + 1e-5 * abs(b))


def _blocks(frame: pd.DataFrame, counts: Sequence[str]) -> list[list[int]]:
    """All rows together, and the rows of each value of a label column that repeats (variable, level)."""
    blocks = [list(range(len(frame)))]
    for column in frame.columns:
        if column in counts or not pd.api.types.is_string_dtype(frame[column]):
            continue
        sizes = frame.groupby(column, sort=False, dropna=False).indices
        if 1 < len(sizes) < len(frame):
            blocks += [sorted(map(int, rows)) for rows in sizes.values() if len(rows) > 1]
    return blocks


def _across(values: NDArray[np.float64], counts: Sequence[str]) -> list[Relation]:
    """Columns that are, in every row, the sum of two or more others; and rows that all add up to the same number."""
    found: list[Relation] = []
    sums = values.sum(axis=1)
    if len(sums) > 1 and len(counts) > 1 and np.isfinite(sums).all() and np.ptp(sums) == 0:
        found += [Relation(tuple((row, c) for c in counts), None, float(sums[row])) for row in range(len(values))]
    for target in range(len(counts)):
        others = [i for i in range(len(counts)) if i != target]
        for size in range(2, min(len(others), 5) + 1):
            for some in combinations(others, size):
                if np.nansum(values[:, target]) > 0 and np.allclose(values[:, some].sum(axis=1), values[:, target]):
                    found += [
                        Relation(
                            tuple((row, counts[i]) for i in some), (row, counts[target]), float(values[row, target])
                        )
                        for row in range(len(values))
                    ]
    return found


def spread(
    frame: pd.DataFrame, mask: NDArray[np.bool_], shares: Mapping[str, tuple[str, str]], counts: Sequence[str] = ()
) -> None:
    """Hide (in place) the percentages that would give a hidden count of their row away."""
    known = {*shares, *counts}
    bare = np.array([_PERCENT.search(str(column)) is not None and column not in known for column in frame.columns])
    mask[np.ix_(mask.any(axis=1), bare)] = True
    for column, (part, _) in shares.items():
        if part in frame.columns:
            mask[:, frame.columns.get_loc(column)] |= mask[:, frame.columns.get_loc(part)]


def _alone(
    frame: pd.DataFrame,
    full: NDArray[np.bool_],
    values: NDArray[np.float64],
    place: Mapping[str, int],
    shares: Mapping[str, tuple[str, str]],
    threshold: int,
) -> None:
    """Hide (in place) percentages whose count is not in the table but follows from the denominator.

    So does the count between two percentages of one denominator (partial answers between RR1 and RR2). Nobody and
    everybody are hidden like few and nearly all: a figure that joins few with none would else tell them apart.
    """
    seen: dict[str, list[NDArray[np.float64]]] = {}
    for column, (part, whole) in shares.items():
        if part in place or whole not in place:
            continue
        share = pd.to_numeric(frame[column], errors="coerce").to_numpy(float)
        base = values[:, place[whole]]
        count = np.round(share / 100 * base)
        for other in (np.zeros_like(base), base):
            full[:, frame.columns.get_loc(column)] |= np.abs(count - other) <= threshold
        for other in seen.get(whole, []):
            gap = np.abs(count - other)
            full[:, frame.columns.get_loc(column)] |= (gap > 0) & (gap <= threshold)
        seen.setdefault(whole, []).append(count)


def _whole(column: pd.Series) -> bool:
    if not pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
        return False
    numbers = column.dropna().to_numpy(float)
    return len(numbers) > 0 and bool((numbers == np.round(numbers)).all())
