"""How does a folder of results change at once? Staged beside the old one, swapped in, and mended after a kill."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from microresearch.errors import DataError, Problem
from microresearch.io.files import flush, shown


def stage(target: str | Path) -> Path:
    """A fresh, empty folder beside `target` to build its successor in; what a killed run left there is removed."""
    return fresh_folder(_beside(Path(target), "staged"))


def fresh_folder(path: str | Path) -> Path:
    """An empty folder at `path`; whatever was there is removed."""
    path = Path(path)
    remove(path)
    path.mkdir(parents=True)
    return path


def remove(path: str | Path) -> None:
    """Remove a file, or a folder with all that is in it; nothing happens where there is none."""
    path = Path(path)
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def move(source: str | Path, target: str | Path) -> Path:
    """Give a file or folder another name on the same disk, in one step; DataError when something else is there."""
    source, target = Path(source), Path(target)
    if target.exists():
        raise DataError(Problem("something is already there", file=shown(target)))
    target.parent.mkdir(parents=True, exist_ok=True)
    source.rename(target)
    flush(target.parent)
    return target


@contextmanager
def scratch(prefix: str = "microresearch-") -> Iterator[Path]:
    """A folder in the system's temporary place for a `with` block; it is removed with all that is in it."""
    with tempfile.TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


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
            target.rename(old)
        new.rename(target)
    elif not target.exists():
        old.rename(target)
    flush(target.parent)
    remove(old)
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
