"""What is written once, at the end of a run? The numbers, the report, the provenance, and private notes."""

import platform
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from microresearch import io
from microresearch.study.place import Place
from microresearch.study.stage import Done, carry_over
from microresearch.study.stamp import VARYING, tree_hashes, write_stamp
from microresearch.study.state import lock_hash, setting_hashes

if TYPE_CHECKING:
    from microresearch.report.page import Part, Section
    from microresearch.study.notebooks import Notebook
    from microresearch.study.progress import Stopwatch
    from microresearch.study.record import Now
    from microresearch.study.spec import StudySpec

LONG_TABLE = 20
"""Rows from which a table is folded in the report."""
PROVENANCE, NUMBERS, REPORT = "provenance.json", "numbers.json", "report.html"


def write_once(
    place: Place,
    spec: "StudySpec",
    now: "Now",
    books: "Mapping[str, Notebook]",
    done: Sequence[Done],
    folders: tuple[Path, Path],
) -> None:
    """numbers.json, report.html and provenance.json into the gathered results; the stamp beside the kept tables."""
    processed, results = folders
    entries = [entry for one in done for entry in one.record.entries]
    io.write_json(results / NUMBERS, numbers_of(entries))
    io.write_text(results / REPORT, report(spec, books, done, processed, results))
    before = place.results / PROVENANCE
    ours = [*io.read_json(before)["outputs"], PROVENANCE] if before.is_file() else []
    made = tree_hashes(results)
    kept = carry_over(place, results, ours) if ours else ()
    io.write_json(results / PROVENANCE, provenance(place, spec, now, books, done, made))
    write_stamp(
        processed,
        python=now.python,
        study=io.sha256_file(place.file),
        lock=lock_hash(place),
        notebooks={place.said(book.path): io.sha256_file(book.path) for book in books.values()},
        inputs=inputs_used(now, done),
        library=dict(now.library),
        packages=_packages(done),
        processed={name: sha for name, sha in tree_hashes(processed).items() if name not in VARYING},
        results=tree_hashes(results),
        not_ours=list(kept),
    )


def inputs_used(now: "Now", done: Sequence[Done]) -> dict[str, str]:
    """Every input with its hash: those that study.toml names, and those that only a notebook opened."""
    opened = {file: sha for one in done for file, sha in one.record.files.items()}
    return dict(sorted({**now.inputs, **opened}.items()))


