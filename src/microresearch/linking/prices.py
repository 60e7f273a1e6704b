"""What would a line cost in the prices of one year? Price levels by year."""

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb

from microresearch.errors import DataError, Problem, SpecError
from microresearch.linking.sources import View, first_bad, quoted

YEAR = "year"
"""The column of the finance extract that says of which year a line's prices are."""


@dataclass(frozen=True, slots=True)
class Prices:
    """Price levels by year, and the year whose prices are wanted."""

    index: Mapping[int, float]
    year: int

    @classmethod
    def of(cls, index: Mapping[int, float] | None, year: int | None) -> "Prices | None":
        """Checked; None where no index is given.

        Raises
        ------
        SpecError
            No price year, one that the index lacks, or a level that is not above zero.
        """
        if index is None:
            return None
        if year is None or year not in index:
            allowed = ", ".join(map(str, sorted(index)))
            raise SpecError(
                Problem("the price index needs a price year that is in it", column="price_year", allowed=allowed)
            )
        if wrong := [str(y) for y, level in index.items() if not 0 < level < float("inf")]:
            raise SpecError(Problem(f"price levels of {', '.join(wrong)} are not above zero", column="price_index"))
        return cls(index, year)

    def factor(self, connection: duckdb.DuckDBPyConnection, lines: View) -> str:
        """SQL of what a line is multiplied by; DataError where a line's year has no level."""
        text = lines.text(YEAR)
        listed = ", ".join(f"'{y}'" for y in self.index)
        count, row = first_bad(connection, lines, f"{text} IS NULL OR {text} NOT IN ({listed})")
        if count:
            allowed = ", ".join(map(str, sorted(self.index)))
            raise DataError(
                Problem(f"{count} lines are of a year without a price level", lines.file, row, YEAR, allowed=allowed)
            )
        text = text.replace(quoted(YEAR), f"finance.{quoted(YEAR)}")
        steps = " ".join(f"WHEN '{y}' THEN {self.index[self.year] / level:.17e}" for y, level in self.index.items())
        return f"CASE {text} {steps} END"
