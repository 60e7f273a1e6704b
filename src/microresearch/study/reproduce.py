"""Do the published results come again? A run from raw data in a clean folder, held against what was published."""

import io as streams
import json
import subprocess
import tarfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from microresearch import io
from microresearch.errors import DataError, Problem
from microresearch.study.causes import Change, changes, trace_back
from microresearch.study.compare import Files, Finding, Tolerance, compare, summary
from microresearch.study.place import Place, find_place
from microresearch.study.run import run_study
from microresearch.study.spec import StudySpec
from microresearch.study.spec_file import read_spec
from microresearch.study.stamp import tree_hashes
from microresearch.study.state import named_files
from microresearch.study.unit_key import SEED, ensure_seed

BESIDE = ("requirements.lock", "environment.yml", "pyproject.toml")
"""Files of a study's folder that say in which environment it ran."""


@dataclass(frozen=True, slots=True)
class Reproduction:
    """What a rerun found.

    Attributes
    ----------
    title, against : str
        The study's; and what the rerun was held against.
    findings : tuple of Finding
        Every number, table and figure.
    changes : tuple of Change
        Inputs, settings, notebooks, library files and versions that differ from those of the published run.
    tolerance : Tolerance
    """

    title: str
    against: str
    findings: tuple[Finding, ...]
    changes: tuple[Change, ...]
    tolerance: Tolerance

    @property
    def inputs_differ(self) -> tuple[Change, ...]:
        """Inputs and settings that are not those of the published run."""
        return tuple(change for change in self.changes if change.kind in ("input", "setting"))

    @property
    def reproduced(self) -> bool:
        """Whether the same inputs gave every number, table and figure again, and nothing else."""
        return not self.inputs_differ and all(one.verdict == "reproduced" for one in self.findings)

    def moved(self) -> tuple[Finding, ...]:
        """The numbers, tables and figures that did not come again."""
        return tuple(one for one in self.findings if one.verdict != "reproduced")

    def counts(self) -> Mapping[str, int]:
        """How many were reproduced, differ, are missing, are new."""
        return {str(verdict): n for verdict, n in summary(self.findings).items()}


def reproduce(path: str | Path | None = None, archive: str | Path | None = None) -> Reproduction:
    """Run a study again from its raw data and compare with what was published.

    Parameters
    ----------
    path : str or Path, optional
        study.toml or its folder; the published results are those of git's last commit (HEAD), never the folder's.
    archive : str or Path, optional
        A study archive (`microresearch archive`) in place of git: with `path` its results alone count, and the study
        at `path` is run; without `path` the study in the archive is run.

    Returns
    -------
    Reproduction

    Raises
    ------
    DataError
        There is nothing published to compare with; an input is wrong.
    NotebookFailed
        A notebook stopped.

    Examples
    --------
    >>> reproduce("my-study").reproduced  # doctest: +SKIP
    True
    """
    if archive is None or path is not None:
        place = find_place(path)
        published = results_of_archive(Path(archive)) if archive else results_of_head(place)
        return _again(place, published, Path(archive).name if archive else "git's last commit (HEAD)")
    with io.scratch("microresearch-archive-") as folder:
        _unpack(Path(archive), folder)
        return _again(find_place(folder), results_of_archive(Path(archive)), Path(archive).name)


def _again(place: Place, published: Files, against: str) -> Reproduction:
    spec = read_spec(place.file)
    folder = io.fresh_folder(place.work / "reproduce")
    try:
        copy_study(place, spec, folder)
        if not spec.study.synthetic:  # units keep the names under which they were published
            io.write_json(folder / "data" / "processed" / SEED, {"seed": str(ensure_seed(place))})
        run_study(Place(folder / "study.toml"), force=True)
        made = {name: io.read_bytes(folder / "results" / name) for name in tree_hashes(folder / "results")}
    finally:
        io.remove(folder)
    tolerance = Tolerance(spec.reproduce.tolerance, tuple(spec.reproduce.wider.items()))
    findings = trace_back(compare(published, made, tolerance), published, made)
    before, after = (json.loads(files["provenance.json"]) for files in (published, made))
    return Reproduction(spec.study.title, against, tuple(findings), tuple(changes(before, after)), tolerance)


