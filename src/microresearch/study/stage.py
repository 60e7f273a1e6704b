"""How do the pieces of a run become results/ and data/processed/? Gathered beside them, then swapped in at once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from microresearch import io
from microresearch.errors import Problem, SpecError
from microresearch.study.place import Place
from microresearch.study.record import Record

COMMIT = "commit.json"
NOTEBOOKS, RECORDS = "notebooks", "records"


@dataclass(frozen=True, slots=True)
class Done:
    """A notebook that is done: its record, and where what it made lies."""

    record: Record
    processed: Path
    results: Path
    executed: Path


def done_in_stage(place: Place, stem: str, record: Record) -> Done:
    """What an interrupted run left of a notebook, or this run made."""
    folder = place.work / "stage" / stem
    return Done(record, folder / "processed", folder / "results", folder / "executed.ipynb")


def done_before(place: Place, stem: str, record: Record) -> Done:
    """What the last whole run made of a notebook."""
    return Done(record, place.processed, place.results, place.processed / NOTEBOOKS / f"{stem}.ipynb")


def gather(place: Place, done: Sequence[Done]) -> tuple[Path, Path]:
    """Fresh copies of everything that the notebooks made: folders to become data/processed and results.

    Raises
    ------
    SpecError
        Two notebooks kept or published one name; all such names at once.
    """
    _refuse_doubles(done)
    processed, results = place.work / "processed", place.work / "results"
    for folder in (processed, results):
        io.fresh_folder(folder)
    for one in done:
        for source, target, files in (
            (one.processed, processed, one.record.kept),
            (one.results, results, one.record.published),
        ):
            for file in files:
                io.write_bytes(target / file, io.read_bytes(source / file))
        io.write_bytes(processed / NOTEBOOKS / f"{one.record.stem}.ipynb", io.read_bytes(one.executed))
        one.record.write(processed / RECORDS / f"{one.record.stem}.json")
    return processed, results


def _refuse_doubles(done: Sequence[Done]) -> None:
    makers: dict[tuple[str, str], list[str]] = {}
    for one in done:
        for name in sorted({file.split(".")[0] for file in one.record.kept if "/" not in file}):
            makers.setdefault(("kept", name), []).append(one.record.stem)
        for entry in one.record.entries:
            makers.setdefault(("published", entry["name"]), []).append(one.record.stem)
    problems = [
        Problem(f"{name!r} is {how} by {' and '.join(stems)}", mend="give each its own name")
        for (how, name), stems in makers.items()
        if len(stems) > 1
    ]
    if problems:
        raise SpecError(problems)


def carry_over(place: Place, results: Path, made_before: Iterable[str]) -> tuple[str, ...]:
    """Copy into the new results what lies in the old ones and no run made; the names of those files."""
    ours = set(made_before)
    carried = []
    for path in io.list_files(place.results):
        name = path.relative_to(place.results).as_posix()
        if name not in ours and not (results / name).exists() and "/" not in name:
            io.write_bytes(results / name, io.read_bytes(path))
            carried.append(name)
    return tuple(carried)


def commit(place: Place, processed: Path, results: Path) -> None:
    """Let the gathered folders take the places of the old ones: once commit.json stands, the new ones win."""
    swaps = [[processed.name, "data/processed"], [results.name, "results"]]
    io.write_json(place.work / COMMIT, swaps)
    finish_commit(place)


def finish_commit(place: Place) -> bool:
    """Finish a swap that a kill left half done; true when there was one."""
    for target in (place.processed, place.results):
        io.recover(target)
    note = place.work / COMMIT
    if not note.is_file():
        return False
    for name, target in io.read_json(note):
        if (place.work / name).is_dir():
            io.swap_in(place.work / name, place.root / target)
    io.remove(note)
    io.remove(place.work / "stage")
    return True
