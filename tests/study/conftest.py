import os
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from microresearch.study.study import Study

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny study that has been run once, by whichever of the processes that share these tests needs it first."""
    from microresearch.errors import DataError
    from microresearch.io.locks import locked

    base = tmp_path_factory.getbasetemp()
    base = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    while True:
        try:
            with locked(base / "finished.lock", "the first run"):
                return run_once(base / "finished")
        except DataError as error:
            if "in another process" not in str(error):
                raise
        time.sleep(0.2)


def run_once(folder: Path) -> Path:
    """The study in this folder: a run that was cut short is begun anew, one that came to its end is taken as it is."""
    from tiny import tiny_study

    from microresearch.cli import main

    if not (folder / "whole").exists():
        shutil.rmtree(folder, ignore_errors=True)
        root = tiny_study(folder / "study")
        assert main(["run", "--study", str(root)]) == 0
        (folder / "whole").touch()
    return folder / "study"


@pytest.fixture
def ran(finished: Path, tmp_path: Path) -> Path:
    """A copy of it, to spoil."""
    shutil.copytree(finished, tmp_path / "study")
    return tmp_path / "study"


@pytest.fixture
def study(tmp_path: Path) -> "Study":
    """A study as a notebook of a run sees it."""
    from tiny import tiny_study

    from microresearch import io
    from microresearch.study.place import Place
    from microresearch.study.spec_file import read_spec
    from microresearch.study.study import Study

    root = tiny_study(tmp_path / "study")
    stage = tmp_path / "stage"
    stage.mkdir()
    place = Place(root / "study.toml", stage, "05-try", {})
    io.write_json(stage / "published-before.json", {})
    return Study(place, read_spec(place.file))
