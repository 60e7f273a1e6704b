"""A sample of `benchmarks/study_mutations.py`: a change of every kind, and none, each told as it is."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "study_mutations.py"


@pytest.mark.skipif(sys.platform == "win32", reason="processes are not forked there")
def test_what_a_rerun_lists_is_what_moved() -> None:
    done = subprocess.run(
        [sys.executable, str(BENCHMARK), "5"], capture_output=True, text=True, check=False, env={**os.environ}
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "6 of 6 reruns told exactly what moved and why." in done.stdout
