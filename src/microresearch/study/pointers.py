"""Where does the report answer each item of a checklist? Found in what was published and stated, never asserted."""

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from microresearch.study.methods import AFTER, ANALYSIS, BEFORE, decided

if TYPE_CHECKING:
    from microresearch.report.checklists import Checklist
    from microresearch.report.page import Section
    from microresearch.study.spec import StudySpec


def answered(
    spec: "StudySpec", entries: Sequence[Mapping[str, Any]], sections: "Sequence[Section]"
) -> "list[Checklist]":
    """The checklists that concern this study, each item with its place in the report.

    Parameters
    ----------
    spec : StudySpec
    entries : sequence of mapping
        What was published.
    sections : sequence of Section
        The report up to its checklists, from which figures and tables have their numbers.

    Returns
    -------
    list of Checklist
        STROBE and JARS; RECORD where there are routine data, CHEERS where there are costs.
    """
    from microresearch.report.checklists import checklist, evidence

    names = {"strobe": True, "jars": True, "record": spec.encounters is not None,
             "cheers2022": any(outcome.kind == "cost" for outcome in spec.outcomes)}  # fmt: skip
    places = dict(_places(spec, entries, sections))
    made = []
    for name in (name for name, wanted in names.items() if wanted):
        found = evidence(name)
        answers = {number: said for number, keys in found.items() if (said := _pointer(keys, places))}
        beside = {n: why for n, why in evidence(f"{name}_not_applicable").items() if n not in answers}
        made.append(checklist(name, answers, {number: str(why) for number, why in beside.items()}))
    return made


def _pointer(keys: Any, places: Mapping[str, str]) -> str:
    """The places of all evidence that is there, once each; "" where there is none."""
    found = [place for key in keys for name, place in places.items() if fnmatchcase(name, key)]
    return "; ".join(list(dict.fromkeys(found))[:4])


def _places(
    spec: "StudySpec", entries: Sequence[Mapping[str, Any]], sections: "Sequence[Section]"
) -> Iterator[tuple[str, str]]:
    """Evidence -> where it stands: "figure:flow" -> "Figure 1", "statement:funding" -> "§ Other information"."""
    yield "title", "title"
    if spec.study.question:
        yield "question", "first screen"
    yield "plan", "first screen"
    if any(entry["name"].startswith("answer.") for entry in entries):
        yield "answer", "first screen"
    for heading, parts in {**BEFORE, **AFTER}.items():
        for key, _ in parts:
            if str(getattr(spec.statements, key)).strip():
                yield f"statement:{key}", f"§ {heading}"
    for text in decided(spec):
        yield f"method:{text.split('.')[0].lower()}", f"§ {ANALYSIS}"
    counts = {"figure": 0, "table": 0}
    for entry in entries:
        kind, name = entry["kind"], entry["name"]
        if kind in counts:
            counts[kind] += 1
            yield f"{kind}:{name}", f"{kind.capitalize()} {counts[kind]}"
        elif kind == "sentence":
            yield f"sentence:{name}", f"§ {ANALYSIS if entry['part'] == 'methods' else _home(entry, sections)}"
    yield "provenance", "provenance.json"


def _home(entry: Mapping[str, Any], sections: "Sequence[Section]") -> str:
    """The heading of the section in which a sentence stands."""
    return next((one.heading for one in sections if entry["title"] in one.prose), "Results")
