"""How does a folder of results change at once? Staged beside the old one, swapped in, and mended after a kill."""

import shutil
from pathlib import Path

from microresearch.errors import DataError, Problem
from microresearch.io.files import flush, shown


def stage(target: str | Path) -> Path:
    """A fresh, empty folder beside `target` to build its successor in; what a killed run left there is removed."""
    staged = _beside(Path(target), "staged")
    shutil.rmtree(staged, ignore_errors=True)
    staged.mkdir(parents=True)
    return staged


def swap_in(staged: str | Path, target: str | Path) -> Path:
    """Let the finished folder `staged` take the place of the folder `target`.

    Three renames with one point of no return: `staged` becomes `.target.next` (from here the new folder wins), `target`
    becomes `.target.old`, `.target.next` becomes `target`. A kill before that point leaves the old folder, one after it
    the new folder once `recover` has run. Both folders must lie on one disk.
    """
    staged, target = Path(staged), Path(target)
    if not staged.is_dir():
        raise DataError(Problem("there is no finished folder to put in place", file=shown(staged)))
    recover(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    for path in sorted(staged.rglob("*")):
        flush(path)
    flush(staged)
    staged.rename(_beside(target, "next"))
    flush(target.parent)
    recover(target)
    return target


def recover(target: str | Path) -> bool:
    """Finish a swap that a kill left half done; true when there was something to finish. Safe to call at any time."""
    target = Path(target)
    new, old = _beside(target, "next"), _beside(target, "old")
    if not (new.exists() or old.exists()):
        return False
    if new.exists():
        if target.exists():
            shutil.rmtree(old, ignore_errors=True)
            target.rename(old)
        new.rename(target)
    elif not target.exists():
        old.rename(target)
    flush(target.parent)
    shutil.rmtree(old, ignore_errors=True)
    return True


def clear_leftovers(directory: str | Path) -> int:
    """Remove the half-written parts that killed writers left under `directory`; how many there were.

    Call it when no other process writes there.
    """
    parts = [path for path in Path(directory).rglob(".*.part") if path.is_file()]
    for part in parts:
        part.unlink(missing_ok=True)
    return len(parts)


def _beside(target: Path, stage_name: str) -> Path:
    return target.with_name(f".{target.name}.{stage_name}")
