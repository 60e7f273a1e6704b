"""Does a rerun find every change, and no other? Random single changes, each with what must move known beforehand.

python benchmarks/study_mutations.py [changes, default 100]

Changed are: a raw cell that is used, a setting, a constant of the library's code, a number in a published table. Every
fifth rerun changes nothing, and nothing may be found.
"""

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "study"))

from tiny import tiny_study

SOURCE = Path(__file__).parents[1] / "src"
RERUN = """
import json, sys
from microresearch.study.reproduce import reproduce
found = reproduce(sys.argv[1], sys.argv[2])
print("FOUND" + json.dumps([found.reproduced, sorted(one.name for one in found.moved())]))
"""
Change = Callable[[random.Random, Path, Path], set[str]]


def raw_cell(rng: random.Random, study: Path, library: Path) -> set[str]:
    """One unit's share: the table and the mean move, the number of units does not."""
    path = study / "data/raw/units.csv"
    lines = path.read_text().splitlines()
    row = rng.randrange(1, len(lines))
    unit, share = lines[row].split(",")
    lines[row] = f"{unit},{float(share) + rng.choice([0.01, 0.002, -0.05]):.4f}"
    path.write_text("\n".join(lines) + "\n")
    return {"shares", "size.mean"}


def setting(rng: random.Random, study: Path, library: Path) -> set[str]:
    """The threshold of disclosure: at 12 and more the number of units is hidden."""
    threshold = rng.choice([5, 11, 12, 20])
    with (study / "study.toml").open("a") as file:
        file.write(f"\n[disclosure]\nthreshold = {threshold}\n")
    return {"size.units"} if threshold >= 12 else set()


def code(rng: random.Random, study: Path, library: Path) -> set[str]:
    """A constant of the library: how many decimals a number's words have."""
    path = library / "microresearch/report/numbers.py"
    text = path.read_text()
    assert "decimals: int = 2" in text
    path.write_text(text.replace("decimals: int = 2", f"decimals: int = {rng.choice([1, 3, 4])}"))
    return {"size.mean"}


def published(rng: random.Random, study: Path, library: Path) -> set[str]:
    """One number of the archive's table: changed in `main`, which packs the archive."""
    return {"shares"}


def nothing(rng: random.Random, study: Path, library: Path) -> set[str]:
    """No change: a false alarm if anything is found."""
    return set()


def spoil_archive(rng: random.Random, source: Path, target: Path) -> None:
    """A copy of the archive with one number of its table changed."""
    import zipfile

    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "results/tables/shares.csv":
                lines = data.decode().splitlines()
                row = rng.randrange(1, len(lines))
                lines[row] += "1"
                data = ("\n".join(lines) + "\n").encode()
            new.writestr(name, data)


def main(changes: int) -> int:
    """Make each change, rerun, and hold what is listed against what must move."""
    rng = random.Random(20240108)
    kinds: list[Change] = [raw_cell, setting, code, published, nothing]
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        base = tiny_study(Path(folder) / "base")
        command = [sys.executable, "-m", "microresearch.cli"]
        subprocess.run([*command, "run", "--study", str(base)], check=True, stdout=subprocess.DEVNULL)
        archive = Path(folder) / "base.zip"
        subprocess.run([*command, "archive", str(archive), "--study", str(base), "--with-data"], check=True)
        for number in range(changes):
            kind = kinds[number % len(kinds)]
            study, library = Path(folder) / "study", Path(folder) / "library"
            for path in (study, library):
                shutil.rmtree(path, ignore_errors=True)
            shutil.copytree(base, study, ignore=shutil.ignore_patterns("processed", ".run"))
            shutil.copytree(SOURCE, library)
            expected = kind(rng, study, library)
            against = archive
            if kind is published:
                against = Path(folder) / "spoiled.zip"
                spoil_archive(rng, archive, against)
            threads = str(number % 2 + 1)
            environment = {
                **os.environ,
                "PYTHONPATH": str(library),
                "PYTHONHASHSEED": threads,
                "OMP_NUM_THREADS": threads,
            }
            done = subprocess.run(
                [sys.executable, "-c", RERUN, str(study), str(against)],
                env=environment, capture_output=True, text=True, check=False,
            )  # fmt: skip
            answer = next((line[5:] for line in done.stdout.splitlines() if line.startswith("FOUND")), None)
            moved = set(json.loads(answer)[1]) if answer else {done.stderr[-500:]}
            told = answer is not None and json.loads(answer)[0] == (kind is nothing)
            wrong += moved != expected or not (told or kind is code)
            print(f"{number + 1} {kind.__name__}: {sorted(moved)}{'' if moved == expected else ' WRONG'}", flush=True)
    print(f"{changes - wrong} of {changes} reruns told exactly what moved.")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 100))
