"""Does a table fit the width of a page? Its columns in letters, and the parts in which a wide one reads well."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from microresearch.report.tables import Table

PAGE = 100
"""Letters of small print that a portrait page of text holds in one line."""

WRAP, NARROW = 38, 24
"""Letters at which the text of a cell is broken into lines; and where a table would else not fit."""


def letters(table: "Table", wrap: int = WRAP) -> list[int]:
    """The width of each column in letters: of its longest cell or word of the header, at most `wrap`, and a gap.

    Examples
    --------
    >>> import pandas as pd
    >>> from microresearch.report.tables import Table
    >>> letters(Table(pd.DataFrame({"scale": ["Leadership"], "alpha": [0.9]}), "Reliability"))
    [12, 8]
    """
    columns = zip(table.headers, *table.cells(), strict=True) if len(table.frame) else zip(table.headers, strict=True)
    return [
        min(max([*map(len, cells), *(len(word) + 1 for word in header.split())], default=1), wrap) + 2
        for header, *cells in columns
    ]


def fitting(table: "Table", page: int = PAGE) -> list[int]:
    """The widths of the columns in letters, long texts in narrower columns where the table is else too wide."""
    wide = letters(table)
    return wide if sum(wide) <= page else letters(table, NARROW)


def parts(table: "Table", page: int = PAGE) -> "list[Table]":
    """The table, or where it is wider than a page the parts that are not, each beginning with the first column.

    Examples
    --------
    >>> import pandas as pd
    >>> from microresearch.report.tables import Table
    >>> wide = Table(pd.DataFrame({"scale": ["Leadership"], "alpha": [0.9], "omega": [0.9]}), "Reliability")
    >>> [(part.title, list(part.frame)) for part in parts(wide, page=20)]
    [('Reliability (part 1 of 2)', ['scale', 'alpha']), ('Reliability (part 2 of 2)', ['scale', 'omega'])]
    """
    wide = fitting(table, page)
    if sum(wide) <= page or len(wide) < 3:
        return [table]
    blocks: list[list[int]] = [[]]
    for place in range(1, len(wide)):
        if blocks[-1] and wide[0] + sum(wide[i] for i in blocks[-1]) + wide[place] > page:
            blocks.append([])
        blocks[-1].append(place)
    many = len(blocks)
    return [
        _part(table, [0, *block], f" (part {i} of {many})" if many > 1 else "", i == many)
        for i, block in enumerate(blocks, 1)
    ]


def _part(table: "Table", places: Sequence[int], said: str, last: bool) -> "Table":
    names = [str(table.frame.columns[place]) for place in places]

    def kept(some: Sequence[str]) -> tuple[str, ...]:
        return tuple(name for name in some if name in names)

    return replace(
        table, frame=table.frame[names], title=f"{table.title}{said}", counts=kept(table.counts),
        bounded=kept(table.bounded), decimals={k: v for k, v in table.decimals.items() if k in names},
        labels={k: v for k, v in table.labels.items() if k in names}, shares={}, where={}, whom={}, by=(), of="",
        notes=table.notes if last else (), staff=table.staff if table.staff in names else "",
    )  # fmt: skip
