"""What did the raw files say? The study's settings handed to the rooms that read them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from microresearch.errors import DataError, Problem, SpecError

if TYPE_CHECKING:
    import pandas as pd

    from microresearch.linking.cells import Outcome as Wanted
    from microresearch.responses import Responses
    from microresearch.study.linking_sections import Outcome
    from microresearch.study.sections import Survey
    from microresearch.study.study import Study
    from microresearch.survey.export import Export


def _section(study: "Study", name: str, what: str) -> Any:
    section = getattr(study.spec, name)
    if section is None:
        mend = f"add [{name}] to study.toml"
        raise SpecError(Problem(f"this study has no {what}", study.place.file.name, column=name, mend=mend))
    return section


def survey_settings(study: "Study") -> "Survey":
    """[survey] of study.toml.

    Raises
    ------
    SpecError
        The study has no survey.
    """
    return _section(study, "survey", "survey")


def _path(study: "Study", name: str) -> Any:
    for file in study.place.files(name):
        study.trace.read(file)
    return study.place.of(name)


def export(study: "Study") -> "Export":
    """The survey export as text cells, with what was recognised of it, the study's own value labels in place."""
    from microresearch.survey import read_export
    from microresearch.survey.people import resolve

    said = survey_settings(study)
    dictionary = None if said.dictionary is None else _path(study, said.dictionary)
    found = read_export(
        _path(study, said.file), said.format, encoding=said.encoding, separator=said.separator, sheet=said.sheet,
        dictionary=dictionary,
    )  # fmt: skip
    return found.relabelled(resolve(found, columns(study), said.keep, said.labels)[0].labels)


def columns(study: "Study") -> dict[str, str]:
    """Standard name -> column of the export, of those that the study declares."""
    said = survey_settings(study).columns
    return {name: column for name, column in said.model_dump().items() if column is not None}


def survey(study: "Study") -> "dict[str, Responses]":
    """The export as responses by instrument; units matched and applicability set where there is a units file."""
    return responses(study, export(study))


def responses(study: "Study", found: "Export") -> "dict[str, Responses]":
    """The same from an export that was read."""
    from microresearch.survey import apply_applicability, assign_units, crosswalk, read_responses

    said = survey_settings(study)
    forms = read_responses(
        found, list(study.instruments.values()), columns(study), items=said.items or None, keep=said.keep or None,
        blank=said.blank,
    )  # fmt: skip
    if study.spec.units is None:
        return forms
    table = units(study)
    return apply_applicability(assign_units(forms, crosswalk(table), found.file), table)


def units(study: "Study") -> "pd.DataFrame":
    """The units file."""
    from microresearch.survey import read_units

    said = _section(study, "units", "units file")
    applies = {item.applies for form in study.instruments.values() for item in form.items} - {"all"}
    return read_units(_path(study, said.file), yes_no=tuple(sorted({"academic", *applies})))


def roster(study: "Study") -> "pd.DataFrame":
    """The roster, its units held against the units file."""
    from microresearch.survey import read_roster

    said = _section(study, "roster", "roster")
    known = None if study.spec.units is None else list(units(study)["unit"])
    return read_roster(_path(study, said.file), units=known)


def encounters(study: "Study") -> Any:
    """The extracts reduced to cells; every column that is named an outcome is summed, winsorised too where declared."""
    from microresearch.linking.encounters import read_encounters

    said = _section(study, "encounters", "encounters")
    known = None if study.spec.units is None else list(units(study)["unit"])
    cells = read_encounters(
        _path(study, said.admissions),
        None if said.costs is None else _path(study, said.costs),
        None if said.ccr is None else _path(study, said.ccr),
        on=said.on, unit=said.unit, case_mix=said.case_mix, outcomes=_wanted(study.spec.outcomes),
        mediators=said.mediators,
        units=known, amount=said.amount, ccr_by=said.ccr_by, cost_basis=said.cost_basis, currency=said.currency or "",
        price_year=said.price_year, price_index=said.price_index, rules=_rules(said),
        perspective=said.perspective, horizon=said.horizon, keep_incomplete=said.imputation is not None,
    )  # fmt: skip
    again = {name for one in study.spec.outcomes for name in one.winsorised}  # lacking wherever the outcome is
    missing = tuple((name, n) for name, n in cells.linkage.missing if name not in again)
    return replace(cells, linkage=replace(cells.linkage, missing=missing))


