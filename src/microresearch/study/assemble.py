"""What does the report hold, in which order? Statements, methods, results notebook by notebook, checklists."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from microresearch import io
from microresearch.study.methods import AFTER, ANALYSIS, BEFORE, decided
from microresearch.study.pointers import answered
from microresearch.study.stage import Done

if TYPE_CHECKING:
    from microresearch.report.checklists import Checklist
    from microresearch.report.page import Part, Plan, Section
    from microresearch.study.notebooks import Notebook
    from microresearch.study.spec import StudySpec

LONG_TABLE = 20
"""Rows from which a table is folded in the report."""


def report(
    spec: "StudySpec", books: "Mapping[str, Notebook]", done: Sequence[Done], processed: Path, results: Path
) -> "tuple[str, list[Checklist]]":
    """The page that a reader opens, and the checklists that point into it."""
    from importlib.metadata import version

    from microresearch.report.page import Checked, Fold, Section, render

    entries = [entry for one in done for entry in one.record.entries]
    found = [_section(books[one.record.stem], one, processed, results) for one in done if one.record.entries]
    sections = [
        *_stated(spec, BEFORE), *_analysis(spec, entries), *(one for one in found if one.parts or one.prose),
        *_stated(spec, AFTER),
    ]  # fmt: skip
    answer = [e["number"]["text"] for e in entries if e["kind"] == "number" and e["name"].startswith("answer.")]
    checklists = answered(spec, entries, sections)
    folds = [Fold(f"{one.title}: {one.said}", (Checked(one.to_table()),)) for one in checklists]
    if folds:
        sections.append(Section("Checklists", ("Each item points to where this page answers it.",), tuple(folds)))
    page = render(
        spec.study.title, sections, synthetic=spec.study.synthetic, question=spec.study.question, answer=answer,
        plan=_plan(spec), footer=_footer(spec, version("microresearch")),
    )  # fmt: skip
    return page, checklists


def plan_state(spec: "StudySpec") -> dict[str, Any]:
    """Whether the plan is still the registered one, as far as the study file says."""
    from microresearch.linking.plan import plan_hash
    from microresearch.study.plan import plan_of

    registered = spec.plan.registered_hash
    if registered is None:
        return {"registered_hash": None}
    return {"registered_hash": registered, "changed_since_registration": registered != plan_hash(plan_of(spec))}


def _plan(spec: "StudySpec") -> "Plan":
    from microresearch.linking.plan import plan_hash
    from microresearch.report.page import Plan
    from microresearch.study.plan import plan_of

    changed = plan_state(spec).get("changed_since_registration")
    deviations = ("The plan was changed since it was registered.",) if changed else ()
    return Plan(plan_hash(plan_of(spec)), spec.plan.registration or "", deviations)


def _stated(spec: "StudySpec", parts: Mapping[str, Sequence[tuple[str, str]]]) -> "list[Section]":
    """What the authors say in study.toml; a heading without words is left out."""
    from microresearch.report.page import Section

    said = spec.statements
    made = []
    for heading, wanted in parts.items():
        prose = tuple(f"{opening}{text}" for key, opening in wanted if (text := str(getattr(said, key)).strip()))
        if prose:
            made.append(Section(heading, prose))
    return made


def _analysis(spec: "StudySpec", entries: Sequence[Mapping[str, Any]]) -> "list[Section]":
    """How things were measured and analysed: what study.toml decides, then the methods sentences of the notebooks."""
    from microresearch.report.page import Section

    said = [e["title"] for e in entries if e["kind"] == "sentence" and e["part"] == "methods"]
    prose = (*decided(spec), *said)
    return [Section(ANALYSIS, prose)] if prose else []


def _footer(spec: "StudySpec", version: str) -> list[str]:
    said = [f"Authors: {', '.join(spec.study.authors)}."] if spec.study.authors else []
    said.append(f"Counts of 1 to {spec.disclosure.threshold} people are not shown.")
    said.append(f"Made by microresearch {version}; provenance.json lists every input and version, and the seed.")
    return said


def _section(book: "Notebook", one: Done, processed: Path, results: Path) -> "Section":
    from microresearch.report.numbers import Number
    from microresearch.report.page import Fold, Picture, Section
    from microresearch.study.keeping import read_kept

    parts: list[Part] = []
    numbers: dict[str, Number] = {}
    prose = [e["title"] for e in one.record.entries if e["kind"] == "sentence" and e["part"] == "results"]
    for entry in one.record.entries:
        name = entry["name"]
        if entry["kind"] == "number" and not name.startswith("answer."):
            numbers[name] = Number(None, text=entry["number"]["text"])
        elif entry["kind"] == "table":
            table = read_kept(processed / "published", name)
            long = len(table.frame) > LONG_TABLE
            shown = Fold(f"{table.title} ({len(table.frame)} rows)", (table,)) if long else table
            parts.append(shown)
        elif entry["kind"] == "figure":
            image = io.read_bytes(results / f"figures/{name}.svg")
            parts.append(Picture(entry["title"], entry["alt"], image, "svg", entry["note"]))
    if numbers:
        parts.append(Fold("Numbers of this section", (numbers,)))
    return Section(heading_of(book), tuple(prose), tuple(parts))


def heading_of(book: "Notebook") -> str:
    """A notebook's title: its first heading, else its name in words."""
    for cell in book.content["cells"]:
        if cell["cell_type"] == "markdown" and (found := re.search(r"^#\s+(.+)$", "".join(cell["source"]), re.M)):
            return found[1].strip()
    return book.stem[3:].replace("-", " ").capitalize()
