"""What follows from everything published together? The tables of all notebooks, guarded and attacked as one."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

from microresearch.errors import DisclosureError
from microresearch.study.keeping import read_kept, write_kept

if TYPE_CHECKING:
    from microresearch.report.tables import Table

EXACT, SHOWN = "exact", "published"
"""Folders under kept tables: counts as they are, private; and tables as they are shown."""


def guard_beside(
    name: str, table: "Table", earlier: Mapping[Path, Sequence[Mapping[str, Any]]], threshold: int
) -> "Table":
    """A table with more hidden wherever a small count would follow from it and earlier tables of the same people.

    Parameters
    ----------
    name, table
    earlier : mapping of a folder of kept tables to what is published beside this one, with those in it
    threshold : int

    Raises
    ------
    DisclosureError
        What is published already gives a count away; the message names the table.
    """
    from microresearch.report.audit import guard_together

    if not table.of:
        return table
    exact, shown = tables_of(earlier)
    exact = {one: other for one, other in exact.items() if other.of == table.of}
    return guard_together({**exact, name: table}, threshold, out={one: shown[one] for one in exact})[name]


def remember(folder: Path, name: str, exact: "Table", shown: "Table") -> None:
    """Keep a table as it is shown, and its exact counts beside it for the tables that come after."""
    write_kept(folder / SHOWN, name, shown)
    if exact.of:
        write_kept(folder / EXACT, name, exact)


def tables_of(where: Mapping[Path, Sequence[Mapping[str, Any]]]) -> tuple[dict[str, "Table"], dict[str, "Table"]]:
    """Of these things those that say whom they count: exact, and as shown; a number as a table of one cell."""
    exact: dict[str, Table] = {}
    shown: dict[str, Table] = {}
    for folder, entries in where.items():
        for entry in entries:
            name = str(entry["name"])
            if "count" in entry:
                exact[name] = shown[name] = _one_cell(name, entry["count"])
            elif entry["kind"] == "table" and (folder / EXACT / f"{name}.json").is_file():
                exact[name], shown[name] = read_kept(folder / EXACT, name), read_kept(folder / SHOWN, name)
    return exact, shown


def _one_cell(name: str, count: Mapping[str, Any]) -> "Table":
    import pandas as pd

    from microresearch.report.tables import Table

    frame = pd.DataFrame({"number": [name], "n": [round(count["value"])]})
    return Table(frame, name, of=count["of"], whom={"n": (count["where"],)})


def attack_all(processed: Path, entries: Sequence[Mapping[str, Any]], threshold: int) -> None:
    """Try to work out a small count from all that a run publishes, and stop it where one follows.

    Raises
    ------
    DisclosureError
        A count of 1 to `threshold` people follows; the message names the table or the numbers.
    """
    from microresearch.report.audit import guard_together

    exact, shown = tables_of({processed: entries})
    guard_together(exact, threshold, out=shown)
    totals = [(f"table {name!r}", table.of, total) for name, table in shown.items() for total in totals_of(table)]
    for entry in entries:
        totals += [(f"{entry['kind']} {entry['name']!r}", of, value) for of, value in entry.get("totals", [])]
    for (one, of, a), (two, other, b) in combinations(totals, 2):
        if of == other and 0 < abs(a - b) <= threshold:
            raise DisclosureError(
                f"{one} and {two}: their totals of {of} differ by {threshold} or fewer people, whom the difference "
                "gives away. Round one of them, or leave it out."
            )


def totals_of(table: "Table") -> list[float]:
    """The counts of a table that are of all its people."""
    return [
        float(value)
        for column, people in table.people().items()
        for who, value in zip(people, table.number_of(column), strict=True)
        if who == {} and value is not None
    ]
