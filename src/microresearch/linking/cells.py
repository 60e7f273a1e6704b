"""What is left of a hundred million stays? A row per unit and case-mix pattern, with the sums that models need."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import pandas as pd

from microresearch.errors import Problem, SpecError
from microresearch.linking.casemix import Stratum

Kind = Literal["continuous", "count", "binary", "cost", "rate"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One outcome: its name in results, the column that holds it, its declared kind ("" where none was declared).

    With `winsor` (such as 0.99) values above that quantile of all stays (the smallest value with at least so large a
    share at or below it) are set to it.
    """

    name: str
    column: str
    kind: Kind | Literal[""] = ""
    winsor: float | None = None


@dataclass(frozen=True, slots=True)
class Linkage:
    """Who was joined to what. Every stay and every cost line is used or stands here under one reason.

    Attributes
    ----------
    stays, stays_used : int
        Rows of the admissions extract, and those in cells.
    excluded : tuple of (reason, number)
        Stays that are in no cell.
    missing : tuple of (outcome, number)
        Stays in cells that lack an outcome: they count for the others.
    cost_lines, cost_lines_unlinked : int or None
        Lines of the finance extract, and those whose stay is not among the admissions; None without costs.
    amount_unlinked : float or None
        Sum of the unlinked lines, in the extract's currency, before any ratio.
    stays_without_lines : int or None
        Stays of the admissions without any cost line: their cost is missing, not zero.
    joined : tuple of (what, number)
        Rows of the extract and what the rules for stays made of them; empty where one row is one stay.
    """

    stays: int
    stays_used: int
    excluded: tuple[tuple[str, int], ...]
    missing: tuple[tuple[str, int], ...]
    cost_lines: int | None = None
    cost_lines_unlinked: int | None = None
    amount_unlinked: float | None = None
    stays_without_lines: int | None = None
    joined: tuple[tuple[str, int], ...] = ()

    def to_frame(self) -> pd.DataFrame:
        """Columns term and n: exact counts, so private."""
        rows: list[tuple[str, float]] = [*self.joined, ("stays in the admissions extract", self.stays)]
        rows += [(f"excluded: {reason}", number) for reason, number in self.excluded]
        rows.append(("stays analysed", self.stays_used))
        rows += [(f"stays without {name}", number) for name, number in self.missing]
        if self.cost_lines is not None:
            rows += [
                ("cost lines", self.cost_lines),
                ("cost lines whose stay is not in the admissions", self.cost_lines_unlinked or 0),
                ("stays without cost lines", self.stays_without_lines or 0),
            ]
        return pd.DataFrame({"term": [row[0] for row in rows], "n": [int(row[1]) for row in rows]})


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """Encounters reduced to cells: every patient-level model here is fitted from these, exactly. Private.

    Attributes
    ----------
    table : DataFrame
        A row per unit and case-mix pattern: `unit`, a column per stratum (text), `n` (stays), and for every outcome
        `<name>_n` (stays that have it), `<name>_sum`, `<name>_sumsq`, `<name>_sumlog` (of the values above zero) and
        `<name>_zeros`. Sorted by unit and pattern.
    strata : tuple of Stratum
        How case mix was cut.
    outcomes : tuple of Outcome
    linkage : Linkage
    cost_basis, currency : str
        What a cost is; "" where there are none.
    price_year : int or None
    perspective, horizon : str
        Whose costs and over which time, as declared.
    incomplete : DataFrame, optional
        Stays with a unit that lack a case-mix variable, where they were asked for: unit, strata (missing where it is),
        a column an outcome with its value, n. Rows of patients.
    """

    table: pd.DataFrame
    strata: tuple[Stratum, ...]
    outcomes: tuple[Outcome, ...]
    linkage: Linkage
    cost_basis: str = ""
    currency: str = ""
    price_year: int | None = None
    perspective: str = ""
    horizon: str = ""
    incomplete: pd.DataFrame | None = None

    def outcome(self, name: str) -> Outcome:
        """The outcome of this name; SpecError when there is none."""
        for outcome in self.outcomes:
            if outcome.name == name:
                return outcome
        known = ", ".join(outcome.name for outcome in self.outcomes)
        raise SpecError(Problem("there is no such outcome in the cells", column=name, allowed=known))

    @property
    def units(self) -> tuple[str, ...]:
        """Units with at least one stay, sorted."""
        return tuple(sorted(self.table["unit"].unique()))


def outcome_list(outcomes: Mapping[str, str] | Iterable[object]) -> tuple[Outcome, ...]:
    """Declared outcomes: names, {name: kind}, or settings with `name`, `column`, `kind` and `winsor`.

    Examples
    --------
    >>> outcome_list({"died": "binary"})
    (Outcome(name='died', column='died', kind='binary', winsor=None),)
    """
    found: list[Outcome] = []
    if isinstance(outcomes, Mapping):
        found = [Outcome(str(name), str(name), _kind(str(name), kind)) for name, kind in outcomes.items()]
    else:
        for entry in outcomes:
            if isinstance(entry, Outcome):
                found.append(entry)
            elif isinstance(entry, str):
                found.append(Outcome(entry, entry))
            else:
                given = (
                    entry
                    if isinstance(entry, Mapping)
                    else {k: getattr(entry, k, None) for k in ("name", "column", "kind", "winsor")}
                )
                name = given.get("name") or given.get("column")
                if not isinstance(name, str):
                    raise SpecError("an outcome needs a name.")
                winsor = given.get("winsor")
                if winsor is not None and not 0.5 <= float(winsor) < 1:
                    raise SpecError(Problem("winsor is a share from 0.5 to below 1", column=name, value=str(winsor)))
                kind = _kind(name, given.get("kind") or "")
                found.append(Outcome(name, str(given.get("column") or name), kind, winsor))
    names = [outcome.name for outcome in found]
    if twice := {name for name in names if names.count(name) > 1}:
        raise SpecError([Problem("this outcome is named twice", column=name) for name in sorted(twice)])
    return tuple(found)


def _kind(name: str, kind: object) -> Kind | Literal[""]:
    for known in (*get_args(Kind), ""):
        if kind == known:
            return known
    raise SpecError(Problem("no such kind of outcome", column=name, value=str(kind), allowed=", ".join(get_args(Kind))))
