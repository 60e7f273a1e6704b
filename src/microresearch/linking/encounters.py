"""Which stays belong to which unit, and what did they cost? Separate extracts joined, and reduced to cells."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import duckdb
import pandas as pd

from microresearch.errors import DataError, Problem, SpecError
from microresearch.linking.casemix import Stratum, strata, with_defaults
from microresearch.linking.cells import Cells, Linkage, Outcome, outcome_list
from microresearch.linking.elsewhere import Frame, add_costs_elsewhere, check_stays, open_frame, pack_elsewhere
from microresearch.linking.episodes import DAYS, READMITTED, Rules, apply_rules
from microresearch.linking.extract_checks import (
    check_closed,
    check_identified,
    check_levels,
    check_numbers,
    check_values,
)
from microresearch.linking.identifiers import check_units
from microresearch.linking.ledger import COST, add_costs
from microresearch.linking.prices import Prices
from microresearch.linking.reduce import incomplete_stays, label_cells, pack_stays
from microresearch.linking.sources import Source, View, engine, is_local, open_view

CostBasis = Literal["direct", "full", "charges x ccr"]


def read_encounters(
    admissions: Source,
    costs: Source | None = None,
    ccr: Source | None = None,
    on: str = "stay_id",
    unit: str = "unit",
    case_mix: Iterable[object] = (),
    outcomes: Mapping[str, str] | Iterable[object] = (),
    mediators: Sequence[str] = (),
    units: Iterable[str] | None = None,
    amount: str = "amount",
    ccr_by: Sequence[str] = ("hospital", "year"),
    cost_basis: CostBasis | None = None,
    currency: str = "",
    price_year: int | None = None,
    price_index: Mapping[int, float] | None = None,
    rules: Rules | None = None,
    perspective: str = "",
    horizon: str = "",
    keep_incomplete: bool = False,
) -> Cells:
    """Reduce admissions (one row a stay) and finance (cost lines) to cells, with a report of the join.

    Parameters
    ----------
    admissions, costs, ccr : path or table
        Stays; lines of cost or charge, reversals negative; cost-to-charge ratios by the columns of `ccr_by`. A path
        (globs allowed) of Parquet, CSV, Excel, SPSS or Stata, "hospital.duckdb#table" for a table of a DuckDB database,
        or a table of pandas, Polars, DuckDB, Dask, PySpark or Ibis: the last five are reduced where they are, by their
        own engine, to the same cells.
    on, unit : str
        Columns of the stay's identifier (in both extracts) and of its unit.
    case_mix : iterable
        Variables known at admission: "sex", or {"column": "age", "bands": [18, 45, 65]}; see `strata`.
    outcomes : mapping or iterable
        {column: kind}, or settings with name, column, kind (continuous, count, binary (0/1) or cost) and winsor: with
        0.99 values above the 99th percentile of all stays are set to it, for a check beside the outcome itself. The
        summed lines are the column "cost", added as an outcome of its own when costs are given and no outcome names it.
    mediators : sequence of str
        Case-mix columns that arise after admission and are declared mediators.
    units : iterable of str, optional
        The study's units: an id that is not among them is an error instead of a unit without staff.
    amount, ccr_by : str and sequence of str
        Columns of the finance extract: what a line amounts to, and what a ratio depends on.
    cost_basis : "direct", "full" or "charges x ccr"
        What the lines are; by default "charges x ccr" when ratios are given. Required with costs otherwise.
    currency, price_year : str and int, optional
        Printed with every effect in money.
    price_index : mapping of int to float, optional
        Price level by year: lines are brought from their column `year` to `price_year`.
    rules : Rules, optional
        What one stay is, whose it is and which stays count (`Rules`); without them one row is one stay of its unit.
    perspective, horizon : str
        Whose costs these are and over which time; printed with them.
    keep_incomplete : bool
        Keep the stays that lack a case-mix variable beside the cells, for `impute_cells`; files and pandas alone.

    Returns
    -------
    Cells
        Stays without a unit or without a case-mix variable are in no cell; `linkage` counts them.

    Raises
    ------
    DataError
        A missing column, no rows, a stay without an id or listed twice, a value that its kind does not allow, a ratio
        missing or given twice, a negative total, an unknown unit. Messages name file, row and column, never a value
        of a patient's row.
    SpecError
        An outcome or covariate that cannot be meant.

    Examples
    --------
    >>> stays = pd.DataFrame({"stay_id": [1, 2, 3], "unit": ["A", "A", "B"], "sex": ["F", "M", "F"], "died": [0, 1, 0]})
    >>> lines = pd.DataFrame({"stay_id": [1, 1, 3], "amount": [100.0, -20.0, 50.0]})
    >>> cells = read_encounters(stays, lines, case_mix=["sex"], outcomes={"died": "binary"}, cost_basis="direct")
    >>> cells.table[["unit", "sex", "n", "died_sum", "cost_n", "cost_sum"]].values.tolist()
    [['A', 'F', 1, 0.0, 1, 80.0], ['A', 'M', 1, 1.0, 0, 0.0], ['B', 'F', 1, 0.0, 1, 50.0]]
    >>> cells.linkage.stays_without_lines
    1
    """
    wanted = _outcomes(outcomes, costs is not None)
    basis = _basis(costs, ccr, cost_basis)
    chosen = rules or Rules()
    chosen.check(costs is not None)
    variables = strata(case_mix, [outcome.column for outcome in wanted], mediators)
    with engine() as connection:
        ask = _Ask(on, unit, variables, wanted, amount, tuple(ccr_by), chosen, Prices.of(price_index, price_year))
        if keep_incomplete and not is_local(admissions):
            mend = "hand files over"
            raise DataError(Problem("incomplete stays are kept from files and pandas alone", mend=mend))
        found = _here if is_local(admissions) else _elsewhere
        stays, variables, money, table, excluded, joined = found(connection, admissions, costs, ccr, ask)
        rest = None
        if keep_incomplete and isinstance(stays, View):
            rest = incomplete_stays(connection, stays, on, unit, variables, wanted, COST if costs is not None else "")
    linkage = _linkage(stays.file, table, excluded, joined, wanted, money)
    check_values(table, wanted, stays.file)
    check_levels(table, variables, stays.file)
    if units is not None:
        check_units(set(table["unit"].unique()), set(map(str, units)), stays.file, unit)
    keep = [c for c in table.columns if not c.endswith(("_min", "_max", "_odd"))]
    return Cells(table[keep], variables, wanted, linkage, basis, currency, price_year, perspective, horizon, rest)


@dataclass(frozen=True, slots=True)
class _Ask:
    """What is wanted of the extracts."""

    on: str
    unit: str
    variables: tuple[Stratum, ...]
    wanted: tuple[Outcome, ...]
    amount: str
    by: tuple[str, ...]
    rules: Rules
    prices: Prices | None

    def columns(self, priced: bool) -> list[str]:
        """Outcome columns of the admissions."""
        return [o.column for o in self.wanted if not (priced and o.column == COST)]

    def needs(self, priced: bool) -> list[str]:
        """Columns that the admissions must have."""
        rules = self.rules
        made = {READMITTED} if rules.readmission_days is not None else set()
        made |= {DAYS} if rules.needed and rules.admitted else set()
        looked = [c for c in (rules.patient, rules.admitted, rules.discharged, rules.died) if c and rules.needed]
        named = [self.on, self.unit, *(v.column for v in self.variables), *self.columns(priced), *looked]
        return [column for column in named if column not in made]

    def cut(self, stays: View | Frame) -> tuple[Stratum, ...]:
        """Case mix with the default bands of numeric columns."""
        return tuple(with_defaults(v, stays.numeric(v.column)) for v in self.variables)


_Counts = tuple[tuple[str, int], ...]
_Found = tuple[View | Frame, tuple[Stratum, ...], dict[str, float] | None, pd.DataFrame, _Counts, _Counts]


def _here(
    connection: duckdb.DuckDBPyConnection, admissions: Source, costs: Source | None, ccr: Source | None, ask: _Ask
) -> _Found:
    """Files and pandas: by our own DuckDB."""
    priced, money, left, joined = costs is not None, None, (), ()
    name = "extract" if ask.rules.needed else "admissions"
    texts = [ask.on, ask.unit, *([ask.rules.patient] if ask.rules.patient else [])]
    stays = open_view(connection, admissions, name, texts, ask.needs(priced))
    _refuse_two_costs(priced, stays)
    check_identified(connection, stays, ask.on, ask.rules.attribution == "one row a stay")
    known = stays.name
    if ask.rules.needed:
        made = apply_rules(connection, stays, ask.on, ask.unit, ask.rules)
        stays, left, joined, known = made.stays, made.excluded, made.joined, "episodes"
    variables = ask.cut(stays)
    check_numbers(connection, stays, ask.columns(priced), variables)
    if costs is not None:
        money = add_costs(connection, costs, ccr, stays, ask.on, ask.amount, ask.by, ask.prices, known)
    pack_stays(connection, stays, ask.on, ask.unit, variables, ask.wanted, COST if priced else "")
    table, excluded = label_cells(connection, variables, ask.wanted)
    check_closed(connection, stays, table, variables)
    return stays, variables, money, table, (*left, *excluded), joined


def _elsewhere(
    connection: duckdb.DuckDBPyConnection, admissions: Source, costs: Source | None, ccr: Source | None, ask: _Ask
) -> _Found:
    """Other frames: by their own engine."""
    priced, money = costs is not None, None
    if ask.rules.needed or ask.prices is not None or any(o.winsor is not None for o in ask.wanted):
        mend = "apply them in that engine first, or hand files over"
        raise DataError(
            Problem("rules for stays, a price index and winsorised outcomes are for files and pandas alone", mend=mend)
        )
    stays = open_frame(admissions, "admissions", ask.needs(priced))
    _refuse_two_costs(priced, stays)
    variables = ask.cut(stays)
    check_stays(stays, ask.on, [*ask.columns(priced), *(v.column for v in variables if v.bands is not None)])
    if costs is not None:
        stays, money = add_costs_elsewhere(connection, stays, costs, ccr, ask.on, ask.amount, ask.by, COST)
    pack_elsewhere(connection, stays, ask.unit, variables, ask.wanted, COST if priced else "")
    table, excluded = label_cells(connection, variables, ask.wanted)
    check_closed(connection, stays, table, variables)
    return stays, variables, money, table, excluded, ()


def _refuse_two_costs(priced: bool, stays: View | Frame) -> None:
    if priced and COST in stays.types:
        raise SpecError(Problem("the admissions have this column, and costs are given too", stays.file, column=COST))


def _outcomes(outcomes: Mapping[str, str] | Iterable[object], costs: bool) -> tuple[Outcome, ...]:
    wanted = outcome_list(outcomes)
    if costs and COST not in {outcome.column for outcome in wanted}:
        wanted = (*wanted, Outcome(COST, COST, "cost"))
    if not wanted:
        raise SpecError(Problem("no outcome is named", column="outcomes", mend='write outcomes={"died": "binary"}'))
    return wanted


def _basis(costs: Source | None, ccr: Source | None, basis: CostBasis | None) -> str:
    if costs is None:
        if ccr is not None or basis is not None:
            raise SpecError("cost-to-charge ratios or a cost basis are given, but no costs.")
        return ""
    if basis is None and ccr is None:
        raise SpecError(Problem("costs need a basis", column="cost_basis", allowed="direct, full, charges x ccr"))
    if (basis == "charges x ccr" or basis is None) != (ccr is not None):
        raise SpecError(Problem("ratios belong to the basis 'charges x ccr', and to no other", column="cost_basis"))
    return basis or "charges x ccr"


def _linkage(
    file: str, table: pd.DataFrame, excluded: _Counts, joined: _Counts, wanted: Sequence[Outcome],
    money: dict[str, float] | None,
) -> Linkage:  # fmt: skip
    used = int(table["n"].sum())
    if not used:
        raise DataError(Problem("no stay has both a unit and every case-mix variable", file))
    total = used + sum(number for _, number in excluded)
    missing = tuple((o.name, used - int(table[f"{o.name}_n"].sum())) for o in wanted)
    if money is None:
        return Linkage(total, used, excluded, missing, joined=joined)
    return Linkage(
        total, used, excluded, missing, int(money["lines"]), int(money["unlinked"]), float(money["amount"]),
        int(money["without"]), joined,
    )  # fmt: skip
