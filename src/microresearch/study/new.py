"""How does a researcher start a study of her own? A folder that runs on a twin at once, and then on her files."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from microresearch import io
from microresearch.errors import DataError, Problem, SpecError
from microresearch.instrument import load_instrument
from microresearch.study.commented import commented
from microresearch.study.papers import papers
from microresearch.study.place import Place
from microresearch.study.propose import propose, propose_case_mix, propose_column
from microresearch.study.schema import schema_of
from microresearch.study.spec_file import parse_spec
from microresearch.study.trace import LIBRARY
from microresearch.study.twin import write_twin

KINDS = ("continuous", "count", "binary", "cost")


@dataclass(frozen=True, slots=True)
class Wish:
    """What a new study is to hold; every file is the researcher's own, and is copied into data/raw.

    Attributes
    ----------
    title : str
    instruments : tuple of str
        Built-in forms by name, or TOML files.
    survey, dictionary, roster, units, admissions, costs, ccr : Path or None
    outcomes : tuple of str
        "name:kind" or "name:column:kind".
    cost_basis, currency, price_year
        As in [encounters]; needed with costs.
    format : str
        Of the survey; "auto" looks.
    """

    title: str
    survey: Path
    instruments: tuple[str, ...] = ("long-form",)
    format: str = "auto"
    dictionary: Path | None = None
    roster: Path | None = None
    units: Path | None = None
    admissions: Path | None = None
    costs: Path | None = None
    ccr: Path | None = None
    outcomes: tuple[str, ...] = ()
    cost_basis: str | None = None
    currency: str | None = None
    price_year: int | None = None
    seed: int = 1


@dataclass(slots=True)
class Made:
    """A new study: its folder, what was recognised and proposed, and what its owner has to look at."""

    folder: Path
    proposed: list[str] = field(default_factory=list)
    look_at: list[str] = field(default_factory=list)


def new_study(folder: Path, wish: Wish) -> Made:
    """Make a study's folder.

    Parameters
    ----------
    folder : Path
        New, or empty.
    wish : Wish

    Returns
    -------
    Made

    Raises
    ------
    DataError
        Something is in the folder, or a file cannot be read.
    SpecError
        An outcome or a setting that cannot be meant.
    """
    if folder.exists() and any(folder.iterdir()):
        raise DataError(Problem("there is something in this folder", folder.name, mend="name a new one"))
    made = Made(folder)
    with io.scratch("microresearch-new-") as scratch:
        place = Place(scratch / "study.toml")
        content = _content(wish, place, made)
        io.write_text(place.file, commented(content))
        spec = parse_spec(io.read_toml(place.file))
        write_twin(spec, schema_of(place, spec), scratch / "twin", "../notebooks")
        for name in (n for n in spec.study.instruments if n.endswith(".toml")):
            io.write_bytes(scratch / "twin" / name, io.read_bytes(place.of(name)))
        for path in bundled_notebooks():
            io.write_bytes(scratch / "notebooks" / path.name, io.read_bytes(path))
        for name, text in papers(wish.title).items():
            io.write_text(scratch / name, text)
        for path in io.list_files(scratch):
            io.write_bytes(folder / path.relative_to(scratch), io.read_bytes(path))
    return made


def bundled_notebooks() -> tuple[Path, ...]:
    """The notebooks that come with the library, where it was installed or where it is developed."""
    for folder in (LIBRARY / "notebooks", LIBRARY.parents[1] / "notebooks"):
        if found := io.list_files(folder, "[0-9][0-9]-*.ipynb"):
            return found
    raise DataError("the library's notebooks are not installed with it; take them from its source.")


def _take(place: Place, path: Path | None, name: str = "") -> str | None:
    """Copy a file into data/raw; its name as study.toml writes it."""
    if path is None:
        return None
    target = f"data/raw/{name or path.name}"
    io.write_bytes(place.root / target, io.read_bytes(path))
    return target


def _content(wish: Wish, place: Place, made: Made) -> dict[str, Any]:
    """study.toml as values."""
    instruments = []
    for name in wish.instruments:
        if name.endswith(".toml"):
            io.write_bytes(place.root / "instruments" / Path(name).name, io.read_bytes(Path(name), SpecError))
            instruments.append(f"instruments/{Path(name).name}")
        else:
            instruments.append(name)
    content: dict[str, Any] = {
        "study": {"title": wish.title, "authors": [], "seed": wish.seed, "instruments": instruments}
    }
    columns = _survey(content, wish, place, made)
    if wish.roster is not None:
        content["roster"] = {"file": _take(place, wish.roster)}
    if wish.units is not None:
        content["units"] = _units(wish, place, made)
    elif wish.admissions is not None:
        raise SpecError(
            Problem("outcomes need the units: whose hospital, what kind", column="units", mend="give --units")
        )
    content["scores"] = {"missing": "half", "minimum_raters": 3}
    if wish.admissions is not None:
        content["encounters"], content["outcomes"] = _encounters(wish, place, made), _outcomes(wish)
        content["plan"] = {"confirmatory": [outcome["name"] for outcome in content["outcomes"]]}
    content["disclosure"] = {"threshold": 10}
    run: dict[str, Any] = {"folder": "notebooks"}
    if wish.admissions is None or "unit" not in columns:
        run["notebooks"] = _needed(unit="unit" in columns, content=content)
    return content | {"run": run}


def _needed(unit: bool, content: dict[str, Any]) -> list[str]:
    """The notebooks of a study without outcomes, or without units."""
    left_out = {"06", "07"} if "outcomes" not in content else set()
    left_out |= set() if unit else {"05", "06", "07"}
    return [path.stem for path in bundled_notebooks() if path.stem[:2] not in left_out]


def _survey(content: dict[str, Any], wish: Wish, place: Place, made: Made) -> dict[str, str]:
    from microresearch.survey import read_export

    forms = [load_instrument(name) for name in wish.instruments]
    export = read_export(wish.survey, wish.format, dictionary=wish.dictionary)
    found = propose(export, forms)
    made.proposed.append(f"{wish.survey.name}: {found.said}")
    made.proposed += [f"{name} is taken from the column {column!r}" for name, column in found.columns.items()]
    made.proposed += [f"item {code} is taken from the column {column!r}" for code, column in found.items.items()]
    made.look_at += [f"no column was found for the item {code}: add it to [survey.items]" for code in found.lacking]
    if "unit" not in found.columns:
        made.look_at.append("no column was found for the unit: without it there are no unit scores")
    section = {"file": _take(place, wish.survey), "format": found.format, "columns": found.columns}
    if wish.dictionary is not None:
        section["dictionary"] = _take(place, wish.dictionary)
    content["survey"] = section | ({"items": found.items} if found.items else {})
    rules: list[dict[str, Any]] = [{"rule": name} for name in ("preview", "consent") if _has(name, found.columns)]
    rules.append({"rule": "duplicate", "keep": "fullest"})
    inside = {"unit": "unit" in found.columns, "roster": wish.roster is not None and "person" in found.columns}
    if any(inside.values()):
        rules.append({"rule": "eligibility"} | {key: True for key, asked in inside.items() if asked})
    if "progress" in found.columns:
        rules.append({"rule": "progress", "minimum": 50})
    if "duration" in found.columns:
        rules.append({"rule": "time", "seconds_per_item": 1.0})
    content["cleaning"] = [*rules, {"rule": "answered", "share": 0.5}]
    return found.columns


def _has(rule: str, columns: dict[str, str]) -> bool:
    return {"preview": "status", "consent": "consent"}[rule] in columns


def _units(wish: Wish, place: Place, made: Made) -> dict[str, Any]:
    if wish.units is None:
        return {}
    columns = [str(column) for column in io.read_csv(wish.units).columns]
    hospital = propose_column(columns, "hospital", "site", "organisation", "organization")
    covariates = [c for c in columns if propose_column([c], "type", "beds", "academic", "specialty", "size")]
    made.proposed.append(
        f"{wish.units.name}: hospital {hospital or 'none'}, covariates {', '.join(covariates) or 'none'}"
    )
    return {"file": _take(place, wish.units), "hospital": hospital or "", "covariates": covariates}


def _encounters(wish: Wish, place: Place, made: Made) -> dict[str, Any]:
    from microresearch.linking.sources import engine, open_view

    with engine() as connection:
        columns = list(open_view(connection, str(wish.admissions), "admissions", [], []).types)
    on = propose_column(
        columns, "stay_id", "stay", "encounter", "encounter_id", "admission_id", "visit_id", "case_id", "id"
    )
    unit = propose_column(columns, "unit", "ward", "unit_id", "department", "clinic")
    for name, column in (("the stay's identifier (on)", on), ("the unit", unit)):
        if column is None:
            made.look_at.append(f"no column of {wish.admissions and wish.admissions.name} was found for {name}")
    mix = propose_case_mix(columns)
    made.proposed.append(f"case mix: {', '.join(str(entry['column']) for entry in mix) or 'none'}")
    section: dict[str, Any] = {
        "admissions": _take(place, wish.admissions),
        "on": on or "stay_id",
        "unit": unit or "unit",
    }
    if wish.costs is not None:
        money = {"cost_basis": wish.cost_basis, "currency": wish.currency, "price_year": wish.price_year}
        if lacking := [f"--{key.replace('_', '-')}" for key, value in money.items() if value is None]:
            raise SpecError(Problem("costs need a basis, a currency and a year", mend=f"give {', '.join(lacking)}"))
        section |= {"costs": _take(place, wish.costs), **money}
        if wish.ccr is not None:
            section["ccr"] = _take(place, wish.ccr)
    dates = {name: propose_column(columns, name, f"{name}_date", f"date_{name}") for name in ("admitted", "discharged")}
    return section | {"case_mix": mix, "dates": {name: column for name, column in dates.items() if column is not None}}


def _outcomes(wish: Wish) -> list[dict[str, Any]]:
    found = []
    for text in (
        *wish.outcomes,
        *(["cost:cost"] if wish.costs and not any("cost" in o for o in wish.outcomes) else []),
    ):
        parts = text.split(":")
        if len(parts) not in (2, 3) or parts[-1] not in KINDS:
            allowed = f"name:kind or name:column:kind, kind one of {', '.join(KINDS)}"
            raise SpecError(Problem("an outcome cannot be meant", column="outcome", value=text, allowed=allowed))
        name, column, kind = parts[0], parts[-2], parts[-1]
        found.append({"name": name, "label": name.replace("_", " ").capitalize(), "column": column, "kind": kind})
    if not found:
        raise SpecError(Problem("admissions are given, but no outcome", mend="give --outcome died:binary"))
    return found
