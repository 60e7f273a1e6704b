"""Which columns of a stranger's units, admissions and costs hold what? Proposals from names alone."""

from pathlib import Path
from typing import Any

from microresearch import io
from microresearch.errors import Problem, SpecError
from microresearch.study.place import Place
from microresearch.study.propose import propose_case_mix, propose_column
from microresearch.study.wish import Made, Wish, take

KINDS = ("continuous", "count", "binary", "cost")


def units_section(wish: Wish, place: Place, made: Made) -> dict[str, Any]:
    """[units]: which column is the hospital, and what there is to adjust for."""
    if wish.units is None:
        return {}
    columns = [str(column) for column in io.read_csv(wish.units).columns]
    hospital = propose_column(columns, "hospital", "site", "organisation", "organization")
    covariates = [c for c in columns if propose_column([c], "type", "beds", "academic", "specialty", "size")]
    made.proposed.append(
        f"{wish.units.name}: hospital {hospital or 'none'}, covariates {', '.join(covariates) or 'none'}"
    )
    return {"file": take(place, wish.units), "hospital": hospital or "", "covariates": covariates}


def encounters_section(wish: Wish, admissions: Path, place: Place, made: Made) -> dict[str, Any]:
    """[encounters]: what joins a stay to its unit and its costs, the case mix, and the dates."""
    columns = _columns(admissions)
    on = propose_column(
        columns, "stay_id", "stay", "encounter", "encounter_id", "admission_id", "visit_id", "case_id", "id"
    )
    unit = propose_column(columns, "unit", "ward", "unit_id", "department", "clinic")
    for name, column in (("the stay's identifier (on)", on), ("the unit", unit)):
        if column is None:
            made.look_at.append(f"no column of {admissions.name} was found for {name}")
    mix = propose_case_mix(columns)
    made.proposed.append(f"case mix: {', '.join(str(entry['column']) for entry in mix) or 'none'}")
    dates = {name: propose_column(columns, name, f"{name}_date", f"date_{name}") for name in ("admitted", "discharged")}
    return {
        "admissions": take(place, admissions),
        "on": on or "stay_id",
        "unit": unit or "unit",
        **_costs(wish, place, made),
        "case_mix": mix,
        "dates": {name: column for name, column in dates.items() if column is not None},
        **({"imputation": {"m": 20, "iterations": 20}} if mix else {}),
    }


def _costs(wish: Wish, place: Place, made: Made) -> dict[str, Any]:
    """The keys of [encounters] that say what a cost is."""
    if wish.costs is None:
        return {}
    money = {"cost_basis": wish.cost_basis, "currency": wish.currency, "price_year": wish.price_year}
    if lacking := [f"--{key.replace('_', '-')}" for key, value in money.items() if value is None]:
        raise SpecError(Problem("costs need a basis, a currency and a year", mend=f"give {', '.join(lacking)}"))
    columns = _columns(wish.costs)
    amount = propose_column(columns, "amount", "cost", "costs", "charge", "charges", "total", "value")
    if amount is None:
        made.look_at.append(f"no column of {wish.costs.name} was found for the amount: name it in [encounters]")
    section = {"costs": take(place, wish.costs), "amount": amount or "amount", **money}
    if wish.ccr is not None:
        by = [column for column in _columns(wish.ccr) if column in columns and column != amount]
        if not by:
            made.look_at.append(f"no column of {wish.ccr.name} is in {wish.costs.name}: name both in ccr_by")
        section |= {"ccr": take(place, wish.ccr), **({"ccr_by": by} if by else {})}
    return section


def _columns(path: Path) -> list[str]:
    """The names of the columns of a Parquet or CSV file."""
    from microresearch.linking.sources import engine, open_view

    with engine() as connection:
        return list(open_view(connection, str(path), "extract", [], []).types)


def outcome_sections(wish: Wish) -> list[dict[str, Any]]:
    """[[outcomes]]: those that were asked for; with costs, their cost."""
    costs = ["cost:cost"] if wish.costs and not any(o.endswith(":cost") for o in wish.outcomes) else []
    found = []
    for text in (*wish.outcomes, *costs):
        parts = text.split(":")
        if len(parts) not in (2, 3) or parts[-1] not in KINDS:
            allowed = f"name:kind or name:column:kind, kind one of {', '.join(KINDS)}"
            raise SpecError(Problem("an outcome cannot be meant", column="outcome", value=text, allowed=allowed))
        name, column, kind = parts[0], parts[-2], parts[-1]
        found.append({"name": name, "label": name.replace("_", " ").capitalize(), "column": column, "kind": kind})
    if not found:
        raise SpecError(Problem("admissions are given, but no outcome", mend="give --outcome died:binary"))
    return found
