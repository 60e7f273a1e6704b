"""Was this computed before? What a function of the library gave for the same arguments, code and packages, recalled."""

import json
import sys
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from microresearch import io
from microresearch.errors import DataError
from microresearch.study.closure import files_behind
from microresearch.study.codec import pack, unpack
from microresearch.study.packed_bytes import from_bytes, to_bytes
from microresearch.study.place import Place
from microresearch.study.record import MEMORY, Now
from microresearch.study.state import installed, python_version
from microresearch.study.trace import LIBRARY, Trace, library_files, packages_of

STATE = "memory.json"
"""The file that tells a notebook what it may go by."""


def let_remember(part: Path, now: Now, folders: list[Path]) -> None:
    """Tell the notebook that writes to `part` what is there now, and in which folders earlier runs left what they know.

    Without a folder everything is computed anew.
    """
    state = {"library": dict(now.library), "packages": dict(now.packages), "python": now.python}
    io.write_json(part / STATE, {**state, "folders": [str(folder) for folder in folders]})


@dataclass
class Memory:
    """The memory of one notebook; see `Study.remember`."""

    place: Place
    trace: Trace

    def __post_init__(self) -> None:
        self._loaded = frozenset(sys.modules)

    def remember(self, function: Callable[..., Any], args: tuple[Any, ...], settings: Mapping[str, Any]) -> Any:
        """What the function gives, recalled where it is known.

        The first time too, function and notebook get what was written down and read back, so that no run can differ
        from one that recalls. What cannot be written down, and what warns or reads a file of the study, is not
        remembered.
        """
        name = f"{function.__module__}:{function.__qualname__}"
        if not _is_ours(name):
            raise DataError(f"only functions of this library are remembered, and {name!r} is none.")
        try:
            given = to_bytes(pack([list(args), dict(settings)]))
        except DataError:
            return function(*args, **settings)
        behind = files_behind(function.__module__, self._state["library"])
        self.trace.behind |= set(behind)
        key = self._key(name, behind, given)
        known = self._find(key, name)
        if known is None:
            again: Any = unpack(from_bytes(given))
            return self._compute(key, name, behind, lambda: function(*again[0], **again[1]))
        self.trace.packages |= set(known["packages"])
        self.trace.files |= {LIBRARY / file for file in known["files"]}
        self._write(key, known)
        return unpack(from_bytes(known["value"].encode()))

    @cached_property
    def _state(self) -> dict[str, Any]:
        """What a run told; by hand, what is there, and what the last run left."""
        if self.place.stage is not None and (self.place.stage / STATE).is_file():
            return dict(io.read_json(self.place.stage / STATE))
        folders: list[str] = [] if self.place.stage else [str(self.place.processed / MEMORY)]
        now = {"library": library_files(), "packages": installed(), "python": python_version()}
        return {**now, "folders": folders}

    def _key(self, name: str, behind: tuple[str, ...], given: bytes) -> str:
        state = self._state
        rests_on = {
            "function": name,
            "given": io.sha256_bytes(given),
            "library": {file: state["library"][file] for file in behind},
            "packages": state["packages"],
            "python": state["python"],
        }
        return io.sha256_bytes(json.dumps(rests_on, sort_keys=True).encode())

    def _find(self, key: str, name: str) -> dict[str, Any] | None:
        """The entry under a key, unless none is there or it is not as it was written."""
        for folder in self._state["folders"]:
            path = Path(folder) / f"{key}.json"
            try:
                entry = io.read_json(path) if path.is_file() else None
            except DataError:
                continue
            if isinstance(entry, dict) and entry.pop("sha256", "") == _sum(entry) and entry.get("function") == name:
                return entry
        return None

    def _compute(self, key: str, name: str, behind: tuple[str, ...], call: Callable[[], Any]) -> Any:
        before, self.trace.files = self.trace.files, set()
        try:
            with warnings.catch_warnings(record=True) as said:
                made = call()
            opened = frozenset(self.trace.files)
        finally:
            self.trace.files |= before
        for one in said:
            warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)
        try:
            value = to_bytes(pack(made))
        except DataError:
            return made
        ours = {path for path in opened if path.is_relative_to(LIBRARY)}
        if not said and ours == opened and self._same_code(behind):
            entry = {
                "function": name,
                "packages": packages_of(set(sys.modules) - self._loaded),
                "files": sorted(path.relative_to(LIBRARY).as_posix() for path in ours),
                "value": value.decode(),
            }
            self._write(key, entry)
        return unpack(from_bytes(value))

    def _same_code(self, behind: tuple[str, ...]) -> bool:
        """Whether the code on disk is still that of the key, for it may have been changed before it was loaded."""
        return all(io.sha256_file(LIBRARY / file) == self._state["library"][file] for file in behind)

    def _write(self, key: str, entry: Mapping[str, Any]) -> None:
        """Only a run writes; what it does not use is gone when its folder takes the place of the old one."""
        if self.place.stage is not None:
            path = self.place.stage / "processed" / MEMORY / f"{key}.json"
            io.write_json(path, {**entry, "sha256": _sum(entry)})


def _sum(entry: Mapping[str, Any]) -> str:
    return io.sha256_bytes(json.dumps(entry, sort_keys=True).encode())


def _is_ours(name: str) -> bool:
    module, _, function = name.partition(":")
    return module.startswith(f"{LIBRARY.name}.") and "<" not in function and "." not in function
