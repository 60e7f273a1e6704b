import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from microresearch.study.study import Study

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny study that has been run once."""
    from tiny import tiny_study

    from microresearch.cli import main

    root = tiny_study(tmp_path_factory.mktemp("finished") / "study")
    assert main(["run", "--study", str(root)]) == 0
    return root


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
