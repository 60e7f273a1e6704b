"""Is everything there, and as it should be? Every input of a study looked at, all that is wrong told at once."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from microresearch.errors import DataError, Problem, SpecError
from microresearch.study.notebooks import find_notebooks
from microresearch.study.place import Place
from microresearch.study.spec import StudySpec
from microresearch.study.spec_file import read_spec
from microresearch.study.state import named_files

if TYPE_CHECKING:
    from microresearch.study.study import Study
    from microresearch.survey.export import Export


@dataclass(slots=True)
class Findings:
    """What was found: lines for a reader, warnings, and what must be mended."""

    found: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def look(self, step: Callable[[], Any]) -> Any:
        """The step's value; None, with its problems noted, when it finds the input wrong."""
        try:
            return step()
        except (DataError, SpecError) as error:
            self.problems += [problem for problem in error.problems if problem not in self.problems]
            return None

    def refuse(self) -> None:
        """Raise DataError with all problems, if there are any."""
        if self.problems:
            raise DataError(self.problems)


def check_study(place: Place) -> Findings:
    """Look at every input that study.toml names, without running anything.

    Parameters
    ----------
    place : Place

    Returns
    -------
    Findings
        All problems at once; data that could not be read for one reason are not looked at for the next.
    """
    from microresearch.study.study import Study

    findings = Findings()
    spec: StudySpec | None = findings.look(lambda: read_spec(place.file))
    if spec is None:
        return findings
    findings.found.append(f"{place.file.name}: {spec.study.title}")
    missing = _missing_files(place, spec)
    findings.problems += missing
    findings.look(lambda: find_notebooks(place.of(spec.run.folder), spec.run.notebooks))
    study = Study(place, spec)
    absent = {problem.column.partition(".")[0].partition("[")[0] for problem in missing}
    for section, step in (
        ("study", _instruments), ("units", _units), ("roster", _roster), ("survey", _survey),
        ("content_validity", _content_validity), ("exposure", _exposure), ("encounters", _encounters),
        ("unit_months", _unit_months),
    ):  # fmt: skip
        if section not in absent and getattr(spec, section) is not None:
            step(study, getattr(spec, section), findings)
    return findings


def _missing_files(place: Place, spec: StudySpec) -> list[Problem]:
    return [
        Problem("there is no such file", place.said(place.of(name)), None, key, mend="put it there, or mend study.toml")
        for key, name in named_files(spec.model_dump(mode="json")).items()
        if not place.files(name)
    ]


def _instruments(study: "Study", said: Any, findings: Findings) -> None:
    for form in (findings.look(lambda: study.instruments) or {}).values():
        findings.found.append(f"{form.code}: {form.name}, {len(form.items)} items")


def _units(study: "Study", said: Any, findings: Findings) -> None:
    table = findings.look(study.units)
    if table is None:
        return
    file = study.place.file.name
    allowed = ", ".join(table.columns)
    wanted = [("units.hospital", said.hospital)]
    wanted += [("units.covariates", column) for column in said.covariates]
    wanted += [("plan.covariates", column) for column in study.spec.plan.covariates]
    for key, column in wanted:
        if column is not None and column not in table:
            findings.problems.append(
                Problem("names a column that the units file lacks", file, None, key, column, allowed)
            )
    where = f" in {table[said.hospital].nunique()} hospitals" if said.hospital in table else ""
    findings.found.append(f"{said.file}: {len(table)} units{where}")


def _roster(study: "Study", said: Any, findings: Findings) -> None:
    roster = findings.look(study.roster)
    if roster is not None:
        findings.found.append(f"{said.file}: {len(roster)} staff")


def _survey(study: "Study", said: Any, findings: Findings) -> None:
    from microresearch.study import reading

    export = findings.look(lambda: reading.export(study))
    if export is None:
        return
    findings.found.append(f"{said.file}: {export.said}")
    forms = findings.look(lambda: reading.responses(study, export))
    if forms is None:
        return
    dropped = findings.look(lambda: _dropped(study, export))
    findings.found += [f"{said.file}: {dropped}"] if dropped else []
    first = next(iter(forms.values()))
    findings.found.append(f"{said.file}: {len(first)} responses to {', '.join(forms)}")
    cleaned = findings.look(study.cleaned)
    if cleaned is not None:
        left = next(iter(cleaned.values()))
        findings.found.append(f"cleaning: {len(left)} of {len(first)} responses remain")


def _dropped(study: "Study", export: "Export") -> str:
    """How many columns are left behind, and why."""
    from microresearch.study.accounts import column_account

    uses = column_account(study, export)
    why = uses.loc[uses["use"] == "dropped", "why"].value_counts()
    said = ", ".join(f"{n} ({reason})" for reason, n in why.items())
    return f"columns dropped on reading: {said}" if said else ""


def _content_validity(study: "Study", said: Any, findings: Findings) -> None:
    from microresearch.study.accounts import content_validity_account

    found: Any = findings.look(lambda: content_validity_account(study))
    if found is not None:
        findings.found.append(f"{said.file}: {found.n_items} items rated by {found.n_experts} experts")


def _exposure(study: "Study", said: Any, findings: Findings) -> None:
    table = findings.look(study.exposure)
    if table is not None:
        findings.found.append(f"{said.file}: {', '.join(said.columns)} for {len(table)} units")


def _encounters(study: "Study", said: Any, findings: Findings) -> None:
    cells = findings.look(study.encounters)
    if cells is None:
        return
    linkage = cells.linkage
    left = "".join(f"; {n:,} left out: {reason}" for reason, n in linkage.excluded)
    findings.found.append(f"{said.admissions}: {linkage.stays:,} stays in {len(cells.units)} units{left}")
    if linkage.cost_lines is not None:
        findings.found.append(
            f"{said.costs}: {linkage.cost_lines:,} lines, {linkage.cost_lines_unlinked:,} of them without a stay; "
            f"{linkage.stays_without_lines:,} stays without lines"
        )
    if study.spec.survey is not None and (note := findings.look(study.order_note)):
        findings.warnings.append(note)


def _unit_months(study: "Study", said: Any, findings: Findings) -> None:
    cells = findings.look(study.unit_months)
    if cells is None:
        return
    for one in said.outcomes:
        events, exposure = (int(cells.table[f"{one.name}_{part}"].sum()) for part in ("sum", "n"))
        findings.found.append(f"{said.file}: {events:,} {one.column} in {exposure:,} {one.exposure}")
    findings.found.append(f"{said.file}: {cells.linkage.stays_used:,} rows of {len(cells.units)} units")
    known = None if study.spec.units is None else findings.look(study.units)
    strange = 0 if known is None else len(set(cells.units) - set(known["unit"]))
    if strange:
        findings.warnings.append(f"{said.file}: {strange} units are not in the units file; they enter no model")
