"""How does a study run as a whole? Its notebooks in order, two at a time, and all of their results or none."""

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from microresearch import io
from microresearch.errors import DataError, MicroresearchError, Problem
from microresearch.study.execute import execute, kernel_environment, run_to_end
from microresearch.study.memory import let_remember
from microresearch.study.notebooks import Notebook, all_needs, find_notebooks
from microresearch.study.place import Place
from microresearch.study.progress import Lines, Stopwatch, progress
from microresearch.study.publish import LIST
from microresearch.study.record import MEMORY, Now, Record, read_record
from microresearch.study.spec import StudySpec
from microresearch.study.spec_file import read_spec
from microresearch.study.stage import (
    RECORDS,
    Done,
    commit,
    done_before,
    done_in_stage,
    finish_commit,
    gather,
)
from microresearch.study.stamp import tree_hashes, unchanged
from microresearch.study.state import input_hashes, state_now
from microresearch.study.trace import LIBRARY
from microresearch.study.unit_key import ensure_seed


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended: where the report is, and which notebooks had to run, with the reasons."""

    report: Path
    ran: Mapping[str, str]
    seconds: float


def run_study(place: Place, *, force: bool = False, workers: int | None = None) -> Outcome:
    """Run what must be run, and swap the results in; results/ and data/processed/ are the old ones or the new ones.

    Parameters
    ----------
    place : Place
    force : bool
        Run every notebook, whatever is unchanged.
    workers : int, optional
        Notebooks at a time; default run.workers of study.toml.

    Raises
    ------
    DataError, SpecError
        Inputs or settings are wrong; nothing was changed.
    NotebookFailed
        A notebook stopped; nothing was changed, and what was done is taken up by the next run.
    """
    from microresearch.io.locks import locked

    watch = Stopwatch()
    with locked(place.work / "lock", "a run of this study"):
        finish_commit(place)
        if not force and unchanged(place):
            return Outcome(place.results / "report.html", {}, watch.seconds)
        run = Run(place, force)
        with progress() as told:
            run_to_end(run.notebooks(told, workers or run.spec.run.workers))
        run.finish(watch)
        return Outcome(place.results / "report.html", run.ran, watch.seconds)


class Run:
    """One run: what is there, what is done, and what is still to do."""

    def __init__(self, place: Place, force: bool) -> None:
        self.place, self.force = place, force
        self.spec: StudySpec = read_spec(place.file)
        self.books = {b.stem: b for b in find_notebooks(place.of(self.spec.run.folder), self.spec.run.notebooks)}
        self.stage = place.work / "stage"
        if force:
            io.remove(self.stage)
        for left in self.stage.glob(".*"):
            io.remove(left)
        self.earlier = {stem: self._earlier(stem) for stem in self.books}
        more = {file for found in self.earlier.values() for one in found for file in one.record.files}
        self.content = io.read_toml(place.file)
        self.now: Now = state_now(place, self.content, sorted(more))
        self.done: dict[str, Done] = {}
        self.ran: dict[str, str] = {}
        self.seconds: dict[str, float] = {}
        self._check_inputs()
        if not self.spec.study.synthetic:
            ensure_seed(place)

    def _earlier(self, stem: str) -> list[Done]:
        """What interrupted and whole runs left of a notebook, the interrupted one first."""
        if self.force:
            return []
        staged = read_record(self.stage / stem / "record.json")
        whole = read_record(self.place.processed / RECORDS / f"{stem}.json")
        found = [done_in_stage(self.place, stem, staged)] if staged else []
        return found + ([done_before(self.place, stem, whole)] if whole else [])

    def _check_inputs(self) -> None:
        """Look at every input before anything runs, unless all were looked at by an earlier run and are the same."""
        from microresearch.study.check import check_study

        seen = self.place.work / "checked.json"
        state = {
            "inputs": dict(self.now.inputs),
            "sections": dict(self.now.sections),
            "library": dict(self.now.library),
        }
        if not self.force and seen.is_file() and io.read_json(seen) == state:
            return
        check_study(self.place).refuse()
        io.write_json(seen, state)

    async def notebooks(self, told: Lines, workers: int) -> None:
        """Run every notebook whose results cannot be taken over, each once its needs are done."""
        free = asyncio.Semaphore(workers)
        ready = {stem: asyncio.Event() for stem in self.books}
        tasks = [asyncio.create_task(self._one(book, told, free, ready)) for book in self.books.values()]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _one(self, book: Notebook, told: Lines, free: asyncio.Semaphore, ready: dict[str, asyncio.Event]) -> None:
        for need in book.needs:
            await ready[need].wait()
        async with free:
            needs = [self.done[stem] for stem in all_needs(book, self.books)]
            taken, reason = await asyncio.to_thread(self._take_over, book, needs)
            if taken is not None:
                told.kept(book.stem)
                self.done[book.stem] = taken
            else:
                self.done[book.stem] = await self._execute(book, needs, told, reason)
        ready[book.stem].set()

    def _take_over(self, book: Notebook, needs: list[Done]) -> tuple[Done | None, str]:
        """What an earlier run made of the notebook, when it would be made the same again; else the reason why not."""
        reason = "all are to run" if self.force else "not run yet"
        names = _names(needs)
        for earlier in self.earlier[book.stem]:
            changed = [*earlier.record.changed(book.code, self.now, names)]
            changed = changed or [*earlier.record.intact(earlier.processed, earlier.results)]
            if not changed and earlier.executed.is_file():
                return earlier, ""
            reason = "; ".join(changed[:3]) + (f"; {len(changed) - 3} more" if len(changed) > 3 else "")
        return None, reason or "its executed copy is gone"

    async def _execute(self, book: Notebook, needs: list[Done], told: Lines, reason: str) -> Done:
        part, final = self.stage / f".{book.stem}.{os.getpid()}", self.stage / book.stem
        io.remove(final)
        io.fresh_folder(part)
        folders = {one.record.stem: one.processed for one in needs}
        published = {one.record.stem: {"results": str(one.results), "entries": one.record.entries} for one in needs}
        io.write_json(part / "published-before.json", published)
        let_remember(part, self.now, [] if self.force else [self.place.processed / MEMORY])
        environment = kernel_environment(self.place.file, part, book.stem, folders)
        cells = sum(
            1 for cell in book.content["cells"] if cell["cell_type"] == "code" and "".join(cell["source"]).strip()
        )
        watch = Stopwatch()
        told.begin(book.stem, cells, reason)
        executed = await execute(book, environment, self.spec.run.timeout, lambda cell: told.cell(book.stem, cell))
        record = self._record(book, part, _names(needs))
        io.write_json(part / "executed.ipynb", executed)
        record.write(part / "record.json")
        io.move(part, final)
        self.ran[book.stem], self.seconds[book.stem] = reason, watch.seconds
        told.end(book.stem, watch.seconds)
        return done_in_stage(self.place, book.stem, record)

    def _record(self, book: Notebook, part: Path, names: Mapping[str, str]) -> Record:
        """What the notebook used, with the hashes of this moment, and what it made."""
        trace = io.read_json(part / "trace.json")
        new = input_hashes(self.place, {}, [file for file in trace["files"] if file not in self.now.inputs])
        inputs = {**self.now.inputs, **new}
        if moved := [f for f in trace["library"] if self.now.library.get(f) != io.sha256_file(LIBRARY / f)]:
            raise MicroresearchError(f"the library was changed while the study ran ({', '.join(moved)}): run again.")
        recalled = [*trace["recalled"], *(f"published {name}" for name in trace["shown"])]
        entries = part / "entries.json"
        return Record(
            stem=book.stem,
            code=book.code,
            python=self.now.python,
            files={file: inputs[file] for file in trace["files"]},
            library={file: self.now.library[file] for file in trace["library"]},
            sections={name: self.now.sections.get(name, "") for name in trace["sections"]},
            packages={p: self.now.packages[p] for p in _distributions(trace["packages"]) if p in self.now.packages},
            recalled={name: names[name] for name in recalled if name in names},
            seeds=trace["seeds"],
            kept=tree_hashes(part / "processed"),
            published=tree_hashes(part / "results"),
            entries=io.read_json(entries) if entries.is_file() else [],
        )

    def finish(self, watch: Stopwatch) -> None:
        """Gather what the notebooks made, write what is written once, and swap it all in."""
        from microresearch.study.finish import inputs_used, write_once, write_run_notes

        done = [self.done[stem] for stem in self.books]
        used = inputs_used(self.now, done)
        if input_hashes(self.place, self.content, used) != used:
            raise DataError(Problem("an input file was changed while the study ran", mend="run again"))
        folders = gather(self.place, done)
        write_once(self.place, self.spec, self.now, self.books, done, folders)
        write_run_notes(folders[0], self.ran, self.seconds, watch)
        commit(self.place, *folders)


def _names(needs: list[Done]) -> dict[str, str]:
    """Every name that a notebook may recall or show -> hash of what stands under it, and of the list itself."""
    names = {name: sha for one in needs for name, sha in one.record.names().items()}
    entries = [entry for one in needs for entry in one.record.entries]
    listed = [[e["kind"], e["name"], e.get("title") or e["number"]["text"]] for e in entries]
    return {**names, LIST: io.sha256_bytes(io.to_json(listed).encode())}


_DISTRIBUTIONS: dict[str, list[str]] = {}


def _distributions(modules: list[str]) -> list[str]:
    """The distributions that top-level modules came with."""
    if not _DISTRIBUTIONS:
        from importlib.metadata import packages_distributions

        _DISTRIBUTIONS.update(packages_distributions())
    found = {name for module in modules for name in _DISTRIBUTIONS.get(module, [])}
    return sorted({name.lower().replace("_", "-").replace(".", "-") for name in found})