def numbers_of(entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The numbers of the paper by name, each with its notebook and the hash of the plan."""
    return {
        entry["name"]: {**entry["number"], "notebook": entry["notebook"], "plan_hash": entry["plan_hash"]}
        for entry in entries
        if entry["kind"] == "number"
    }


def provenance(
    place: Place,
    spec: "StudySpec",
    now: "Now",
    books: "Mapping[str, Notebook]",
    done: Sequence[Done],
    made: Mapping[str, str],
) -> dict[str, Any]:
    """Where every file of results/ came from; nothing in it varies from run to run."""
    from importlib.metadata import version

    from microresearch.linking.plan import plan_hash
    from microresearch.study.plan import plan_of

    used = {file for one in done for file in one.record.library}
    return {
        "study": {"title": spec.study.title, "seed": spec.study.seed, "synthetic": spec.study.synthetic},
        "plan": {"hash": plan_hash(plan_of(spec)), "registration": spec.plan.registration, **plan_state(spec)},
        "inputs": {**inputs_used(now, done), place.file.name: io.sha256_file(place.file)},
        "settings": setting_hashes(io.read_toml(place.file)),
        "notebooks": {
            one.record.stem: {
                "code": one.record.code,
                "needs": list(books[one.record.stem].needs),
                "inputs": sorted(one.record.files),
                "settings": sorted(one.record.sections),
                "recalled": sorted(one.record.recalled),
                "library": sorted(one.record.library),
                "packages": sorted(one.record.packages),
                "published": [entry["name"] for entry in one.record.entries],
                "seeds": one.record.seeds,
            }
            for one in done
        },
        "library": {file: now.library[file] for file in sorted(used)},
        "environment": {
            "python": now.python,
            "microresearch": version("microresearch"),
            "packages": _packages(done),
            "lock": lock_hash(place),
        },
        "outputs": dict(made),
    }


def plan_state(spec: "StudySpec") -> dict[str, Any]:
    """Whether the plan is still the registered one, as far as the study file says."""
    from microresearch.linking.plan import plan_hash
    from microresearch.study.plan import plan_of

    registered = spec.plan.registered_hash
    if registered is None:
        return {"registered_hash": None}
    return {"registered_hash": registered, "changed_since_registration": registered != plan_hash(plan_of(spec))}


def _packages(done: Sequence[Done]) -> dict[str, str]:
    return dict(sorted({name: v for one in done for name, v in one.record.packages.items()}.items()))


def report(
    spec: "StudySpec", books: "Mapping[str, Notebook]", done: Sequence[Done], processed: Path, results: Path
) -> str:
    """The page that a reader opens: what was published, notebook by notebook."""
    from importlib.metadata import version

    from microresearch.linking.plan import plan_hash
    from microresearch.report.page import Plan, render
    from microresearch.study.plan import plan_of

    entries = [entry for one in done for entry in one.record.entries]
    answer = [e["number"]["text"] for e in entries if e["kind"] == "number" and e["name"].startswith("answer.")]
    changed = plan_state(spec).get("changed_since_registration")
    deviations = ("The plan was changed since it was registered.",) if changed else ()
    sections = [_section(books[one.record.stem], one, processed, results) for one in done if one.record.entries]
    return render(
        spec.study.title,
        [section for section in sections if section.parts],
        synthetic=spec.study.synthetic,
        question=spec.study.question,
        answer=answer,
        plan=Plan(plan_hash(plan_of(spec)), spec.plan.registration or "", deviations),
        footer=_footer(spec, version("microresearch")),
    )


def _footer(spec: "StudySpec", version: str) -> list[str]:
    said = [f"Authors: {', '.join(spec.study.authors)}."] if spec.study.authors else []
    if spec.survey is not None:
        rule = {"half": "half of the applicable items", "all": "all applicable items", "any": "any applicable item"}
        needed = spec.scores.missing
        share = rule[needed] if isinstance(needed, str) else f"{100 * needed:g} % of the applicable items"
        said.append(f"A person's score on a characteristic needs {share} answered.")
    said.append(f"Counts of 1 to {spec.disclosure.threshold} people are not shown.")
    said.append(f"Made by microresearch {version}; provenance.json lists every input and version, and the seed.")
    return said


def _section(book: "Notebook", one: Done, processed: Path, results: Path) -> "Section":
    from microresearch.report.numbers import Number
    from microresearch.report.page import Fold, Picture, Section
    from microresearch.study.keeping import read_kept

    parts: list[Part] = []
    numbers: dict[str, Number] = {}
    for entry in one.record.entries:
        name = entry["name"]
        if entry["kind"] == "number" and not name.startswith("answer."):
            numbers[name] = Number(None, text=entry["number"]["text"])
        elif entry["kind"] == "table":
            table = read_kept(processed / "published", name)
            long = len(table.frame) > LONG_TABLE
            parts.append(Fold(f"{table.title} ({len(table.frame)} rows)", (table,)) if long else table)
        elif entry["kind"] == "figure":
            image = io.read_bytes(results / f"figures/{name}.svg")
            parts.append(Picture(entry["title"], entry["alt"], image, "svg", entry["note"]))
    if numbers:
        parts.append(Fold("Numbers of this section", (numbers,)))
    return Section(heading_of(book), (), tuple(parts))


def heading_of(book: "Notebook") -> str:
    """A notebook's title: its first heading, else its name in words."""
    for cell in book.content["cells"]:
        if cell["cell_type"] == "markdown" and (found := re.search(r"^#\s+(.+)$", "".join(cell["source"]), re.M)):
            return found[1].strip()
    return book.stem[3:].replace("-", " ").capitalize()


def write_run_notes(folder: Path, ran: Mapping[str, str], seconds: Mapping[str, float], watch: "Stopwatch") -> None:
    """What varies from run to run: times, memory, host. Private."""
    memory: dict[str, float] = {}
    if platform.system() != "Windows":
        import resource

        scale = 1 if platform.system() == "Darwin" else 1024
        for who, what in ((resource.RUSAGE_SELF, "runner"), (resource.RUSAGE_CHILDREN, "largest_notebook")):
            memory[what] = resource.getrusage(who).ru_maxrss * scale
    io.write_json(
        folder / "run.json",
        {
            "seconds": watch.seconds,
            "notebooks": {stem: {"reason": ran[stem], "seconds": seconds[stem]} for stem in ran},
            "peak_memory_bytes": memory,
            "host": {"system": platform.platform(), "machine": platform.machine(), "node": platform.node()},
        },
    )
