"""What is there now that results rest on? Hashes of inputs, settings and code, versions of packages; nothing heavy."""

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from microresearch import io
from microresearch.study.place import Place
from microresearch.study.record import Now
from microresearch.study.trace import library_files

_FILES = {
    "survey": ("file", "dictionary"), "content_validity": ("file",), "roster": ("file",), "units": ("file",),
    "exposure": ("file",), "encounters": ("admissions", "costs", "ccr"),
    "unit_months": ("file",),
}  # fmt: skip


def named_files(content: dict[str, Any]) -> dict[str, str]:
    """Key path in study.toml -> the file it names, for every data file and instrument file, as written."""
    names = content.get("study", {}).get("instruments", [])
    found = {f"study.instruments[{i}]": n for i, n in enumerate(names, 1) if isinstance(n, str) and n.endswith(".toml")}
    for section, keys in _FILES.items():
        part = content.get(section)
        table: dict[str, Any] = part if isinstance(part, dict) else {}
        found |= {f"{section}.{key}": table[key] for key in keys if isinstance(table.get(key), str)}
    return found


def section_hashes(content: dict[str, Any]) -> dict[str, str]:
    """Section of study.toml -> hash of what it says (not of its comments)."""
    return {
        name: io.sha256_bytes(json.dumps(part, sort_keys=True, default=str).encode()) for name, part in content.items()
    }


def setting_hashes(content: dict[str, Any], path: str = "") -> dict[str, str]:
    """Key of study.toml, as in `scores.missing` or `cleaning[2].rule` -> hash of its value.

    Examples
    --------
    >>> list(setting_hashes({"scores": {"missing": "half"}, "cleaning": [{"rule": "time"}], "run": {}}))
    ['scores.missing', 'cleaning[1].rule']
    """
    found: dict[str, str] = {}
    for key, value in content.items():
        name = f"{path}.{key}" if path else key
        if isinstance(value, dict):
            found |= setting_hashes(value, name)
        elif isinstance(value, list) and value and all(isinstance(one, dict) for one in value):
            for number, one in enumerate(value, 1):
                found |= setting_hashes(one, f"{name}[{number}]")
        else:
            found[name] = io.sha256_bytes(json.dumps(value, sort_keys=True, default=str).encode())
    return found


def input_hashes(place: Place, content: dict[str, Any], more: Iterable[str] = ()) -> dict[str, str]:
    """File as records show it -> hash, of the files named in study.toml and `more` that exist."""
    paths = [path for name in (*named_files(content).values(), *more) for path in place.files(name)]
    return {place.said(path): io.sha256_file(path) for path in paths}


def installed() -> dict[str, str]:
    """Distribution -> version, of everything installed, read from the names of the metadata folders."""
    found: dict[str, str] = {}
    for folder in reversed(sys.path):
        for entry in Path(folder).glob("*.dist-info") if folder and Path(folder).is_dir() else ():
            name, _, version = entry.name.removesuffix(".dist-info").partition("-")
            found[name.lower().replace("_", "-").replace(".", "-")] = version
    return found


def lock_hash(place: Place) -> dict[str, str]:
    """The study's lock file, where it has one -> hash."""
    lock = place.root / "requirements.lock"
    return {lock.name: io.sha256_file(lock)} if lock.is_file() else {}


def python_version() -> str:
    """The interpreter's version, as 3.11.9."""
    return ".".join(map(str, sys.version_info[:3]))


def state_now(place: Place, content: dict[str, Any], more: Iterable[str] = ()) -> Now:
    """All of it."""
    return Now(
        inputs=input_hashes(place, content, more),
        library=library_files(),
        sections=section_hashes(content),
        packages=installed(),
        python=python_version(),
    )
