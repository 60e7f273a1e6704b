"""Is everything as the last run left it? Answered before anything heavy is imported."""

from pathlib import Path
from typing import Any

from microresearch import io
from microresearch.errors import DataError
from microresearch.study.place import Place
from microresearch.study.state import lock_hash, python_version, state_now

STAMP = "stamp.json"
PARTS = ("python", "study", "lock", "notebooks", "inputs", "library", "packages", "processed", "results")
VARYING = ("run.json", STAMP)
"""Files of data/processed that tell of the run itself."""


def write_stamp(folder: Path, **parts: Any) -> None:
    """Write down the state that a finished run rests on and left."""
    io.write_json(folder / STAMP, parts)


def tree_hashes(folder: Path) -> dict[str, str]:
    """Every file under a folder -> hash."""
    return {path.relative_to(folder).as_posix(): io.sha256_file(path) for path in io.list_files(folder)}


def unchanged(place: Place) -> bool:
    """Whether a run would give what is there already, to the byte."""
    stamp = _read(place.processed / STAMP)
    if stamp is None or (place.work / "commit.json").is_file():
        return False
    now_here = [python_version(), io.sha256_file(place.file), lock_hash(place)]
    if [stamp["python"], stamp["study"], stamp["lock"]] != now_here:
        return False
    content = io.read_toml(place.file)
    if stamp["notebooks"] != _notebooks(place, content):
        return False
    now = state_now(place, content, stamp["inputs"])
    packages = {name: now.packages.get(name) for name in stamp["packages"]}
    if (now.inputs, now.library, packages) != (stamp["inputs"], stamp["library"], stamp["packages"]):
        return False
    processed = {name: sha for name, sha in tree_hashes(place.processed).items() if name not in VARYING}
    return processed == stamp["processed"] and tree_hashes(place.results) == stamp["results"]


def _read(path: Path) -> dict[str, Any] | None:
    """The stamp; None where there is none, or one that this version did not write."""
    try:
        stamp = io.read_json(path) if path.is_file() else None
    except DataError:
        return None
    return stamp if isinstance(stamp, dict) and set(PARTS) <= set(stamp) else None


def _notebooks(place: Place, content: dict[str, Any]) -> dict[str, str]:
    """The notebooks that a run would take up -> hash."""
    run = content.get("run", {})
    found = io.list_files(place.of(run.get("folder", "notebooks")), "[0-9][0-9]-*.ipynb")
    chosen = run.get("notebooks")
    return {place.said(p): io.sha256_file(p) for p in found if chosen is None or p.stem in chosen}
