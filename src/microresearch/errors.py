"""What can go wrong, said once: one small tree of errors that name the place, what is allowed and the mend."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, and where.

    `row` counts as a spreadsheet does (the file's first line is row 1). `value` is given only where a column's options
    are closed (an answer, a role, a setting): free text and identifiers never reach a message.
    """

    what: str
    file: str = ""
    row: int | None = None
    column: str = ""
    value: str | None = None
    allowed: str = ""
    mend: str = ""

    def __str__(self) -> str:
        place = ", ".join(
            part
            for part in (
                self.file,
                f"row {self.row}" if self.row is not None else "",
                f"column {self.column}" if self.column else "",
            )
            if part
        )
        said = f"{place}: {self.what}" if place else self.what
        if self.value is not None:
            said += f" (got {self.value!r})"
        if self.allowed:
            said += f". Allowed: {self.allowed}"
        if self.mend:
            said += f". To mend: {self.mend}"
        return said if said.endswith((".", "?", "!")) else said + "."


class MicroresearchError(Exception):
    """Base of every error that the library raises on purpose; `problems` lists all that was found at once."""

    def __init__(self, what: str | Problem | Sequence[Problem]) -> None:
        if isinstance(what, str):
            what = Problem(what)
        self.problems: tuple[Problem, ...] = (what,) if isinstance(what, Problem) else tuple(what)
        super().__init__(what)

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


class DataError(MicroresearchError):
    """A data file, or data handed to a function, cannot be used as it is."""


class SpecError(MicroresearchError):
    """A study file, an instrument file or a model says something that cannot be meant."""


class ConvergenceError(MicroresearchError):
    """An estimate was not reached: the message says which check failed."""


class DisclosureError(MicroresearchError):
    """Publishing would show a small count or a name; nothing was written."""
