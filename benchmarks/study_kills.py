"""Does a run that is killed at any moment leave nothing half done? SIGKILL at random moments, then one run to the end.

python benchmarks/study_kills.py [kills, default 30] (from 30 on it writes study_kills.csv)
"""

import csv
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
        rows = []
        for number in range(1, kills + 1):
            process = subprocess.Popen([*COMMAND, str(root), "--force"], stdout=subprocess.DEVNULL)
            moment = rng.uniform(0.05, 1.05)
            time.sleep(moment * seconds)
            ended = process.poll() is not None
            process.kill()
            process.wait()
            done = len(list((root / "data/.run/stage").glob("[0-9]*")))
            next_run = subprocess.run([*COMMAND, str(root)], check=False, stdout=subprocess.DEVNULL).returncode
            rows.append({
                "kill": number, "share_of_a_run": round(moment, 3), "had_ended": ended, "notebooks_done": done,
                "next_run_exit_code": next_run, "same_bytes": next_run == 0 and state(root) == whole,
            })  # fmt: skip
            print(*rows[-1].values(), flush=True)
    if kills >= 30:
        with (Path(__file__).parent / "study_kills.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    right = sum(row["same_bytes"] for row in rows)
    print(f"After {right} of {kills} kills the next run left the same bytes.")
    return int(right < kills)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 30))
