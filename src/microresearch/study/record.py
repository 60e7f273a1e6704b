"""Must a notebook run again? What it rested on at its last run, held against what is there now."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from microresearch import io
from microresearch.errors import DataError

MEMORY = "memory"
"""Folder, under kept tables, of what is remembered between runs."""


@dataclass(frozen=True, slots=True)
class Now:
    """The state of everything that a notebook can rest on.

    Attributes
    ----------
    inputs, library : mapping
        File -> SHA-256: raw files from the study's folder, the library's files from its own.
    sections : mapping
        Section of study.toml -> SHA-256 of what it says.
    packages : mapping
        Distribution -> version, of all that are installed; `python`: the interpreter's version.
    """

    inputs: Mapping[str, str]
    library: Mapping[str, str]
    sections: Mapping[str, str]
    packages: Mapping[str, str]
    python: str


@dataclass(frozen=True, slots=True)
class Record:
    """One notebook's last run: what it rested on and what it made, as hashes.

    Attributes
    ----------
    code : str
        Hash of its cells and needs.
    files, library, sections, packages : dict
        What it used, in the terms of `Now`; `recalled`: kept or published name -> hash of its files.
    kept, published : dict
        Files made, from the folder of kept values and from results/ -> hash.
    entries : list
        What it published, in the order of its calls.
    """

    stem: str
    code: str
    python: str
    files: dict[str, str] = field(default_factory=dict)
    library: dict[str, str] = field(default_factory=dict)
    sections: dict[str, str] = field(default_factory=dict)
    packages: dict[str, str] = field(default_factory=dict)
    recalled: dict[str, str] = field(default_factory=dict)
    seeds: dict[str, int] = field(default_factory=dict)
    kept: dict[str, str] = field(default_factory=dict)
    published: dict[str, str] = field(default_factory=dict)
    entries: list[dict[str, Any]] = field(default_factory=list)

    def changed(self, code: str, now: Now, names: Mapping[str, str]) -> Iterator[str]:
        """Every reason, in words, why the notebook must run again; `names`: kept or published name -> hash."""
        if self.code != code:
            yield "its cells changed"
        for file, sha in self.files.items():
            if now.inputs.get(file) != sha:
                yield f"{file} {'changed' if file in now.inputs else 'is gone'}"
        for section, sha in self.sections.items():
            if now.sections.get(section, "") != sha:
                yield f"[{section}] in study.toml changed"
        for name, sha in self.recalled.items():
            if names.get(name) != sha:
                yield f"{name} from an earlier notebook {'changed' if name in names else 'is gone'}"
        for file, sha in self.library.items():
            if now.library.get(file) != sha:
                yield f"the library's {file} {'changed' if file in now.library else 'is gone'}"
        if self.python != now.python:
            yield f"Python {self.python} became {now.python}"
        for package, version in self.packages.items():
            if now.packages.get(package) != version:
                yield f"{package} {version} became {now.packages.get(package, 'not installed')}"

    def intact(self, processed: Path, results: Path) -> Iterator[str]:
        """Every file of what it made that is no longer as it was made.

        What is remembered has its own checksum, and may have been written again by another notebook that asked for the
        same.
        """
        for folder, files in ((processed, self.kept), (results, self.published)):
            for file, sha in files.items():
                path = folder / file
                if not path.is_file():
                    yield f"{folder.name}/{file} is gone"
                elif not file.startswith(f"{MEMORY}/") and io.sha256_file(path) != sha:
                    yield f"{folder.name}/{file} was changed"

    def names(self) -> dict[str, str]:
        """Kept and published names -> one hash over the files of each."""
        made: dict[str, dict[str, str]] = {}
        for file, sha in self.kept.items():
            made.setdefault(file.split(".")[0], {})[file] = sha
        for entry in self.entries:
            files = {file: self.published[file] for file in entry["files"]}
            made[f"published {entry['name']}"] = files or {"value": io.sha256_bytes(io.to_json(entry).encode())}
        return {name: io.sha256_bytes(io.to_json(files).encode()) for name, files in made.items()}

    def write(self, path: Path) -> None:
        """Write it as JSON."""
        io.write_json(path, asdict(self))


def read_record(path: Path) -> Record | None:
    """The record in a file; None where there is none that this version wrote."""
    try:
        content = io.read_json(path) if path.is_file() else None
    except DataError:
        return None
    known = set(Record.__dataclass_fields__)
    return Record(**content) if isinstance(content, dict) and set(content) == known else None
