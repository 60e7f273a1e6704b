"""What is written once, at the end of a run? The numbers, the report, the provenance, and private notes."""

import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from microresearch import io
from microresearch.report.macros import numbers_tex
from microresearch.study.assemble import plan_state, report
from microresearch.study.leaks import refuse_names
from microresearch.study.place import Place
from microresearch.study.stage import Done, carry_over
from microresearch.study.stamp import VARYING, tree_hashes, write_stamp
from microresearch.study.state import lock_hash, setting_hashes
from microresearch.study.together import attack_all
from microresearch.study.unit_key import KEY, SEED, ensure_seed, unit_key

if TYPE_CHECKING:
    from microresearch.report.checklists import Checklist
    from microresearch.study.notebooks import Notebook
    from microresearch.study.progress import Stopwatch
    from microresearch.study.record import Now
    from microresearch.study.spec import StudySpec

PROVENANCE, NUMBERS, REPORT = "provenance.json", "numbers.json", "report.html"
MACROS, SENTENCES, REFERENCES, CHECKLISTS = "numbers.tex", "sentences.md", "references.bib", "checklists.docx"


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
    numbers = [entry for entry in entries if entry["kind"] == "number"]
    attack_all(processed, entries, spec.disclosure.threshold)
    io.write_json(results / NUMBERS, numbers_of(entries))
    io.write_text(results / MACROS, numbers_tex({e["name"]: e["number"]["text"] for e in numbers}))
    page, checklists = report(spec, books, done, processed, results)
    io.write_text(results / REPORT, page)
    write_words(results, entries, checklists)
    _write_key(place, spec, processed, results)
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


def write_words(results: Path, entries: "Sequence[Mapping[str, Any]]", checklists: "Sequence[Checklist]") -> None:
    """The sentences for the manuscript, the works that they cite as BibTeX, and the checklists as one Word file."""
    from importlib.metadata import version

    from microresearch.report.citations import bibtex
    from microresearch.report.word import to_docx

    sentences = [entry for entry in entries if entry["kind"] == "sentence"]
    parts = {part: [e["title"] for e in sentences if e["part"] == part] for part in ("methods", "results")}
    text = "\n\n".join(f"# {part.capitalize()}\n\n" + "\n\n".join(said) for part, said in parts.items() if said)
    if text:
        io.write_text(results / SENTENCES, f"{text}\n")
    keys = [key for entry in sentences for key in entry["cites"]]
    io.write_text(results / REFERENCES, bibtex(keys, version("microresearch")))
    if checklists:
        tables = [one.to_table() for one in checklists]
        io.write_bytes(results / CHECKLISTS, to_docx(tables, "Reporting checklists"))


def _write_key(place: Place, spec: "StudySpec", processed: Path, results: Path) -> None:
    """The private key of units beside the private data, and a last look that no name is published."""
    import pandas as pd

    from microresearch.study.study import Study

    seed = None if spec.study.synthetic else ensure_seed(place)
    key = unit_key(Study(place, spec), seed)
    if seed is not None:
        io.write_json(processed / SEED, {"seed": str(seed)})
    if key:
        io.write_csv(processed / KEY, pd.DataFrame({"unit": list(key), "shown_as": list(key.values())}))
    refuse_names(processed, results, key)


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


def _packages(done: Sequence[Done]) -> dict[str, str]:
    return dict(sorted({name: v for one in done for name, v in one.record.packages.items()}.items()))


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