def copy_study(place: Place, spec: StudySpec, folder: Path) -> None:
    """Everything that a run starts from: study.toml, raw data, instruments, notebooks, the environment's files.

    Raises
    ------
    DataError
        A file lies outside the study's folder, so that no copy can be whole.
    """
    named = {place.of(name) for name in named_files(spec.model_dump(mode="json")).values()}
    notebooks = place.of(spec.run.folder)
    outside = sorted(str(p.name) for p in (*named, notebooks) if not p.is_relative_to(place.root.resolve()))
    if outside:
        mend = "put it into the study's folder"
        raise DataError([Problem("lies outside the study's folder", name, mend=mend) for name in outside])
    files = {place.file, *named, *io.list_files(place.root / "data" / "raw"), *io.list_files(notebooks, "*.ipynb")}
    files |= {place.root / name for name in BESIDE if (place.root / name).is_file()}
    for file in sorted(files):
        io.write_bytes(folder / file.resolve().relative_to(place.root.resolve()), io.read_bytes(file))


def results_of_head(place: Place) -> dict[str, bytes]:
    """The files of results/ as git's HEAD has them.

    Raises
    ------
    DataError
        No git, no repository, no commit, or no results in it.
    """
    mend = "commit results/, or compare with an archive: microresearch reproduce --archive study.zip"
    try:
        done = subprocess.run(
            ["git", "-C", str(place.root), "archive", "--format=tar", "HEAD", "results"],
            capture_output=True,
            check=False,
        )
    except FileNotFoundError:
        raise DataError(Problem("git is not installed, so there is no commit to compare with", mend=mend)) from None
    if done.returncode != 0:
        raise DataError(Problem("git's last commit holds no results/ of this study", mend=mend))
    with tarfile.open(fileobj=streams.BytesIO(done.stdout)) as tar:
        found = {}
        for member in tar.getmembers():
            data = tar.extractfile(member) if member.isfile() else None
            if data is not None:
                found[member.name.partition("results/")[2]] = data.read()
    return _whole(found, "git's last commit")


def results_of_archive(path: Path) -> dict[str, bytes]:
    """The files of results/ in a study archive; DataError when it is none."""
    names = {name for name in _names(path) if name.startswith("results/") and not name.endswith("/")}
    with zipfile.ZipFile(path) as file:
        return _whole({name.removeprefix("results/"): file.read(name) for name in sorted(names)}, path.name)


def _whole(files: dict[str, bytes], where: str) -> dict[str, bytes]:
    for name in ("numbers.json", "provenance.json"):
        if name not in files:
            mend = "run the study with microresearch run, and publish all of results/"
            raise DataError(Problem("these results were not made by a whole run", where, column=name, mend=mend))
    return files


def _names(path: Path) -> list[str]:
    data = io.read_bytes(path)
    try:
        with zipfile.ZipFile(streams.BytesIO(data)) as file:
            return file.namelist()
    except zipfile.BadZipFile:
        raise DataError(Problem("this is not a study archive (zip)", io.shown(path))) from None


def _unpack(path: Path, folder: Path) -> None:
    """All files of an archive, none of which may lie elsewhere."""
    for name in _names(path):
        parts = PurePosixPath(name)
        if parts.is_absolute() or ".." in parts.parts or ":" in name or "\\" in name:
            raise DataError(Problem("an entry of the archive points outside it", io.shown(path)))
    with zipfile.ZipFile(path) as file:
        for name in file.namelist():
            if not name.endswith("/"):
                io.write_bytes(folder / name, file.read(name))
    if not (folder / "study.toml").is_file():
        raise DataError(Problem("there is no study.toml in this archive", io.shown(path)))


