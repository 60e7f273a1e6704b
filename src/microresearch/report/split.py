"""Does a table fit the width of a page? Its columns in letters, and the parts in which a wide one reads well."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from microresearch.report.tables import Table

PAGE = 100
"""Letters of small print that a portrait page of text holds in one line."""

READABLE, TIGHT = 42, 17
"""Letters that a column of text keeps, its lines broken: in a table of several parts, and where it spares a part."""


def letters(table: "Table") -> list[int]:
    """The width of each column in letters: of its longest cell or word of the header, and a gap.

    Examples
    --------
    >>> import pandas as pd
    >>> from microresearch.report.tables import Table
    >>> letters(Table(pd.DataFrame({"scale": ["Leadership"], "alpha": [0.9]}), "Reliability"))
    [12, 8]
    """
    return [longest + 2 for longest, _ in _needs(table)]


def _needs(table: "Table") -> list[tuple[int, int]]:
    """Of each column the letters of its longest cell, and those below which it cannot be broken into lines."""
    columns = zip(table.headers, *table.cells(), strict=True) if len(table.frame) else zip(table.headers, strict=True)
    found = []
    for name, (header, *cells) in zip(table.frame.columns, columns, strict=True):
        head = max((len(word) + 1 for word in header.split()), default=1)
        longest = max([head, *map(len, cells)])
        words = longest if table.numeric(name) else max([head, *(len(word) for cell in cells for word in cell.split())])
        found.append((longest, words))
    return found


def fitting(table: "Table", page: int = PAGE) -> list[int]:
    """The widths of the columns in letters: as wide as their texts, or the longest broken so that the page is full."""
    needs = _needs(table)
    return next((wide for most in range(page, TIGHT, -1) if sum(wide := _broken(needs, most)) <= page),
                _broken(needs, TIGHT))  # fmt: skip


def _broken(needs: Sequence[tuple[int, int]], most: int) -> list[int]:
    """The columns' widths when lines longer than `most` letters are broken."""
    return [min(longest, max(most, words)) + 2 for longest, words in needs]


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
    wide = _broken(_needs(table), READABLE)
    many = len(_blocks(wide, page))
    blocks = next(found for line in range(1, page + 1) if len(found := _blocks(wide, line)) == many)  # alike in width
    return [
        _part(table, [0, *block], f" (part {i} of {many})" if many > 1 else "", i == many)
        for i, block in enumerate(blocks, 1)
    ]


def _blocks(wide: Sequence[int], page: int) -> list[list[int]]:
    """The columns after the first in the fewest blocks that fit a page beside it, in order."""
    blocks: list[list[int]] = [[]]
    for place in range(1, len(wide)):
        if blocks[-1] and wide[0] + sum(wide[i] for i in blocks[-1]) + wide[place] > page:
            blocks.append([])
        blocks[-1].append(place)
    return blocks


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
