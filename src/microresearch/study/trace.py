"""What did a notebook rest on? The files, settings, code and results that it used, noted while it runs."""

import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from microresearch import io
from microresearch.errors import SpecError
from microresearch.study.place import STAGE, Place

LIBRARY = Path(__file__).resolve().parents[1]


@dataclass(slots=True)
class Trace:
    """Notes of one notebook's run.

    Attributes
    ----------
    files : set of Path
        Files read under the study's folder or the library's.
    sections : set of str
        Sections of study.toml that were looked at.
    recalled : set of str
        Names of kept results that were read; `shown`: names of published things that were shown again.
    seeds : dict
        Task -> seed that it was given.
    behind, packages : set of str
        The library's files, and the packages, on which remembered results rest.
    """

    files: set[Path] = field(default_factory=set)
    sections: set[str] = field(default_factory=set)
    recalled: set[str] = field(default_factory=set)
    shown: set[str] = field(default_factory=set)
    seeds: dict[str, int] = field(default_factory=dict)
    behind: set[str] = field(default_factory=set)
    packages: set[str] = field(default_factory=set)

    def read(self, path: Path) -> None:
        """Note a file that something other than Python opens."""
        self.files.add(path.resolve())


_WATCHED: list[tuple[Place, Trace]] = []


def watch(place: Place, trace: Trace) -> None:
    """Note from now on every file of the study and the library that Python opens for reading; this cannot be undone."""
    under = tuple(f"{root.resolve()}{os.sep}" for root in (place.root, LIBRARY))
    packages = f"{Path(sys.prefix).resolve()}{os.sep}"

    def opened(event: str, details: tuple[object, ...]) -> None:
        if event == "open" and isinstance(details[0], str) and _reads(details[1], details[2]):
            name = os.path.abspath(details[0])  # noqa: PTH100 (resolving links would open files again)
            if name.startswith(under) and not name.startswith(packages) and not _is_code(name):
                trace.files.add(Path(name))

    sys.addaudithook(opened)
    _WATCHED.append((place, trace))


def _reads(mode: object, flags: object) -> bool:
    """Whether a file is opened to be read: by the mode of `open`, or where there is none by the flags of `os.open`."""
    if mode is None:
        return isinstance(flags, int) and not flags & (os.O_WRONLY | os.O_RDWR)
    return mode in ("r", "rb")


def _is_code(name: str) -> bool:
    """Code, or what Python makes of it: under a passing name too, while it is being written."""
    return name.endswith((".py", ".pyc")) or f"{os.sep}__pycache__{os.sep}" in name


def finish_notebook() -> None:
    """Write down what the notebook used; a run calls it after the last cell."""
    stage = os.environ.get(STAGE)
    if stage is None:
        raise SpecError("finish_notebook is called by a run, after a notebook's last cell.")
    ours, others = modules_used()
    traces = [trace for _, trace in _WATCHED]
    files = {place.said(path) for place, trace in _WATCHED for path in trace.files if _is_input(place, path)}
    library = {p.relative_to(LIBRARY).as_posix() for t in traces for p in t.files if p.is_relative_to(LIBRARY)}
    io.write_json(
        Path(stage) / "trace.json",
        {
            "files": sorted(files - {place.file.name for place, _ in _WATCHED}),
            "library": sorted({*ours, *library, *(file for trace in traces for file in trace.behind)}),
            "packages": sorted({*others, *(name for trace in traces for name in trace.packages)}),
            "recalled": sorted({name for trace in traces for name in trace.recalled}),
            "shown": sorted({name for trace in traces for name in trace.shown}),
            "sections": sorted({name for trace in traces for name in trace.sections}),
            "seeds": {task: seed for trace in traces for task, seed in trace.seeds.items()},
        },
    )


def _is_input(place: Place, path: Path) -> bool:
    """Whether a file is one that a person put there, and not what runs make."""
    made = (place.work, place.processed, place.results, LIBRARY)
    outside = not any(path.is_relative_to(folder.resolve()) for folder in made)
    return outside and path.is_relative_to(place.root.resolve()) and path.is_file()


def modules_used() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Files of this library that are loaded, from its folder; and the top-level names of all other packages loaded."""
    loaded = list(_loaded_from(list(sys.modules)))
    ours = {path.relative_to(LIBRARY).as_posix() for _, path in loaded if path.is_relative_to(LIBRARY)}
    return tuple(sorted(ours)), tuple(_installed(loaded))


def packages_of(modules: Iterable[str]) -> list[str]:
    """The top-level names of those of these loaded modules that were installed, and are not this library's."""
    return _installed(_loaded_from(list(modules)))


def _installed(loaded: Iterable[tuple[str, Path]]) -> list[str]:
    found = {
        name.partition(".")[0]
        for name, path in loaded
        if not path.is_relative_to(LIBRARY) and {"site-packages", "dist-packages"} & set(path.parts)
    }
    return sorted(found)


def _loaded_from(modules: list[str]) -> Iterator[tuple[str, Path]]:
    for name in modules:
        file = getattr(sys.modules.get(name), "__file__", None)
        if isinstance(file, str):
            yield name, Path(file).resolve()


def library_files() -> dict[str, str]:
    """Every file of the library, from its folder -> SHA-256."""
    return {
        path.relative_to(LIBRARY).as_posix(): io.sha256_file(path)
        for path in io.list_files(LIBRARY)
        if "__pycache__" not in path.parts and path.suffix != ".pyc"
    }
