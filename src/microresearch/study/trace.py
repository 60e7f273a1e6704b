"""What did a notebook rest on? The files, settings, code and results that it used, noted while it runs."""

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

from microresearch import io

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
    """

    files: set[Path] = field(default_factory=set)
    sections: set[str] = field(default_factory=set)
    recalled: set[str] = field(default_factory=set)
    shown: set[str] = field(default_factory=set)
    seeds: dict[str, int] = field(default_factory=dict)

    def read(self, path: Path) -> None:
        """Note a file that something other than Python opens."""
        self.files.add(path.resolve())

    def watch(self, *roots: Path) -> None:
        """Note from now on every file under these folders that Python opens for reading; this cannot be undone."""
        under = tuple(f"{root.resolve()}{os.sep}" for root in roots)
        packages = f"{Path(sys.prefix).resolve()}{os.sep}"

        def opened(event: str, details: tuple[object, ...]) -> None:
            if event == "open" and isinstance(details[0], str) and details[1] in ("r", "rb", None):
                name = os.path.abspath(details[0])  # noqa: PTH100 (resolving links would open files again)
                if name.startswith(under) and not name.startswith(packages) and not name.endswith((".py", ".pyc")):
                    self.files.add(Path(name))

        sys.addaudithook(opened)


def modules_used() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Files of this library that are loaded, from its folder; and the top-level names of all other packages loaded."""
    ours, others = set(), set()
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if not isinstance(file, str):
            continue
        path = Path(file).resolve()
        if path.is_relative_to(LIBRARY):
            ours.add(path.relative_to(LIBRARY).as_posix())
        elif "site-packages" in path.parts or "dist-packages" in path.parts:
            others.add(name.partition(".")[0])
    return tuple(sorted(ours)), tuple(sorted(others))


def library_files() -> dict[str, str]:
    """Every file of the library, from its folder -> SHA-256."""
    return {
        path.relative_to(LIBRARY).as_posix(): io.sha256_file(path)
        for path in io.list_files(LIBRARY)
        if "__pycache__" not in path.parts and path.suffix != ".pyc"
    }