def _wanted(outcomes: "Sequence[Outcome]") -> "list[Wanted]":
    """The declared outcomes, each followed by its winsorised forms."""
    from microresearch.linking.cells import Outcome as Wanted

    return [
        Wanted(name, one.column, one.kind, share)
        for one in outcomes
        for name, share in ((one.name, None), *one.winsorised.items())
    ]


def _rules(said: Any) -> Any:
    """[encounters.stays] with the columns of [encounters.dates], or None."""
    from microresearch.linking.episodes import Rules

    if said.stays is None:
        return None
    return Rules(admitted=said.dates.admitted or "", discharged=said.dates.discharged or "", **said.stays.model_dump())


def window(study: "Study") -> "tuple[pd.Timestamp, pd.Timestamp] | None":
    """When the last response began and the first stay ended; None where the study does not say both."""
    import pandas as pd

    from microresearch.linking.sources import engine, open_view, quoted

    said = study.spec.encounters
    if said is None or study.spec.survey is None or said.dates.discharged is None:
        return None
    people = next(iter(survey(study).values())).people
    if "started" not in people or people["started"].isna().all():
        return None
    column = said.dates.discharged
    with engine() as connection:
        stays = open_view(connection, _path(study, said.admissions), "admissions", [], [column])
        found = connection.execute(f"SELECT min(TRY_CAST({quoted(column)} AS DATE)) FROM {stays.name}").fetchone()
    if found is None or found[0] is None:
        problem = Problem("no date can be read", stays.file, column=column, allowed="dates such as 2024-01-31")
        raise DataError(problem)
    return people["started"].max(), pd.Timestamp(found[0])


def unit_months(study: "Study") -> Any:
    """The counts of [unit_months] as cells whose outcomes are rates, under the names that the study gives them.

    Raises
    ------
    DataError
        A column that is missing or holds no numbers, or as `read_unit_months`; with the file's own column names.
    """
    from microresearch import io
    from microresearch.linking.unit_months import named, read_unit_months

    said = _section(study, "unit_months", "counts per unit and month")
    path = _path(study, said.file)
    file, counts = io.shown(path), {one.column: one.exposure for one in said.outcomes}
    texts = (said.unit, *([said.month] if said.month else []))
    table = _declared(path, "unit_months", texts, (*counts, *counts.values()))
    unit = table[said.unit].str.strip()
    try:
        cells = read_unit_months(table.assign(**{said.unit: unit.mask(unit == "")}), counts, said.unit, said.month)
    except DataError as error:
        raise DataError([replace(problem, file=file) for problem in error.problems]) from None
    return named(cells, {one.column: one.name for one in said.outcomes})


def _declared(path: Any, section: str, texts: Sequence[str], numbers: Sequence[str]) -> "pd.DataFrame":
    """A CSV file with these columns of numbers, all others as text; DataError for all columns that it lacks at once."""
    from microresearch import io

    there, wanted = io.read_csv(path).columns, tuple(dict.fromkeys(numbers))
    if missing := [name for name in dict.fromkeys((*texts, *wanted)) if name not in there]:
        file, allowed, mend = io.shown(path), ", ".join(there), f"mend [{section}] or the file"
        raise DataError([Problem("this column is missing", file, 1, c, allowed=allowed, mend=mend) for c in missing])
    return io.read_csv(path, numbers=wanted)


def exposure(study: "Study") -> "pd.DataFrame":
    """The exposures of [exposure]: `unit` as text, then the declared columns as numbers; every other column as text.

    Raises
    ------
    DataError
        A column is missing, a unit has no name or stands twice, a value is missing or no number; all at once.
    """
    from microresearch import io

    said = _section(study, "exposure", "exposure")
    path = _path(study, said.file)
    file, table = io.shown(path), _declared(path, "exposure", (said.unit,), said.columns)
    unit = table[said.unit].str.strip()
    problems = [Problem("this unit has no name", file, int(row), said.unit) for row in table.index[unit == ""]]
    twice = table.index[unit.duplicated() & (unit != "")]
    problems += [Problem("this unit stands in the file twice", file, int(row), said.unit) for row in twice]
    for name in said.columns:
        empty = table.index[table[name].isna()]
        problems += [Problem("a unit without a value", file, int(row), name, mend="leave it out") for row in empty]
    if problems:
        raise DataError(problems)
    others = table.drop(columns=said.unit)
    return others.assign(unit=unit)[["unit", *others.columns]].reset_index(drop=True)
