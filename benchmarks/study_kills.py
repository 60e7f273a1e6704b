"""Does a run that is killed at any moment leave nothing half done? SIGKILL at random moments, then one run to the end.

python benchmarks/study_kills.py [kills, default 30]
"""

import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "study"))

from tiny import tiny_study

from microresearch.study.stamp import VARYING, tree_hashes

COMMAND = [sys.executable, "-m", "microresearch.cli", "run", "--study"]


def state(root: Path) -> dict[str, str]:
    """Everything that a run makes and that may not vary."""
    kept = {f"p/{name}": sha for name, sha in tree_hashes(root / "data/processed").items() if name not in VARYING}
    return kept | {f"r/{name}": sha for name, sha in tree_hashes(root / "results").items()}


def main(kills: int) -> int:
    """Kill, look, run on; print what was found."""
    rng = random.Random(20240108)
    with tempfile.TemporaryDirectory() as folder:
        root = tiny_study(Path(folder) / "study")
        start = time.perf_counter()
        subprocess.run([*COMMAND, str(root)], check=True, stdout=subprocess.DEVNULL)
        whole, seconds = state(root), time.perf_counter() - start
        broken = 0
        for number in range(1, kills + 1):
            process = subprocess.Popen([*COMMAND, str(root), "--force"], stdout=subprocess.DEVNULL)
            time.sleep(rng.uniform(0.05, 1.05) * seconds)
            process.kill()
            process.wait()
            subprocess.run([*COMMAND, str(root)], check=True, stdout=subprocess.DEVNULL)
            same = state(root) == whole
            broken += not same
            print(f"kill {number}: {'same results' if same else 'DIFFERENT RESULTS'}", flush=True)
    print(f"{kills - broken} of {kills} kills left nothing behind.")
    return int(broken > 0)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 30))
