"""Where does a study live, and where may the process that asks write? Folders, and the variables that a run sets."""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path

from microresearch import io
from microresearch.errors import Problem, SpecError

STUDY, STAGE, NOTEBOOK, NEEDS = (f"MICRORESEARCH_{name}" for name in ("STUDY", "STAGE", "NOTEBOOK", "NEEDS"))
"""Environment variables: study file; and, while the notebooks run: folder to write in, notebook, where to read."""


@dataclass(frozen=True, slots=True)
class Place:
    """The folders of a study.

    Attributes
    ----------
    file : Path
        study.toml; every other path in it counts from its folder, `root`.
    stage : Path or None
        Where the notebook that is being run writes; None when a person works in JupyterLab.
    notebook : str
        Stem of the notebook that is being run, else "".
    needs : dict
        Stem -> folder of kept tables, of each notebook whose results this one may read.
    """

    file: Path
    stage: Path | None = None
    notebook: str = ""
    needs: dict[str, Path] = field(default_factory=dict)

    @property
    def root(self) -> Path:
        """The folder of study.toml."""
        return self.file.parent

    @property
    def processed(self) -> Path:
        """Kept tables: private."""
        return self.root / "data" / "processed"

    @property
    def results(self) -> Path:
        """What may be published."""
        return self.root / "results"

    @property
    def work(self) -> Path:
        """What a run writes until it is whole."""
        return self.root / "data" / ".run"

    def of(self, name: str) -> Path:
        """A path as study.toml writes it, from the study's folder."""
        return (self.root / name).resolve() if not Path(name).is_absolute() else Path(name)

    def files(self, name: str) -> list[Path]:
        """The files that a name of study.toml stands for: a glob's, sorted, or a database's ("file.duckdb#table")."""
        path = self.of(name.partition("#")[0])
        if path.is_file():
            return [path]
        return list(io.list_files(path.parent, path.name)) if path.parent.is_dir() else []

    def said(self, path: Path) -> str:
        """A path as messages and records show it: from the study's folder where it lies inside, else its bare name."""
        path = path.resolve()
        root = self.root.resolve()
        return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name


def find_place(path: str | Path | None = None) -> Place:
    """The study at `path` (study.toml or its folder); without one, the nearest study.toml here or above.

    Raises
    ------
    SpecError
        There is none.
    """
    named = path or os.environ.get(STUDY)
    if named is None:
        found = io.find_upwards("study.toml")
        if found is None:
            mend = "go to the study's folder, or give its path"
            raise SpecError(Problem("there is no study.toml here or in a folder above", mend=mend))
        return Place(found)
    file = Path(named)
    file = (file / "study.toml" if file.is_dir() else file).absolute()
    if not file.is_file():
        raise SpecError(Problem("there is no such study file", file=file.name, mend="check the path"))
    if path is None and (stage := os.environ.get(STAGE)):
        needs = {stem: Path(folder) for stem, folder in json.loads(os.environ.get(NEEDS, "{}")).items()}
        return Place(file, Path(stage), os.environ.get(NOTEBOOK, ""), needs)
    return Place(file)
