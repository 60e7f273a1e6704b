import shutil
import sys
from pathlib import Path

import pytest

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
