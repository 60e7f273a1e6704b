"""Does a new study run to its report from an export of every format? `microresearch new`, then its twin, then itself.

python benchmarks/study_formats.py [a format's file name, default: all] (writes study_formats.csv)
"""

import csv
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "study"))

from formats import EXPORTS, FORM, write_exports

HERE = Path(__file__).parent
COMMAND = [sys.executable, "-m", "microresearch.cli"]


def one(export: str, folder: Path) -> dict[str, object]:
    """What came of one export: how many tables, figures and numbers the twin's and the real report rest on."""
    study = folder / Path(export).name.replace(".", "-")
    more = [str(folder / word) if word.endswith(".csv") else word for word in EXPORTS[export]]
    new = ["new", str(study), "--survey", str(folder / export), "--instrument", str(folder / "short.toml"), *more]
    row: dict[str, object] = {"export": export, "new": _done(new)}
    for kind, root in (("twin", study / "twin"), ("real", study)):
        row[kind] = _done(["run", "--study", str(root)])
        made = [path for part in ("tables", "figures") for path in (root / "results" / part).glob("*.csv")]
        row[f"{kind}_tables_and_figures"] = len(made)
        row[f"{kind}_report"] = (root / "results" / "report.html").is_file()
    return row


def _done(words: list[str]) -> str:
    done = subprocess.run([*COMMAND, *words], capture_output=True, text=True, check=False)
    return "done" if done.returncode == 0 else done.stderr.strip().splitlines()[-1]


def main(exports: list[str]) -> int:
    """Run each to its report; the table is written when all were asked for."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_exports(folder)
        (folder / "short.toml").write_text(FORM, encoding="utf-8")
        rows = []
        for export in exports:
            rows.append(one(export, folder))
            print(rows[-1], flush=True)
    if len(exports) == len(EXPORTS):
        with (HERE / "study_formats.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    return int(not all(row["twin_report"] and row["real_report"] for row in rows))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or list(EXPORTS)))