def screen_table(result: Reproduction, most: int = 40) -> str:
    """The answer as one table of text: what moved, old and new, where it comes from and why."""
    lines = []
    for one in result.moved():
        first = one.differences[0] if one.differences else None
        more = f" (and {len(one.differences) - 1} more)" if len(one.differences) > 1 else ""
        size = f" ({first.size:+.3g})" if first and first.size is not None else ""
        said = f"{first.where}: {_short(first.old)} -> {_short(first.new)}{size}{more}" if first else ""
        lines.append((one.verdict, one.kind, one.name, said, one.notebook, one.cause))
    head = ("verdict", "kind", "name", "old -> new (difference)", "notebook", "cause")
    shown = [head, *lines[:most]]
    wide = [max(len(row[i]) for row in shown) for i in range(5)]
    text = "\n".join("  ".join([*(row[i].ljust(wide[i]) for i in range(5)), row[5]]).rstrip() for row in shown)
    left = f"\n... and {len(lines) - most} more, all in reproduction.html" if len(lines) > most else ""
    counts = result.counts()
    total = f"{counts['reproduced']} of {len(result.findings)} numbers, tables and figures reproduced"
    rest = ", ".join(f"{n} {verdict}" for verdict, n in counts.items() if n and verdict != "reproduced")
    told = [f"\n  {change}" for change in result.changes]
    beneath = f"\nChanged since:{''.join(told[:most])}" if told else ""
    beneath += f"\n  and {len(told) - most} more, all in reproduction.html" if len(told) > most else ""
    return (
        (f"{text}{left}\n" if lines else "")
        + total
        + (f"; {rest}" if rest else "")
        + f" (against {result.against})."
        + beneath
    )


def _short(text: str, most: int = 24) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def write_page(result: Reproduction, path: Path) -> Path:
    """reproduction.html: what differs with every place, what is the same, and what changed."""
    return io.write_text(path, page(result))


def page(result: Reproduction) -> str:
    """The page's text."""
    import pandas as pd

    from microresearch.report.page import Section, render
    from microresearch.report.tables import Table

    rows: list[dict[str, Any]] = [
        {"thing": one.name, "kind": one.kind, "verdict": one.verdict, "where": d.where, "old": d.old, "new": d.new,
         "difference": "" if d.size is None else f"{d.size:.3g}", "notebook": one.notebook,
         "made from": ", ".join(one.inputs), "cause": one.cause}
        for one in result.moved()
        for d in (one.differences or (_nothing(one),))
    ]  # fmt: skip
    same = [{"thing": one.name, "kind": one.kind, "notebook": one.notebook,
             "bytes": "the same" if one.same_bytes else "differ within the tolerance"}
            for one in result.findings if one.verdict == "reproduced"]  # fmt: skip
    changed = [
        {"kind": c.kind, "what": str(c), "published": _short(c.old), "now": _short(c.new)} for c in result.changes
    ]
    verdict = "Every number, table and figure came again." if result.reproduced else "Not everything came again."
    tolerance = f"Whole numbers and text exactly, other numbers within {result.tolerance.default:g}"
    wider = "".join(f"; {pattern} within {value:g}" for pattern, value in result.tolerance.wider)
    sections = [Section("Verdict", (verdict, f"Held against {result.against}.", f"{tolerance}{wider}."))]
    for heading, entries in (("What differs", rows), ("What changed beneath", changed), ("What came again", same)):
        if entries:
            sections.append(Section(heading, (), (Table(pd.DataFrame(entries, dtype="str"), heading),)))
    return render(f"Reproduction: {result.title}", sections)


def _nothing(one: Finding) -> Any:
    from microresearch.study.compare import Difference

    old, new = ("published", "not made again") if one.verdict == "missing" else ("not published", "made")
    return Difference("all of it", old, new)
