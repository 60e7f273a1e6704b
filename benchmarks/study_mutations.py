"""Does a rerun find every change, and list what moved and nothing else? Random single changes of a small study.

python benchmarks/study_mutations.py [changes, default 100] (from 100 on it writes study_mutations.csv)

Changed are: a raw cell, a setting, a number in the library's code, a number that was published, the version of a
package; and after every five changes, nothing, when nothing may be found. What truly moved is told by another way: an
incremental run of the changed study, whose files are compared by the few lines below. Every tenth rerun uses real
kernels. The reruns are spread over one core and two, two hash seeds, and one and two BLAS threads.
"""

import compileall
import csv
import itertools
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "tests" / "study")]

from changed import KINDS, small_study, truly_moved  # noqa: E402
from forked import call, use_forks  # noqa: E402

HERE = Path(__file__).parent
SOURCE = HERE.parent / "src"
MACHINES = tuple(itertools.product((1, 2), (1, 2), (1, 2)))
"""Cores, hash seed, BLAS threads."""


def on(library: str, packages: str, kernels: bool) -> None:
    """Let this process work on the library and the packages that lie in these folders, and say nothing."""
    sys.path[:0] = [library, packages]
    os.environ["PYTHONPATH"] = f"{library}{os.pathsep}{packages}"
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    if not kernels:
        use_forks(library)


def prepare(study: str, archive: str, library: str, packages: str, kernels: bool) -> None:
    """Run the study and pack it: what is published."""
    on(library, packages, kernels)
    from microresearch.study.archive import archive_study
    from microresearch.study.place import find_place
    from microresearch.study.run import run_study

    run_study(find_place(study))
    archive_study(find_place(study), Path(archive), True)


def rerun(study: str, archive: str, library: str, packages: str, kernels: bool, answer: str) -> None:
    """Reproduce a study, then run what changed in it: what was listed, and whether the run came to its end."""
    on(library, packages, kernels)
    from microresearch.errors import MicroresearchError
    from microresearch.study.place import find_place
    from microresearch.study.reproduce import reproduce
    from microresearch.study.run import run_study

    said: dict[str, Any] = {}
    for name, what in (
        ("reproduce", lambda: reproduce(study, archive)),
        ("run", lambda: run_study(find_place(study))),
    ):
        try:
            said[name] = what()
        except MicroresearchError as error:
            said[name] = f"stopped: {error}"[:300]
    found = said["reproduce"]
    if not isinstance(found, str):
        said["reproduce"] = {
            "reproduced": found.reproduced,
            "moved": {one.name: one.cause for one in found.moved()},
            "changes": [str(change) for change in found.changes],
        }
    said["run"] = said["run"] if isinstance(said["run"], str) else "done"
    Path(answer).write_text(json.dumps(said))


def one(rng: random.Random, kind: str, folder: Path, kernels: bool) -> dict[str, Any]:
    """Make one change, rerun, and hold what is listed against what moved."""
    study, library, packages = folder / "study", folder / "library", folder / "site-packages"
    for path in (study, library, packages):
        shutil.rmtree(path, ignore_errors=True)
    shutil.copytree(folder / "base", study)
    shutil.copytree(folder / "base-library", library)
    shutil.copytree(folder / "base-packages", packages)
    shutil.copy(folder / "base.zip", folder / "against.zip")
    change = KINDS[kind](rng, folder)
    answer = folder / "answer.json"
    answer.unlink(missing_ok=True)
    call(rerun, str(study), str(folder / "against.zip"), str(library), str(packages), kernels, str(answer))
    said = json.loads(answer.read_text()) if answer.exists() else {"reproduce": "stopped", "run": "stopped"}
    moved = change.moved if change.moved is not None else truly_moved(folder / "base/results", study / "results")
    row = {"kind": kind, "change": change.what, "kernels": kernels}
    if isinstance(said["reproduce"], str) or said["run"] != "done":
        stopped = isinstance(said["reproduce"], str) and said["run"] != "done"
        return {**row, "moved": "the run stops", "listed": "the run stops" if stopped else "", "right": stopped}
    found = said["reproduce"]
    listed = sorted(found["moved"])
    named = not change.named or any(change.named in line for line in [*found["changes"], *found["moved"].values()])
    caused = all(change.named in cause and "one or more" not in cause for cause in found["moved"].values())
    alarm = found["reproduced"] == (kind == "nothing" or (kind in ("code", "version") and not moved))
    quiet = kind != "nothing" or not found["changes"]
    wrong = [
        name
        for name, right in (
            ("list", listed == sorted(moved)),
            ("change", named),
            ("cause", caused),
            ("verdict", alarm),
            ("alarm", quiet),
        )
        if not right
    ]
    told = {"moved": " ".join(sorted(moved)), "listed": " ".join(listed), "right": not wrong}
    if wrong:
        print("wrong:", *wrong, said, flush=True)
    return row | told


def part(machine: int, changes: int, folder: Path) -> int:
    """The changes of one machine, in this interpreter, which was started for it."""
    cores, seed, threads = MACHINES[machine]
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
    kinds = [*(kind for kind in KINDS if kind != "nothing"), "nothing"]
    rows = []
    for number in range(changes + changes // 5):
        if number // len(kinds) % len(MACHINES) == machine:
            rng = random.Random(f"20240108-{number}")
            kernels = number % 10 == 9
            found = one(rng, kinds[number % len(kinds)], folder / ("kernels" if kernels else "forks"), kernels)
            rows.append({"number": number + 1, "cores": cores, "hash_seed": seed, "blas_threads": threads, **found})
            print(*rows[-1].values(), flush=True)
    (folder / f"{machine}.json").write_text(json.dumps(rows))
    return 0


def main(changes: int) -> int:
    """Every machine in turn; the table, and how many were told right."""
    rows: list[dict[str, Any]] = []
    numbers = range(changes + changes // 5)
    machines = sorted({number // len(KINDS) % len(MACHINES) for number in numbers})
    with tempfile.TemporaryDirectory() as folder:
        for how in ("forks", "kernels") if len(numbers) >= 10 else ("forks",):
            root = Path(folder) / how
            small_study(root)
            shutil.copytree(SOURCE, root / "base-library", ignore=shutil.ignore_patterns("__pycache__"))
            compileall.compile_dir(root / "base-library", quiet=2)
            shutil.copytree(root / "base-library", root / "library")
            shutil.copytree(root / "base-packages", root / "site-packages")
            places = [str(root / name) for name in ("base", "base.zip", "library", "site-packages")]
            if not call(prepare, *places, how == "kernels"):
                raise SystemExit("the study does not run")
        for machine in machines:
            _, seed, threads = MACHINES[machine]
            fixed = {f"{name}_NUM_THREADS": str(threads) for name in ("OMP", "OPENBLAS", "MKL")}
            subprocess.run(
                [sys.executable, __file__, str(machine), str(changes), folder],
                env={**os.environ, **fixed, "PYTHONHASHSEED": str(seed)},
                check=True,
            )
            rows += json.loads((Path(folder) / f"{machine}.json").read_text())
    rows.sort(key=lambda row: row["number"])
    if changes >= 100:
        with (HERE / "study_mutations.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    right = sum(row["right"] for row in rows)
    print(f"{right} of {len(rows)} reruns told exactly what moved and why.")
    return int(right < len(rows))


if __name__ == "__main__":
    if len(sys.argv) > 2:
        sys.exit(part(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])))
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 100))
