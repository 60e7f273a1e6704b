"""May this be shown? The guard that every figure, table and number passes before it is published."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import overload

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from microresearch.errors import DisclosureError
from microresearch.report.numbers import Number
from microresearch.report.style import StudyFigure
from microresearch.report.suppression import hidden_cells, people_columns, small
from microresearch.report.tables import HIDDEN, Table
from microresearch.responses import Ledger


@overload
def guard(
    thing: Table, threshold: int = 10, *, minimum: int = 0, known: Sequence[float] = (), name: str = ""
) -> Table: ...
@overload
def guard(
    thing: Number, threshold: int = 10, *, minimum: int = 0, known: Sequence[float] = (), name: str = ""
) -> Number: ...
@overload
def guard(
    thing: StudyFigure, threshold: int = 10, *, minimum: int = 0, known: Sequence[float] = (), name: str = ""
) -> StudyFigure: ...


def guard(
    thing: StudyFigure | Table | Number,
    threshold: int = 10,
    *,
    minimum: int = 0,
    known: Sequence[float] = (),
    name: str = "",
) -> StudyFigure | Table | Number:
    """The same thing with nothing in it that shows or gives away a small count of people.

    Parameters
    ----------
    thing : StudyFigure, Table or Number
    threshold : int
        The largest count of people that may not be shown; 0 may.
    minimum : int
        Raters that a unit needs for its results to be shown (tables that name their `staff` column).
    known : sequence of float
        Totals that a reader knows from elsewhere, such as the number analysed.
    name : str
        What the message calls the thing; its title when empty.

    Returns
    -------
    StudyFigure, Table or Number
        A table has small counts, whatever they follow from, and their percentages replaced by "hidden", and a note
        that says so; a number has its value taken away; a figure comes back as it is.

    Raises
    ------
    DisclosureError
        A figure already shows a small count, a table would have nothing left, or the thing is of another kind.

    Examples
    --------
    >>> table = Table(pd.DataFrame({"role": ["nurse", "physician", "support"], "n": [120, 60, 4]}), "Staff")
    >>> guard(table).frame["n"].tolist()
    [120, 60, 'hidden']
    >>> guard(table, known=[184]).frame["n"].tolist()
    [120, 'hidden', 'hidden']
    >>> guard(Number(7, "staff", count=True)).phrase
    '10 or fewer staff'
    """
    if isinstance(thing, Number):
        return _number(thing, threshold)
    if isinstance(thing, Table):
        return _table(thing, threshold, minimum, known, name or thing.title)
    if isinstance(thing, StudyFigure):
        return _figure(thing, threshold, name or thing.title)
    raise DisclosureError(
        f"{name or 'this'} is a {type(thing).__name__}; only a StudyFigure, a Table or a Number can be published. "
        "Wrap a DataFrame in a Table, and say which of its columns count people."
    )


def guard_numbers(
    numbers: Mapping[str, Number], threshold: int = 10, earlier: Sequence[tuple[str, float]] = ()
) -> dict[str, Number]:
    """Guard numbers that are published together: also the difference of two counts may not be small.

    Parameters
    ----------
    numbers : mapping of name to Number
        Earlier ones keep their value where a difference would give a small count away.
    threshold : int
    earlier : sequence of (whom, count)
        Counts of all of them that figures, tables and numbers published before: a number of the same people gives way.

    Examples
    --------
    >>> given = {"received": Number(400, "responses", count=True), "analysed": Number(396, "responses", count=True)}
    >>> [number.phrase for number in guard_numbers(given).values()]
    ['400 responses', 'not shown, to protect few people']
    """
    shown: dict[str, Number] = {}
    for name, number in numbers.items():
        one = guard(number, threshold, name=name)
        others = [n.value for n in shown.values() if n.count and isinstance(n.value, (int, float))]
        others += [value for of, value in earlier if of == number.of]
        if (
            one.count
            and isinstance(one.value, (int, float))
            and any(small(abs(one.value - o), threshold) for o in others)
        ):
            one = replace(one, value=None, low=None, high=None, text="not shown, to protect few people")
        shown[name] = one
    return shown


def why_hidden(threshold: int) -> str:
    """The note of a table in which something is hidden."""
    return f"{HIDDEN}: a count of {threshold} or fewer people, or a cell from which one could be worked out."


def _number(number: Number, threshold: int) -> Number:
    few = f"{threshold} or fewer"
    if number.n is not None and small(number.n, threshold):
        number = replace(number, n=None)
    if number.count and isinstance(number.value, (int, float)) and small(number.value, threshold):
        return replace(number, value=None, low=None, high=None, text=f"{few} {number.unit}".strip())
    return number


def _table(table: Table, threshold: int, minimum: int, known: Sequence[float], name: str) -> Table:
    frame = table.frame
    counts = people_columns(frame, table.counts)
    mask = hidden_cells(frame, counts, threshold, table.shares, known)
    note = why_hidden(threshold)
    if table.staff and minimum:
        few = pd.to_numeric(frame[table.staff], errors="coerce").to_numpy(float) < minimum
        shown = np.array([pd.api.types.is_numeric_dtype(frame[column]) for column in frame.columns])
        mask |= few[:, None] & shown[None, :]
        note += f" Rows with fewer than {minimum} raters are hidden whole."
    if not mask.any():
        return table
    numeric = np.array([pd.api.types.is_numeric_dtype(frame[column]) for column in frame.columns])
    if len(frame) > 1 and mask[:, numeric].all():
        raise DisclosureError(
            f"table {name!r} would have every number hidden (counts of {threshold} or fewer people). "
            "Merge its rows into larger groups."
        )
    return hide(table, mask, note)


def hide(table: Table, mask: NDArray[np.bool_], note: str) -> Table:
    """The table with the masked cells (rows x columns) replaced by "hidden", and a note that says why."""
    frame = table.frame
    columns = {
        column: frame[column].astype(object).where(~mask[:, i], HIDDEN) if mask[:, i].any() else frame[column]
        for i, column in enumerate(frame.columns)
    }
    notes = table.notes if note in table.notes else (*table.notes, note)
    return replace(table, frame=pd.DataFrame(columns, index=frame.index), notes=notes)


def _figure(figure: StudyFigure, threshold: int, name: str) -> StudyFigure:
    for column in people_columns(figure.data, figure.counts):
        values = pd.to_numeric(figure.data[column], errors="coerce").to_numpy(float)
        if ((values > 0) & (values <= threshold)).any():
            raise DisclosureError(
                f"figure {name!r} shows counts of {threshold} or fewer people in {column!r}. Merge small groups before "
                "drawing (a ledger: public_flow), or leave the column out of the figure's data."
            )
    return figure


def public_flow(ledger: Ledger | pd.DataFrame, threshold: int = 10) -> pd.DataFrame:
    """The flow of exclusions as it may be published: small steps merged into "Other exclusions".

    Parameters
    ----------
    ledger : Ledger or DataFrame
        The exact ledger, or its frame with columns reason, excluded, remaining.
    threshold : int
        The largest count that may not be shown.

    Returns
    -------
    DataFrame
        Columns reason, excluded, remaining; the first row is the start. Steps of 1 to `threshold` are merged, with
        the smallest larger step where their sum alone would still be small, and stand last. Where even all
        exclusions together are few, `excluded` and the start's `remaining` are missing: not shown.

    Raises
    ------
    DisclosureError
        So few remain that the number analysed itself may not be shown.

    Examples
    --------
    >>> frame = pd.DataFrame({"reason": ["Previews", "No consent", "Speeders"], "excluded": [25, 4, 9],
    ...                       "remaining": [375, 371, 362]})
    >>> public_flow(frame)
                                        reason  excluded  remaining
    0                                    start         0        400
    1                                 Previews        25        375
    2  Other exclusions (no consent; speeders)        13        362
    """
    frame = ledger.to_frame() if isinstance(ledger, Ledger) else ledger
    steps = [(str(reason), int(n)) for reason, n in zip(frame["reason"], frame["excluded"], strict=True)]
    gone = sum(n for _, n in steps)
    start = ledger.start if isinstance(ledger, Ledger) else int(frame["remaining"].iloc[-1]) + gone
    if small(start - gone, threshold):
        raise DisclosureError(f"the flow of participants: {threshold} or fewer remain, which may not be shown.")
    merged, shown = _merge(steps, threshold)
    total = sum(n for _, n in merged)
    rows: list[tuple[str, object, object]] = [("start", 0, start)]
    for reason, n in shown:
        start -= n
        rows.append((reason, n, start))
    if merged:
        named = (
            f"Other exclusions ({'; '.join(_lower(reason) for reason, _ in merged)})"
            if len(merged) > 1
            else merged[0][0]
        )
        few = small(total, threshold)
        if few:
            rows = [(reason, n, pd.NA) for reason, n, _ in rows]
        rows.append((named, pd.NA if few else total, start - total))
    public = pd.DataFrame(rows, columns=["reason", "excluded", "remaining"])
    return public.astype({"excluded": "Int64", "remaining": "Int64"})


def _merge(steps: list[tuple[str, int]], threshold: int) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
    """Steps to merge, and steps to show, each in the ledger's order."""
    inside = {i for i, (_, n) in enumerate(steps) if small(n, threshold)}
    others = sorted((i for i, (_, n) in enumerate(steps) if n > threshold), key=lambda i: (steps[i][1], i))
    while inside and others and sum(steps[i][1] for i in inside) - (len(inside) - 1) <= threshold:
        inside.add(others.pop(0))
    if len(inside) == 1 and others:
        inside.add(others.pop(0))
    return [steps[i] for i in sorted(inside)], [step for i, step in enumerate(steps) if i not in inside]


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:] if text[1:2].islower() or text[1:2] == " " else text
