"""What does a survey export hold, whatever program wrote it? Cells as text, their rows, and what the file says."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from microresearch.errors import DataError, Problem
from microresearch.survey.problems import nearest, short

STANDARD = (
    "response", "person", "unit", "role", "wave", "started", "ended", "duration", "progress", "status", "consent",
)  # fmt: skip
"""The standard names that a study maps to columns of its export."""


@dataclass(frozen=True, slots=True, eq=False)
class Export:
    """One export as read, before any meaning is given to a cell.

    Attributes
    ----------
    file, format, said : str
        Name for messages, the format's name, and what was recognised in words.
    cells : DataFrame, responses x columns
        Text (str or categorical); "" is an empty cell. Column names are unique.
    rows : array, shape (n_responses,)
        Row of each response in the file as a spreadsheet shows it.
    texts : mapping
        Column -> question wording, where the format has one.
    labels : mapping
        Column -> code -> label, where the file (or its dictionary) has value labels.
    user_missing : mapping
        Column -> codes that the file declares missing by the user (SPSS); kept apart from empty cells.
    identifiers : frozenset
        Columns that this format is known to fill with direct identifiers.
    standard : mapping
        Standard name -> column, where the format itself fixes it.
    repeated : frozenset
        Header names that stand more than once in the file.
    record : str
        Column whose rows belong to one person's record, where a record may have several rows (REDCap).
    epoch : Timestamp, optional
        Day 0 of dates that are stored as serial numbers (Excel).
    """

    file: str
    format: str
    said: str
    cells: pd.DataFrame
    rows: NDArray[np.int64]
    texts: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    user_missing: Mapping[str, frozenset[str]] = field(default_factory=dict)
    identifiers: frozenset[str] = frozenset()
    standard: Mapping[str, str] = field(default_factory=dict)
    repeated: frozenset[str] = frozenset()
    record: str = ""
    epoch: pd.Timestamp | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def find(self, name: str) -> str | None:
        """The column of this name, else the only one that differs from it by case or surrounding space."""
        if name in self.cells.columns:
            return name
        like = [one for one in self.cells.columns if str(one).strip().casefold() == name.strip().casefold()]
        return like[0] if len(like) == 1 else None

    def absent(self, name: str, what: str) -> Problem:
        """The problem that no column has this name, with the nearest that there are."""
        near = nearest(name, [str(one) for one in self.cells.columns])
        mend = f"nearest column: {', '.join(short(one) for one in near)}" if near else "check the header row"
        return Problem(f"no column for {what}", self.file, column=name, mend=mend)

    def levels(self, column: str) -> tuple[NDArray[np.intp], list[str]]:
        """A column as codes into its distinct texts (each code is at least 0)."""
        series = self.cells[column]
        if isinstance(series.dtype, pd.CategoricalDtype):
            codes = np.asarray(series.cat.codes.to_numpy(), dtype=np.intp)
            texts = [str(one) for one in series.cat.categories.to_numpy(dtype=object).tolist()]
            return np.where(codes < 0, len(texts), codes), [*texts, ""]
        codes, uniques = pd.factorize(series.to_numpy(dtype=object), use_na_sentinel=False)
        return np.asarray(codes, dtype=np.intp), [one if isinstance(one, str) else "" for one in uniques.tolist()]

    def text(self, column: str) -> pd.Series:
        """A column as stripped text, one entry a response."""
        codes, texts = self.levels(column)
        return pd.Series(np.array([one.strip() for one in texts], dtype=object)[codes], dtype="str")

    def relabelled(self, labels: Mapping[str, Mapping[str, str]]) -> "Export":
        """The same with a study's own value labels in place of the file's, where it declares some."""
        return replace(self, labels={**self.labels, **labels}) if labels else self


def unique_names(header: list[str], file: str, row: int = 1) -> tuple[list[str], frozenset[str]]:
    """Header names made unique ("name", "name (2)"; an empty one after its place), and those that stood twice.

    Raises
    ------
    DataError
        The header is blank.
    """
    if not any(name.strip() for name in header):
        mend = "delete what stands above the header row"
        raise DataError(Problem("the header row is blank", file, row, mend=mend))
    seen: dict[str, int] = {}
    taken = {name.strip() for name in header}
    names: list[str] = []
    repeated: set[str] = set()
    for place, raw in enumerate(header, 1):
        base = raw.strip() or f"column {place}"
        count = seen[base] = seen.get(base, 0) + 1
        name = base
        if count > 1:
            repeated.add(base)
            while name in taken or name in names:
                name, count = f"{base} ({count})", count + 1
        names.append(name)
    return names, frozenset(repeated)
