"""Is another process at work on this folder? One lock a folder, let go by the system itself when its holder dies."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from microresearch.errors import DataError, Problem
from microresearch.io.files import shown


@contextmanager
def locked(path: str | Path, what: str) -> Iterator[None]:
    """Hold the lock file `path` for a `with` block; DataError, with `what` is going on, when another process has it."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        if not _take(handle):
            raise DataError(
                Problem(f"{what} is going on in another process", file=shown(path), mend="wait for its end")
            )
        yield
    finally:
        os.close(handle)


def _take(handle: int) -> bool:
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
